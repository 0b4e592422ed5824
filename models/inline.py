"""One model run in its callers' own threads, one at a time: for a CPU, where a batch gains nothing and a thread's hop costs.

A landmark takes 0.5 ms there; handing it to the batcher's thread and back took 0.2 more, and a check asks 60 times.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic

from models.batcher import Answer, BatcherClosed, BatchLimits, Item, ModelStuck, Observes, Runs, observe_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence


class Inline(Generic[Item, Answer]):
    """As Batcher towards its callers. Safe for many threads."""

    def __init__(self, name: str, runs: Runs[Item, Answer], *, limits: BatchLimits, observe: Observes = observe_nothing) -> None:
        """name: the model's, for the observer. Of limits, items_max and answer_within_s hold."""
        self._name = name
        self._runs = runs
        self._limits = limits
        self._observe = observe
        self._free = threading.Lock()
        self._closed = False

    def run(self, items: Sequence[Item]) -> list[Answer]:
        """The answers, in order, in batches of at most items_max.

        Raises what the model raised, BatcherClosed; ModelStuck where others keep it for too long.
        """
        size = self._limits.items_max
        return [answer for start in range(0, len(items), size) for answer in self._batch(items[start : start + size])]

    @property
    def is_open(self) -> bool:
        """Whether items are taken."""
        return not self._closed

    def close(self) -> None:
        """Take no more; wait for what runs."""
        self._closed = True
        if self._free.acquire(timeout=self._limits.answer_within_s):
            self._free.release()

    def _batch(self, items: Sequence[Item]) -> Sequence[Answer]:
        asked_s = time.monotonic()
        if not self._free.acquire(timeout=self._limits.answer_within_s):
            raise ModelStuck(f"{self._name}: no answer within {self._limits.answer_within_s:g} s")
        try:
            if self._closed:
                raise BatcherClosed(self._name)
            started_s = time.monotonic()
            answers = self._runs(items)
            assert len(answers) == len(items), (len(answers), len(items))
        finally:
            self._free.release()
        self._observe(self._name, len(items), waited_s=started_s - asked_s, ran_s=time.monotonic() - started_s)
        return answers
