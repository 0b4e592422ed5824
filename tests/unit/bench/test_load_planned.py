import pytest

from bench.coefficients import made_of
from bench.load.planned import planned_of
from bench.load.profile import Phase
from bench.load.stack import Shape
from bench.load.summary import Latency, Use, kind_of
from bench.result import result_of
from realname.settings import Worker
from services.planning.coefficients import PROCESSES
from tests.coefficients import kept

STEADY = Phase(name="steady", seconds=60, rate_hz=40)
NAMES = ("intake", "dispatcher-0", "dispatcher-1", "worker", "worker-1", "worker-solo", "projector", "janitor", "valkey", "kafka")
USES = {name: Use(1.5, 0.06, 1000) for name in (*NAMES, "load generator")}
LATENCY = Latency(2400, 0.2, 0.4, 0.6, 0.9)
STEPS = {"reference_check_cpu_ms": 130.0, "reference_decode_cpu_ms": 45.0, "reference_liveness_detect_cpu_ms": 28.0}


def test_a_steady_run_has_every_figure_that_the_planner_reads() -> None:
    found = planned_of((STEADY,), Shape(processes=2, dispatchers=2), USES, LATENCY, cores=2)
    assert {f"cpu_ms_{process}" for process in PROCESSES} <= found.keys()
    assert (found["rate_hz"], found["p95_s"], found["simulated"], found["threads"]) == (40, 0.4, 1, 64)
    assert found["cpu_ms_worker"] == 4.5  # three of them
    assert found["cpu_ms_dispatcher"] == 3
    assert found["memory_bytes_dispatcher"] == 2000
    assert found["machine_cpu_share"] == pytest.approx(11 * 0.06 / 2)


def test_coefficients_are_made_of_such_runs() -> None:
    phases = [Phase(name="steady", seconds=3, rate_hz=rate_hz) for rate_hz in (40, 80)]  # short: each is played
    figures = [planned_of((phase,), Shape(), USES, LATENCY, cores=2) for phase in phases]
    runs = [result_of(f"load_{found['rate_hz']:g}", "a test", ratios={}, figures=found) for found in figures]
    steps = result_of("steps", "a test", ratios={}, figures=STEPS)
    made = made_of(runs, steps, kept())
    assert made.of("worker_cpu_ms") == pytest.approx(4.5)
    assert made.fitted_hz == (40, 80)


def test_a_run_that_is_not_steady_has_none() -> None:
    away = Phase(name="away", seconds=60, rate_hz=40, away=("workers",))
    assert planned_of((STEADY, STEADY), Shape(), USES, LATENCY, cores=2) == {}
    assert planned_of((away,), Shape(), USES, LATENCY, cores=2) == {}
    assert planned_of((STEADY,), Shape(), USES, None, cores=2) == {}


def test_real_workers_are_said_to_infer() -> None:
    found = planned_of((STEADY,), Shape(workers="real", processes=1), USES, LATENCY, cores=2)
    assert (found["simulated"], found["threads"]) == (0, Worker().threads)


def test_processes_of_one_kind_are_one() -> None:
    assert [kind_of(name) for name in ("worker-solo", "dispatcher-12", "kafka", "load generator")] == [
        "worker",
        "dispatcher",
        "kafka",
        "loader",
    ]
