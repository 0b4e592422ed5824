from __future__ import annotations

from dataclasses import dataclass

from workers.vitals import LOOP_STANDS_S, REDIS_SILENT_S, Vitals


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def working() -> tuple[Clock, Vitals]:
    clock = Clock()
    vitals = Vitals(clock=clock)
    vitals.redis_answered()
    vitals.loop_turned()
    return clock, vitals


def pass_time(clock: Clock, vitals: Vitals, seconds: float, *, redis: bool, loop: bool) -> None:
    for _ in range(int(seconds)):
        clock.now_s += 1
        if redis:
            vitals.redis_answered()
        if loop:
            vitals.loop_turned()


def test_a_worker_that_starts_is_alive_but_not_ready():
    vitals = Vitals(clock=Clock())
    assert vitals.alive() is None
    assert vitals.ready() == "redis_silent"


def test_a_worker_is_ready_once_its_loop_turns():
    clock = Clock()
    vitals = Vitals(clock=clock)
    vitals.redis_answered()
    assert vitals.ready() == "not_consuming"
    vitals.loop_turned()
    assert vitals.ready() is None


def test_an_outage_of_redis_makes_a_worker_unready_and_kills_it_never():
    clock, vitals = working()
    pass_time(clock, vitals, 3600, redis=False, loop=False)
    assert vitals.ready() == "redis_silent"
    assert vitals.alive() is None


def test_a_worker_gets_time_to_reconnect_once_redis_is_back():
    clock, vitals = working()
    pass_time(clock, vitals, 3600, redis=False, loop=False)
    pass_time(clock, vitals, LOOP_STANDS_S - 1, redis=True, loop=False)
    assert vitals.alive() is None


def test_a_loop_that_stands_though_redis_answers_is_dead():
    clock, vitals = working()
    pass_time(clock, vitals, LOOP_STANDS_S + 2, redis=True, loop=False)
    assert vitals.alive() == "consumer_stands"
    assert vitals.ready() == "not_consuming"


def test_a_worker_that_works_stays_alive_and_ready():
    clock, vitals = working()
    pass_time(clock, vitals, 3600, redis=True, loop=True)
    assert (vitals.alive(), vitals.ready()) == (None, None)


def test_one_late_answer_of_redis_is_no_outage():
    clock, vitals = working()
    clock.now_s += REDIS_SILENT_S
    assert vitals.ready() is None
