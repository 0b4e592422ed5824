"""What a check cost: percentiles by nearest rank, CPU and waiting apart."""

from __future__ import annotations

from workers.evaluation.latency import Latency, Step, latency_of
from workers.evaluation.outcomes import Measured


def test_each_step_and_the_whole_stand_with_their_percentiles() -> None:
    spent = [(5.0, 50.0), (1.0, 10.0), (4.0, 40.0), (2.0, 20.0), (3.0, 30.0)]
    measured = [Measured(cpu_ms={"decode": 10 * cpu, "pad": cpu}, waited_ms={"pad": waited}) for cpu, waited in spent]
    found = latency_of([*measured, Measured(failure="clip_missing")])
    assert found.steps == (Step("decode", 5, 30.0, 50.0, 0.0, 0.0), Step("pad", 5, 3.0, 5.0, 30.0, 50.0))
    assert found.total == Step("the whole check", 5, 33.0, 55.0, 30.0, 50.0)


def test_of_twenty_the_last_but_one_is_the_95th_percentile() -> None:
    found = latency_of([Measured(cpu_ms={"pad": float(ms)}) for ms in range(1, 21)])
    assert (found.steps[0].p50_ms, found.steps[0].p95_ms) == (10.0, 19.0)


def test_a_step_that_not_every_check_reached_has_its_own_n() -> None:
    found = latency_of([Measured(cpu_ms={"decode": 1.0, "embed": 9.0}), Measured(cpu_ms={"decode": 3.0})])
    assert [(step.step, step.n) for step in found.steps] == [("decode", 2), ("embed", 1)]
    assert found.total is not None
    assert (found.total.p50_ms, found.total.p95_ms) == (3.0, 10.0)


def test_where_nothing_was_judged_there_is_no_latency() -> None:
    assert latency_of([Measured(failure="clip_missing")]) == Latency()
