"""Encoders that make their process urgent, and the end of that.

SVT-AV1, where root runs it, puts the thread that opens it, and so those that it starts, on the real-time schedule (SCHED_FIFO,
99): from then on that process and each child of it goes before everything else on the machine, brokers and other tests
starved. A container's build is run by root.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

URGENT = (os.SCHED_FIFO, os.SCHED_RR)


def opened(stream: Any) -> None:
    """Open the stream's encoder, all its settings made, as its first frame would; then every thread is ordinary again."""
    stream.codec_context.open(strict=False)
    calm()


def calm() -> None:
    """Each thread of this process that is on a real-time schedule on the ordinary one."""
    for thread in Path("/proc/self/task").glob("[0-9]*"):
        try:
            if os.sched_getscheduler(int(thread.name)) & ~os.SCHED_RESET_ON_FORK in URGENT:
                os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
        except ProcessLookupError:  # just ended
            continue
