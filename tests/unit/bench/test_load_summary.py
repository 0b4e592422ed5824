"""Percentiles by phase and operator, CPU by process, and what is read off the processes."""

import pytest

from bench.load.accounting import Answer, Decisions, Sent
from bench.load.profile import Phase
from bench.load.schedule import Arrival
from bench.load.summary import ALL, LOADER, STAND_IN, apart, kind_of, latency_of, pipeline_ms, rows_of, uses_of
from bench.load.watching import Spent, figures_of, since
from services.planning.coefficients import PROCESSES

PHASES = (Phase(name="before", seconds=10, rate_hz=1), Phase(name="flash", seconds=10, rate_hz=5))


def a_sent(name: str, phase: int, operator: str, status: int = 202) -> Sent:
    return Sent(Arrival(10.0 * phase, phase, operator, 0), name, Answer(status), 0.0, 0.0)


def test_percentiles_are_values_that_somebody_had():
    found = latency_of([float(value) for value in range(100, 0, -1)])
    assert found is not None
    assert (found.count, found.p50_s, found.p95_s, found.p99_s, found.max_s) == (100, 50.0, 95.0, 99.0, 100.0)
    one = latency_of([0.7])
    assert one is not None
    assert (one.p50_s, one.p95_s, one.max_s) == (0.7, 0.7, 0.7)
    assert latency_of([]) is None


def test_there_is_a_row_for_each_phase_and_operator_and_for_the_whole():
    sent = [a_sent("a", 0, "north"), a_sent("b", 1, "north"), a_sent("c", 1, "harbor", 429), a_sent("d", 1, "harbor")]
    seen = Decisions(read_s={"a": 0.5, "b": 12.0})
    rows = {(row.phase, row.operator): row for row in rows_of(PHASES, ("north", "harbor"), sent, seen)}
    assert set(rows) == {(phase, who) for phase in ("before", "flash", ALL) for who in (ALL, "north", "harbor")}
    flash = rows["flash", ALL]
    assert (flash.due, flash.accepted, flash.decided, flash.shed, flash.other) == (3, 2, 1, 1, 0)
    assert flash.latency is not None
    assert flash.latency.max_s == 2.0  # from the scheduled arrival, 10.0
    assert rows["before", "harbor"].latency is None
    whole = rows[ALL, ALL].latency
    assert whole is not None
    assert (whole.count, whole.p50_s, whole.max_s) == (2, 0.5, 2.0)


def test_cpu_is_by_registration_and_the_pipelines_leaves_out_inference_loader_and_jvm():
    spent = {"kafka": 5.0, "intake": 1.0, "worker": 2.0, "load generator": 3.0, "dispatcher-0": 0.5}
    uses = uses_of(spent, {"intake": 7}, decided=500, length_s=10.0)
    assert next(iter(uses)) == "kafka"
    assert uses["intake"] == (2.0, 0.1, 7)
    assert pipeline_ms(uses, simulated=True) == pytest.approx(7.0)
    assert pipeline_ms(uses, simulated=False) == pytest.approx(3.0)


def test_what_stands_in_for_inference_is_taken_out_of_its_workers():
    spent_s = apart({"worker": 5.0, "worker-1": 4.0, "intake": 2.0}, {"worker": 2.0, "worker-1": 1.0})
    assert spent_s == {"worker": 3.0, "worker-1": 3.0, "intake": 2.0, STAND_IN: 3.0}
    assert pipeline_ms(uses_of(spent_s, {}, decided=1000, length_s=10.0), simulated=True) == pytest.approx(8.0)
    assert apart({"worker": 5.0}, {}) == {"worker": 5.0}


def test_a_counter_that_started_again_counts_from_there():
    assert since({"worker": 2.0, "worker-1": 9.0}, {"worker": 5.0, "worker-1": 1.5, "worker-2": 1.0}) == {
        "worker": 3.0,
        "worker-1": 1.5,
        "worker-2": 1.0,
    }


def test_cpu_of_a_process_that_was_started_again_goes_on():
    spent = Spent()
    assert [spent.total_s("worker", pid, cpu_s) for pid, cpu_s in ((1, 10.0), (1, 12.0), (2, 0.5), (2, 1.5))] == [0, 2, 2.5, 3.5]


def test_dispatchers_pages_are_summed_or_the_largest_taken():
    page = """# HELP realname_consumer_lag_records Records behind
realname_consumer_lag_records{topic="registrations.submitted",partition="0"} 3.0
realname_consumer_lag_records{topic="registrations.submitted",partition="1"} 4.0
realname_undecided_records{operator="north"} 2.0
realname_offset_map_chars 40.0
realname_window_records 90.0
"""
    other = page.replace("40.0", "12.0").replace("90.0", "7.0")
    assert figures_of([page, other]) == {
        "realname_consumer_lag_records": 14,
        "realname_undecided_records": 4,
        "realname_offset_map_chars": 40,
        "realname_window_records": 90,
    }
    assert figures_of([]) == {}


def test_processes_of_a_kind_bear_the_planners_names():
    kinds = {kind_of(name) for name in ("intake", "dispatcher-0", "dispatcher-1", "worker", "worker-1", "worker-solo", LOADER)}
    assert kinds == {"intake", "dispatcher", "worker", "loader"}
    assert kinds <= set(PROCESSES)
