from __future__ import annotations

from services.dispatcher.overtaken import Mark, OvertakenWatch
from services.dispatcher.records import InFlight, Taken
from tests.builders import NOON, a_submission


def job(offset: int, at_s: float) -> InFlight:
    return InFlight(Taken(0, offset, a_submission(), NOON), at_s)


def suspects_of(
    watch: OvertakenWatch, jobs: list[InFlight], marks: dict[int, Mark] | None = None, now_s: float = 1000.0
) -> set[int]:
    in_flight = {each.taken.place: each for each in jobs}
    by_place = {(0, offset): mark for offset, mark in (marks or {}).items()}
    return {offset for _, offset in watch.suspects(in_flight, by_place, now_s)}


def test_a_long_queue_makes_no_suspect_however_old_its_jobs_are() -> None:
    watch = OvertakenWatch()
    watch.done(job(0, 100.0))
    assert suspects_of(watch, [job(1, 101.0), job(2, 500.0)], now_s=100_000.0) == set()


def test_a_job_that_never_started_is_suspect_once_one_dispatched_well_after_it_is_done() -> None:
    watch = OvertakenWatch()
    watch.done(job(9, 111.0))
    assert suspects_of(watch, [job(1, 100.0), job(2, 105.0)]) == {1}


def test_a_job_that_started_is_suspect_only_when_every_redelivery_is_over() -> None:
    watch = OvertakenWatch()
    watch.done(job(9, 500.0))
    marks = {1: Mark("liveness", 940.0), 2: Mark("liveness", 960.0)}
    assert suspects_of(watch, [job(1, 100.0), job(2, 100.0)], marks, now_s=1000.0) == {1}


def test_it_takes_two_looks_in_a_row_because_a_message_is_nowhere_for_a_moment_between_queue_and_worker() -> None:
    watch = OvertakenWatch()
    assert watch.overtaken({(0, 1), (0, 2)}, found={(0, 2)}) == set()
    assert watch.overtaken({(0, 1), (0, 2)}, found=set()) == {(0, 1)}
    assert watch.overtaken({(0, 2)}, found=set()) == {(0, 2)}


def test_a_job_that_was_found_meanwhile_starts_anew() -> None:
    watch = OvertakenWatch()
    watch.overtaken({(0, 1)}, found=set())
    watch.overtaken({(0, 1)}, found={(0, 1)})
    assert watch.overtaken({(0, 1)}, found=set()) == set()
