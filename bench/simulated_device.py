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
    """One call at a time, of at most batch_max items; each entry is its own answer."""

    def __init__(self, *, call_s: float = CALL_S, item_s: float = ITEM_S, batch_max: int | None = None) -> None:
        """batch_max: entries stand for so many items as they say, and as many items go into one call; None: each is one item."""
        self._call_s, self._item_s, self._batch_max = call_s, item_s, batch_max
        self._only = threading.Lock()
        self.calls, self.items = 0, 0

    def run(self, entries: Sequence[int]) -> list[int]:
        """As a session: all or nothing."""
        items = len(entries) if self._batch_max is None else sum(entries)
        calls = 1 if self._batch_max is None else -(-items // self._batch_max)
        with self._only:
            time.sleep(self._call_s * calls + self._item_s * items)
            self.calls += calls
            self.items += items
        return list(entries)

    @property
    def mean_batch(self) -> float:
        """Items a call."""
        return self.items / self.calls if self.calls else 0.0
