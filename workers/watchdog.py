"""Ends a process whose stage hangs. A threads pool knows no time limits, and a hung device lets no thread go.

The process ends at once and loudly: its supervisor starts another, Redis hands its jobs out again, and they count
as lost starts.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from realname.clock import Monotonic, monotonic
from realname.stages import Stage

LOOK_EVERY_S = 1.0
EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h

_LOG = logging.getLogger(__name__)


def end_process() -> None:
    """Without any cleaning up: what hangs would hang that, too."""
    os._exit(EXIT_CODE)


class Watchdog:
    """Knows which stages run, and since when. Safe for many threads."""

    def __init__(self, stage_deadline_s: float, *, end: Callable[[], None] = end_process, clock: Monotonic = monotonic) -> None:
        """end: what to do about a hung stage."""
        self._deadline_s = stage_deadline_s
        self._end = end
        self._clock = clock
        self._running: dict[object, tuple[Stage, float]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @contextmanager
    def watching(self, stage: Stage) -> Generator[None]:
        """Around one stage of one registration."""
        ticket = object()
        with self._lock:
            self._running[ticket] = (stage, self._clock())
        try:
            yield
        finally:
            with self._lock:
                del self._running[ticket]

    def hung(self) -> list[Stage]:
        """The stages that run longer than their deadline."""
        now = self._clock()
        with self._lock:
            return [stage for stage, since in self._running.values() if now - since > self._deadline_s]

    def check(self) -> str | None:
        """None, or `stage_hung`."""
        return "stage_hung" if self.hung() else None

    def look(self) -> None:
        """Once: end the process if a stage hangs."""
        if hung := self.hung():
            _LOG.critical("stage_hung", extra={"stages": [stage.value for stage in hung], "deadline_s": self._deadline_s})
            logging.shutdown()
            self._end()

    def start(self) -> None:
        """Look every second, from a thread, until stop()."""
        threading.Thread(target=self._keep_looking, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _keep_looking(self) -> None:
        while not self._stopped.wait(min(LOOK_EVERY_S, self._deadline_s / 4)):
            self.look()
