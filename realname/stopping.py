"""How a service hears that it should end: SIGTERM of its supervisor, SIGINT of a terminal. Its loop asks between two turns."""

from __future__ import annotations

import signal
import threading
from types import FrameType


def stop_on_signal() -> threading.Event:
    """Set by the first SIGTERM or SIGINT. Call once in main(), on the main thread."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping
