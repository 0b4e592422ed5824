from __future__ import annotations

import threading

import pytest

from realname.errors import Transient
from realname.stages import STAGE_DEADLINE_S, VISIBILITY_TIMEOUT_S, Stage
from workers.presence import Presence
from workers.timing import Timing
from workers.watchdog import Watchdog


class Ended(Exception):
    """Instead of the process."""


def end() -> None:
    raise Ended


def a_watchdog(times: list[float], deadline_s: float = 20.0) -> Watchdog:
    clock = iter(times)
    return Watchdog(deadline_s, end=end, clock=lambda: next(clock))


def test_a_stage_within_its_deadline_is_left_alone():
    watchdog = a_watchdog([0.0, 20.0])
    with watchdog.watching(Stage.LIVENESS):
        watchdog.look()


def test_a_stage_beyond_its_deadline_ends_the_process():
    watchdog = a_watchdog([0.0, 20.1])
    with watchdog.watching(Stage.LIVENESS), pytest.raises(Ended):
        watchdog.look()


def test_a_hung_stage_makes_the_process_unhealthy():
    watchdog = a_watchdog([0.0, 5.0, 21.0])
    with watchdog.watching(Stage.MATCHING):
        assert watchdog.check() is None
        assert watchdog.check() == "stage_hung"


def test_a_stage_that_ended_is_forgotten_also_when_it_failed():
    watchdog = a_watchdog([0.0, 99.0])
    with pytest.raises(ValueError, match="x"), watchdog.watching(Stage.LIVENESS):
        raise ValueError("x")
    assert watchdog.hung() == []


def test_only_the_hung_one_of_several_is_named():
    watchdog = a_watchdog([0.0, 15.0, 21.0])
    with watchdog.watching(Stage.LIVENESS), watchdog.watching(Stage.MATCHING):
        assert watchdog.hung() == [Stage.LIVENESS]


def test_the_thread_looks_by_itself():
    ended = threading.Event()
    watchdog = Watchdog(0.01, end=ended.set)
    watchdog.start()
    with watchdog.watching(Stage.LIVENESS):
        assert ended.wait(10)
    watchdog.stop()


class Silent:
    """A Redis that answers only while told to."""

    def __init__(self) -> None:
        self.answers = True
        self.asked = threading.Semaphore(0)

    def refresh_process(self) -> None:
        self.asked.release()
        if not self.answers:
            raise Transient("silent")


def test_each_answered_refresh_is_told_and_no_other():
    redis, told = Silent(), []
    presence = Presence(redis, every_s=60, answered=lambda: told.append(1))
    assert presence.refresh()
    redis.answers = False
    assert not presence.refresh()
    assert len(told) == 1


def test_the_presence_thread_outlives_an_outage():
    redis, told = Silent(), threading.Event()
    redis.answers = False
    presence = Presence(redis, every_s=0.005, answered=told.set)
    presence.start()
    for _ in range(3):
        assert redis.asked.acquire(timeout=10)
    assert not told.is_set()
    redis.answers = True
    assert told.wait(10)
    presence.stop()


def test_productions_timing_is_the_contracts():
    timing = Timing()
    assert (timing.visibility_timeout_s, timing.stage_deadline_s) == (VISIBILITY_TIMEOUT_S, STAGE_DEADLINE_S)


@pytest.mark.parametrize(
    "wrong",
    [
        {"process_ttl_s": 31.0},  # its job would come back before it is known as dead
        {"process_refresh_s": 6.0},  # one missed refresh would be a death
        {"stage_deadline_s": 31.0},  # a job would come back while it runs
    ],
)
def test_a_timing_that_cannot_recover_is_refused(wrong):
    with pytest.raises(AssertionError):
        Timing(**wrong)
