"""A device that answers after 3 ms a call and 0.05 ms an item: what a GPU costs a small model, without one. Never in the product.

The same figures as in the measurement that the batcher was chosen by (docs/adr/0003).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

CALL_S = 0.003
ITEM_S = 0.00005


class SimulatedDevice:
    """One call at a time; each item is its own answer."""

    def __init__(self, *, call_s: float = CALL_S, item_s: float = ITEM_S) -> None:
        self._call_s, self._item_s = call_s, item_s
        self._only = threading.Lock()
        self.calls, self.items = 0, 0

    def run(self, items: Sequence[int]) -> list[int]:
        """As a session: all or nothing."""
        with self._only:
            time.sleep(self._call_s + self._item_s * len(items))
            self.calls += 1
            self.items += len(items)
        return list(items)

    @property
    def mean_batch(self) -> float:
        """Items a call."""
        return self.items / self.calls if self.calls else 0.0
