"""Ends the process when its loop stands: a hung client library is cured only by a new process."""

from __future__ import annotations

import logging
import os
import threading

from realname.health import Heartbeat

log = logging.getLogger("dispatcher.watchdog")

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
CHECK_EVERY_S = 1.0


def watch(heartbeat: Heartbeat) -> None:
    """From a thread, for as long as the process lives."""
    threading.Thread(target=_watch, args=(heartbeat,), name="watchdog", daemon=True).start()


def _watch(heartbeat: Heartbeat) -> None:
    never = threading.Event()
    while not never.wait(CHECK_EVERY_S):
        if heartbeat.check() is not None:
            log.critical("the loop stands: exit")
            os._exit(EXIT_CODE)
