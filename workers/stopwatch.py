"""How long each step of a stage took: CPU of its own thread, and time waiting for models."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stopwatch:
    """cpu_ms: of the calling thread, by step. device_ms: of calls to models, the time in which that thread did not run, by step.

    On a CPU a model runs in the calling thread (models/inline.py), so its work is in cpu_ms, and device_ms is the wait for
    others who ask it and for a core: no cost of the check. On a GPU it is the device's time, its queue included.
    """

    cpu_ms: dict[str, float] = field(default_factory=dict[str, float])
    device_ms: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """Work of our own."""
        started_s = time.thread_time()
        yield
        self._add(self.cpu_ms, name, time.thread_time() - started_s)

    @contextmanager
    def asking(self, name: str) -> Generator[None]:
        """A call to a model: what the thread itself spends is cpu_ms, all the rest device_ms."""
        started_s, began_s = time.thread_time(), time.monotonic()
        yield
        own_s = time.thread_time() - started_s
        self._add(self.cpu_ms, name, own_s)
        self._add(self.device_ms, name, max(0.0, time.monotonic() - began_s - own_s))

    @staticmethod
    def _add(to: dict[str, float], name: str, seconds: float) -> None:
        to[name] = round(to.get(name, 0.0) + seconds * 1000, 3)
