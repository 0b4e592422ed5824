"""One device, used by one model at a time, in turns. Time comes in as an argument.

Each model's batcher asks for a turn when it has work, and takes its items only when the turn is its own: while it waits, its
batch fills. Turns go in the order in which they were asked for, and a model asks for one at a time: so it is a round over the
models that have work, and none waits longer than one call of each other one. Fuller batches do not go first: the landmarks,
50 of the 60 calls of a check, would always be the fuller ones, and whoever waits fills up meanwhile.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from realname.clock import Monotonic, monotonic

if TYPE_CHECKING:
    from collections.abc import Generator


class Took(Protocol):
    """Told of each turn when it ends; the caller's metrics."""

    def __call__(self, busy_s: float, /) -> None:
        """busy_s: how long the device was one model's, preparing and copying included."""
        ...


def tell_nobody(busy_s: float, /) -> None:
    """For who does not ask how busy the device is."""


class Turns:
    """For all models of a process, of all profiles. Safe for many threads."""

    def __init__(self, took: Took = tell_nobody, clock: Monotonic = monotonic) -> None:
        """took: on the thread whose turn ends, before the next begins; so the sum over a time is the device's busy share."""
        self._took = took
        self._clock = clock
        self._asked: deque[object] = deque()  # the first has the turn
        self._changed = threading.Condition()

    @contextmanager
    def turn(self) -> Generator[None]:
        """Wait for the turn and have it for the block.

        Waits without a limit: only batchers wait here, and their callers have a limit. A device that hangs is seen by them.
        """
        ticket = object()
        with self._changed:
            self._asked.append(ticket)
            self._changed.wait_for(lambda: self._asked[0] is ticket)
        began_s = self._clock()
        try:
            yield
        finally:
            try:
                self._took(self._clock() - began_s)
            finally:
                with self._changed:
                    self._asked.popleft()
                    self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Batchers that wait for their turn now."""
        with self._changed:
            return max(0, len(self._asked) - 1)
