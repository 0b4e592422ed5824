"""Now, as a value that is passed in. Ages and deadlines come from Redis TIME or broker timestamps, not from here."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]  # aware, UTC; for stamps that people read and for expiry of what we signed
Monotonic = Callable[[], float]  # seconds; for durations


def wall_clock() -> datetime:
    """This process's wall clock, aware, UTC."""
    return datetime.now(tz=UTC)


monotonic: Monotonic = time.monotonic
