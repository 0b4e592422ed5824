"""Keeps this process's key in Redis alive, from a thread. A process without one is dead to the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from realname.errors import Transient

_LOG = logging.getLogger(__name__)


class RefreshesProcess(Protocol):
    """The one command it needs."""

    def refresh_process(self) -> None:
        """Raises Transient."""
        ...


class Presence:
    """The thread. It outlives any outage of Redis."""

    def __init__(self, scratch: RefreshesProcess, *, every_s: float, answered: Callable[[], None]) -> None:
        """answered: told of each refresh that Redis took."""
        self._scratch = scratch
        self._every_s = every_s
        self._answered = answered
        self._stopped = threading.Event()

    def refresh(self) -> bool:
        """Once. False where Redis did not answer."""
        try:
            self._scratch.refresh_process()
        except Transient:
            return False
        self._answered()
        return True

    def start(self) -> None:
        """Refresh now, and then from a thread until stop()."""
        self.refresh()
        threading.Thread(target=self._keep_refreshing, name="presence", daemon=True).start()

    def stop(self) -> None:
        """End the thread. The key is left to its TTL: threads may still be ending their starts."""
        self._stopped.set()

    def _keep_refreshing(self) -> None:
        answered = True
        while not self._stopped.wait(self._every_s):
            before, answered = answered, self.refresh()
            if before != answered:
                _LOG.warning("redis_answers" if answered else "redis_silent")
