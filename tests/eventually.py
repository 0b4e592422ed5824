"""Polling instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], *, within_s: float = 10.0, every_s: float = 0.02) -> T:
    """The first true answer of `check`; fails after the deadline and shows the last one."""
    deadline = time.monotonic() + within_s
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"did not hold within {within_s} s; last: {found!r}"
        time.sleep(every_s)
