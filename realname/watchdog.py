"""Ends a process whose loop stands; its supervisor starts it again.

For loops around client libraries that can wait for ever: kafka-python does where its broker dies at the wrong moment
(measured). The stack of every thread goes to stderr first: code places only, no values.
"""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Callable

from realname.health import Check

STANDING = 70  # exit status (EX_SOFTWARE)
LOOK_EVERY_S = 1.0


def end_when_standing(
    alive: Check, *, every_s: float = LOOK_EVERY_S, end: Callable[[int], object] = os._exit
) -> threading.Thread:
    """Start looking; the thread ends with `end(STANDING)` once `alive` names a problem.

    alive: a Heartbeat's check. end: os._exit, since a hung library would also hang an orderly exit.
    """

    def watch() -> None:
        pause = threading.Event()
        while alive() is None:
            pause.wait(every_s)
        faulthandler.dump_traceback(all_threads=True)
        end(STANDING)

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    return thread
