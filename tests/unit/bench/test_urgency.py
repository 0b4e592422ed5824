import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.presentations.recorder import record
from bench.presentations.shots import Shot
from bench.urgency import calm
from tests.recordings import clip_bytes, picture

STILL = Shot(tuple(picture(64, 64, shift) for shift in range(4)), (0.0, 0.1, 0.2, 0.3))


def schedules() -> set[int]:
    """Of every thread of this process."""
    return {os.sched_getscheduler(int(thread.name)) for thread in Path("/proc/self/task").iterdir()}


@pytest.mark.parametrize("make", [lambda: clip_bytes("libsvtav1", frames=4), lambda: record(STILL, "av1")], ids=["test", "bench"])
def test_an_encoder_that_root_runs_leaves_its_process_no_more_urgent_than_others(make):
    assert make()
    assert schedules() == {os.SCHED_OTHER}


def test_a_schedule_that_is_not_urgent_was_somebodys_choice_and_stays():
    def chosen() -> int:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        calm()
        return os.sched_getscheduler(0)

    with ThreadPoolExecutor(1) as pool:  # the schedule goes with its thread
        assert pool.submit(chosen).result(10) == os.SCHED_BATCH
