from __future__ import annotations

import subprocess
import sys

from realname.watchdog import STANDING, end_when_standing


def test_it_ends_the_process_when_the_loop_stands() -> None:
    answers = iter([None, None, "loop_stands"])
    ended: list[int] = []
    end_when_standing(lambda: next(answers), every_s=0.001, end=ended.append).join(5)
    assert ended == [STANDING]


def test_a_process_that_hangs_is_gone_with_the_places_of_its_threads_on_stderr() -> None:
    hangs = (
        "import threading\n"
        "from realname.health import Heartbeat\n"
        "from realname.watchdog import end_when_standing\n"
        "end_when_standing(Heartbeat(0.05).check, every_s=0.01)\n"
        "def waits_for_ever(): threading.Event().wait()\n"
        "waits_for_ever()\n"
    )
    ran = subprocess.run([sys.executable, "-c", hangs], capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == STANDING
    assert "in waits_for_ever" in ran.stderr
