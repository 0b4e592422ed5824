"""Pure: what a load run will show, said before it, and whether it did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from statistics import median
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from realname.errors import RealnameError
from services.planning.coefficients import PROCESSES, Coefficients
from services.planning.national import percentile
from services.planning.one_run import COLD_S, Bursts, LoadRun, Path, play_run

TOLERANCE = 0.2  # of the measured value
FULL_SHARE = 0.95  # of the machine: beyond it a queue grows for as long as the run lasts
SAME_RATE = 0.01  # rates nearer than this are the same one
PLAYS = 9  # of a run, each with draws of its own; what is predicted is the median of them, since one run may have luck
PLAYED_MAX = 20_000  # registrations in all of them; one play at least
MADE_OF = ("cores", "dispatchers", "workers", "threads", "simulated")  # of LoadRun, by the names that results have, too

_T = TypeVar("_T")


class ResultWrong(RealnameError):
    """The file is no result of a load run, or no prediction; the message says why."""


class Prediction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """figures: by the names that bench.load gives what it measures. is_fitted: the coefficients were made at this very rate.

    is_full: the run asks for more than the machine or its workers' threads have: its latency is that of a growing queue.
    """

    run: LoadRun
    fitted_hz: tuple[float, ...]
    figures: dict[str, float]
    is_fitted: bool
    is_full: bool


class Measured(Struct, frozen=True, kw_only=True):
    """Of a benchmark's result (bench/result.py), what is compared; it may hold more."""

    name: str
    taken_at: datetime
    figures: dict[str, float]


class Comparison(Struct, frozen=True, kw_only=True):
    """One figure. off: (predicted - measured) / measured."""

    figure: str
    predicted: float
    measured: float
    off: float
    verdict: Literal["within", "off"]


def predict(run: LoadRun, c: Coefficients) -> Prediction:
    """CPU by process out of cost and idle cost; latencies by playing the run."""
    cpu_ms = {process: cpu_ms_of(process, run, c) for process in PROCESSES}
    idle_ms = {process: idle_cores_of(process, run, c) * 1000 / run.rate_hz for process in PROCESSES}
    all_ms = sum(cpu_ms.values()) + sum(idle_ms.values()) + stand_in_ms(run, c)
    share = run.rate_hz * all_ms / 1000 / run.cores
    figures = {"rate_hz": run.rate_hz} | latencies_of(run, path_of(run, c))
    figures |= {f"cpu_ms_{process}": cpu_ms[process] + idle_ms[process] for process in PROCESSES}
    figures["machine_cpu_share"] = min(1.0, share)
    near = [fitted for fitted in c.fitted_hz if abs(fitted - run.rate_hz) <= SAME_RATE * run.rate_hz]
    busiest = max(share, seats_share(run, c))
    return Prediction(run=run, fitted_hz=c.fitted_hz, figures=figures, is_fitted=bool(near), is_full=busiest > FULL_SHARE)


def latencies_of(run: LoadRun, path: Path) -> dict[str, float]:
    """p50_s, p95_s and p99_s, each the median of several plays."""
    plays = max(1, min(PLAYS, round(PLAYED_MAX / (run.rate_hz * run.seconds))))
    played = [sorted((latency_s, 1) for latency_s in play_run(run, path, seed=seed + 1)) for seed in range(plays)]
    return {f"p{per}_s": median(percentile(each, per / 100) or 0.0 for each in played) for per in (50, 95, 99)}


def seats_share(run: LoadRun, c: Coefficients) -> float:
    """How much of the workers' threads the run holds, were nobody to wait for a core."""
    path = path_of(run, c)
    return run.rate_hz * (path.worker_s + path.device_s) / (run.workers * run.threads)


def cpu_ms_of(process: str, run: LoadRun, c: Coefficients) -> float:
    """For each registration, idle cost not counted; a worker that infers has the check on top."""
    check_ms = c.of("check_cpu_ms") if process == "worker" and not run.simulated else 0.0
    return c.of(f"{process}_cpu_ms") + check_ms


def stand_in_ms(run: LoadRun, c: Coefficients) -> float:
    """CPU for each registration of what simulated workers do in the place of inference."""
    return c.of("stand_in_cpu_ms") if run.simulated else 0.0


def idle_cores_of(process: str, run: LoadRun, c: Coefficients) -> float:
    """On average over the run: Kafka's warm-up is a part of it."""
    warm_up_s = c.of("kafka_warm_up_s") * min(1.0, run.seconds / COLD_S) if process == "kafka" else 0.0
    return c.of(f"{process}_idle_cores") + warm_up_s / run.seconds


def path_of(run: LoadRun, c: Coefficients) -> Path:
    """Intake, then half of Kafka's, Valkey's and the dispatcher's before the worker, the other halves after it."""
    cpu_s = {process: cpu_ms_of(process, run, c) / 1000 for process in PROCESSES}
    idle_cores = {process: idle_cores_of(process, run, c) for process in PROCESSES}
    bursts = None
    if burst_s := c.of("kafka_burst_s"):
        idle_cores["kafka"] = 0.0
        bursts = Bursts(burst_s=burst_s, cores=c.of("kafka_idle_cores"), warm_up_s=c.of("kafka_warm_up_s"))
    return Path(
        before_s=(cpu_s["intake"], cpu_s["kafka"] / 2, cpu_s["valkey"] / 2),
        worker_s=cpu_s["worker"] + stand_in_ms(run, c) / 1000,
        after_s=(cpu_s["valkey"] / 2,),
        dispatcher_s=cpu_s["dispatcher"] / 2,
        turn_s=c.of("dispatcher_turn_s"),
        commit_s=cpu_s["kafka"] / 2,
        device_s=c.of("simulated_check_s") if run.simulated else 0.0,
        beside_s=cpu_s["projector"] + cpu_s["janitor"] + cpu_s["loader"],
        idle_cores=sum(idle_cores.values()),
        bursts=bursts,
        wait_s=c.of("path_wait_s"),
    )


def as_made(figures: Mapping[str, float], otherwise: LoadRun) -> LoadRun:
    """What a result's figures name of its run; the rest as in the other."""
    counts = {name: int(figures[name]) for name in ("cores", "dispatchers", "workers", "threads") if name in figures}
    lengths = {name: figures[name] for name in ("rate_hz", "seconds") if name in figures}
    simulated = bool(figures.get("simulated", otherwise.simulated))
    return msgspec.structs.replace(otherwise, **counts, **lengths, simulated=simulated)


def compare(prediction: Prediction, measured: Measured) -> list[Comparison]:
    """Every figure that both have and that is not 0 in the run.

    Raises ResultWrong where they share no latency and no CPU, or the run was made otherwise than was predicted.
    """
    common = [name for name in prediction.figures if name != "rate_hz" and measured.figures.get(name)]
    if not common:
        raise ResultWrong(f"{measured.name} holds no figure that was predicted ({', '.join(prediction.figures)})")
    rate_hz = measured.figures.get("rate_hz", 0.0)
    if abs(rate_hz - prediction.run.rate_hz) > SAME_RATE * prediction.run.rate_hz:
        raise ResultWrong(f"{measured.name} ran at {rate_hz:g}/s, the prediction is of {prediction.run.rate_hz:g}/s")
    for name in MADE_OF:
        predicted, made = float(getattr(prediction.run, name)), measured.figures.get(name)
        if made is not None and made != predicted:
            raise ResultWrong(f"{measured.name} ran with {name} {made:g}, the prediction is of {name} {predicted:g}")
    return [_compared(name, prediction.figures[name], measured.figures[name]) for name in common]


def decode_measured(content: bytes, name: str) -> Measured:
    """Raises ResultWrong."""
    return _decoded(content, Measured, name)


def decode_prediction(content: bytes, name: str) -> Prediction:
    """Raises ResultWrong."""
    return _decoded(content, Prediction, name)


def _decoded(content: bytes, kind: type[_T], name: str) -> _T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise ResultWrong(f"{name}: {error}") from None


def _compared(name: str, predicted: float, measured: float) -> Comparison:
    off = (predicted - measured) / measured
    return Comparison(
        figure=name, predicted=predicted, measured=measured, off=off, verdict="within" if abs(off) <= TOLERANCE else "off"
    )
