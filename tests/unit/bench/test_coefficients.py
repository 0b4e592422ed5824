from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.coefficients import fitted, made_of
from bench.courses import Course, Look
from bench.result import Machine, Result
from realname.errors import RealnameError
from services.planning.coefficients import PROCESSES, decode, encode
from services.planning.one_run import LoadRun
from services.planning.prediction import predict
from tests.coefficients import kept

HERE = Machine(cpu="a core", cores=2, system="Linux x86_64", python="3.11.7")
IDLE = {"kafka": 0.15, "dispatcher": 0.05}
COST_MS = dict.fromkeys(PROCESSES, 0.5) | {"intake": 2.0, "worker": 3.0, "loader": 1.5}


def result(name: str, figures: dict[str, float], machine: Machine = HERE) -> Result:
    return Result(name=name, command="a test", taken_at=datetime(2026, 11, 28, tzinfo=UTC), machine=machine, figures=figures)


def load_run(rate_hz: float, **other: float) -> Result:
    cpu = {f"cpu_ms_{process}": COST_MS[process] + IDLE.get(process, 0.0) * 1000 / rate_hz for process in PROCESSES}
    return result(f"load-{rate_hz:g}", {"rate_hz": rate_hz, "seconds": 3.0, "p50_s": 0.25, **cpu, **other})


REFERENCE = {
    "reference_check_cpu_ms": 130.0,
    "reference_decode_cpu_ms": 45.0,
    "reference_liveness_detect_cpu_ms": 28.0,
    "reference_matching_detect_cpu_ms": 2.0,
    "reference_matching_embed_cpu_ms": 25.0,
    "reference_liveness_signals_cpu_ms": 30.0,
}
PAGE = {f"page_{name.removeprefix('reference_')}": value / 2 for name, value in REFERENCE.items()}
STEPS = result("steps", REFERENCE | PAGE)


@given(idle=st.floats(0, 2), cost_ms=st.floats(0, 100), rates=st.lists(st.floats(1, 500), min_size=2, max_size=6, unique=True))
def test_what_lies_on_a_line_is_fitted_exactly(idle: float, cost_ms: float, rates: list[float]) -> None:
    if max(rates) < 1.5 * min(rates):
        rates = [*rates, 2 * max(rates)]
    line = fitted(rates, [idle + cost_ms / 1000 * rate for rate in rates])
    assert line.idle_cores == pytest.approx(idle, abs=1e-6)
    assert line.cost_ms == pytest.approx(cost_ms, abs=1e-5)
    assert line.worst < 0.01


def test_neither_cost_is_ever_negative() -> None:
    assert fitted([1.0, 2.0], [0.5, 1.5]) == pytest.approx((0.0, 700.0, 0.4))  # through 0: (1 x .5 + 2 x 1.5) / (1 + 4)
    assert fitted([1.0, 2.0], [1.0, 0.5]).cost_ms == 0


def test_a_run_whose_figures_say_nothing_is_not_fitted() -> None:
    late = msgspec.structs.replace(load_run(40), notes=("wrong: the loader was late by itself",))
    with pytest.raises(RealnameError, match="load-40 is not to be fitted: wrong: the loader was late"):
        made_of([load_run(10), late], STEPS, kept())


def test_idle_cost_and_cost_are_told_apart_by_several_rates() -> None:
    made = made_of([load_run(20), load_run(60), load_run(120)], STEPS, kept())
    assert made.of("kafka_idle_cores") == pytest.approx(0.15)
    assert made.of("kafka_cpu_ms") == pytest.approx(0.5)
    assert made.of("worker_cpu_ms") == pytest.approx(3.0)
    assert made.of("check_cpu_ms") == 130
    assert made.of("models_cpu_ms") == 55
    assert made_of([load_run(20), load_run(60)], STEPS, kept(), clip="page").of("models_cpu_ms") == 27.5
    assert made.fitted_hz == (20, 60, 120)
    assert made.figures["kafka_cpu_ms"].basis == "measured"
    assert "load-20, load-60, load-120" in made.cited("kafka_cpu_ms")
    # 250 ms less intake, kafka, dispatcher, valkey, worker and the simulated device; of two exponential waits the median is less
    assert made.of("path_wait_s") == pytest.approx((0.25 - 0.0065 - made.of("simulated_check_s")) / 0.839, rel=0.05)
    assert decode(encode(made), "made") == made


def test_what_was_not_measured_stays_as_it_was() -> None:
    made = made_of([load_run(20), load_run(60)], STEPS, kept())
    assert made.figures["gpu_call_ms"] == kept().figures["gpu_call_ms"]
    assert made.figures["clip_bytes"] == kept().figures["clip_bytes"]
    named = made_of([load_run(20), load_run(60, clip_bytes=300_000.0)], STEPS, kept())
    assert named.of("clip_bytes") == 300_000


def test_a_prediction_by_the_fit_meets_a_run_that_was_left_out() -> None:
    made = made_of([load_run(20), load_run(120)], STEPS, kept())
    said = predict(LoadRun(rate_hz=60, seconds=5, workers=2), made)
    measured = load_run(60).figures
    assert all(said.figures[f"cpu_ms_{process}"] == pytest.approx(measured[f"cpu_ms_{process}"]) for process in PROCESSES)
    assert not said.is_fitted


def course(cold: float, warm: float) -> Course:
    """Kafka's cores in each half of a minute, a tenth more and a tenth less by turns."""
    spent_s, looks = 0.0, [Look(0.0, {"kafka": 0.0})]
    for second in range(60):
        spent_s += (cold if second < 30 else warm) + (0.1 if second % 2 else -0.1)
        looks.append(Look(second + 1.0, {"kafka": spent_s}))
    return Course(looks)


def test_courses_tell_the_warm_up_from_the_idle_cost_and_how_uneven_it_is() -> None:
    runs = [load_run(2, seconds=60.0), load_run(6, seconds=60.0)]
    made = made_of(runs, STEPS, kept(), courses={run.name: course(0.4, 0.3) for run in runs})
    assert made.of("kafka_warm_up_s") == pytest.approx(3.0, rel=0.01)
    assert made.of("kafka_idle_cores") == pytest.approx(0.15 - 3.0 / 60, rel=0.01)
    # steps of 0.2 cores: 0.2 x 0.2 / 2, over 0.15 cores; the step between the halves and what arrives weigh little
    assert made.of("kafka_burst_s") == pytest.approx(0.02 / 0.15, rel=0.03)
    assert predict(LoadRun(rate_hz=3, seconds=60), made).figures["cpu_ms_kafka"] == pytest.approx(0.5 + 150 / 3, rel=0.01)


def test_what_stands_in_for_inference_is_told_from_the_worker_where_the_runs_do() -> None:
    told = made_of([load_run(20, cpu_ms_stand_in=2.0), load_run(60, cpu_ms_stand_in=1.0)], STEPS, kept())
    assert told.of("stand_in_cpu_ms") == 1.5
    assert told.of("worker_cpu_ms") == pytest.approx(3.0)


def test_where_a_run_has_no_course_the_warm_up_stays_as_it_was() -> None:
    made = made_of([load_run(20), load_run(60)], STEPS, kept(), courses={"load-20": course(0.4, 0.3)})
    assert made.figures["kafka_warm_up_s"] == kept().figures["kafka_warm_up_s"]


def test_a_dispatchers_turn_is_not_counted_as_a_small_wait_too() -> None:
    turn = msgspec.structs.replace(kept().figures["dispatcher_turn_s"], value=0.05)
    turning = msgspec.structs.replace(kept(), figures=kept().figures | {"dispatcher_turn_s": turn})
    made, told = (made_of([load_run(20), load_run(60)], STEPS, base).of("path_wait_s") for base in (kept(), turning))
    assert 0.04 < made - told < 0.08


@pytest.mark.parametrize(
    ("runs", "steps", "said"),
    [
        ([load_run(20)], STEPS, "two rates"),
        ([load_run(20), load_run(25)], STEPS, "1.5 times apart"),
        ([load_run(20), load_run(60)], None, "steps.json"),
        ([], None, "nothing to make"),
        ([load_run(20, simulated=0.0)], None, "nothing to make"),
        ([load_run(20), result("load-x", {"p50_s": 1.0})], STEPS, "load-x has no rate_hz"),
        ([load_run(20), result("load-x", {"rate_hz": 60.0, "p50_s": 1.0})], STEPS, "cpu_ms_intake"),
        ([load_run(20), load_run(60)], result("steps", {"reference_check_cpu_ms": 1.0}), "decode_cpu_ms"),
    ],
)
def test_runs_that_do_not_suffice_are_refused_by_name(runs: list[Result], steps: Result | None, said: str) -> None:
    with pytest.raises(RealnameError, match=said):
        made_of(runs, steps, kept())


def test_runs_of_two_machines_are_not_fitted_together() -> None:
    elsewhere = msgspec.structs.replace(load_run(60), machine=msgspec.structs.replace(HERE, cores=8))
    with pytest.raises(RealnameError, match="several machines"):
        made_of([load_run(20), elsewhere], STEPS, kept())
