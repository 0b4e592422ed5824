"""`realname plan`: what a country takes, why, and how its day goes; `--predict` and `--check`: whether the model holds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from realname.errors import RealnameError
from services.cli.calling import JsonOption
from services.cli.failing import fail
from services.cli.plan_options import (
    CheckOption,
    CoefficientsOption,
    CoresOption,
    DeviceOption,
    DispatchersOption,
    DrainOption,
    GrowthOption,
    HeadroomOption,
    LeastOption,
    OutageOption,
    PeakLengthOption,
    PeakOption,
    PlotOption,
    PredictionOption,
    PredictOption,
    RealOption,
    SecondsOption,
    ShapeOption,
    SustainedOption,
    ThreadsOption,
    WaitOption,
    WorkersOption,
    seconds_of,
)
from services.cli.plan_view import Plan, PlayedDay, plan_values, show_comparison, show_plan, show_prediction
from services.planning.coefficients import SHIPPED, Coefficients, decode
from services.planning.day import DAY_S, Shape
from services.planning.demand import Demand
from services.planning.machines import machine_rows
from services.planning.national import play
from services.planning.one_run import LoadRun
from services.planning.pools import Device, pool_of
from services.planning.prediction import Prediction, as_made, compare, decode_measured, decode_prediction, predict
from services.planning.storage import day_of, storage_rows

OFF = 1  # exit code: the prediction does not hold
NOT_PLANNED = 4  # exit code: nothing was found out
_PLAIN_WIDTH = 140  # where the output is no terminal


def command(
    peak: PeakOption = 1000.0,
    sustained: SustainedOption = 200.0,
    outage: OutageOption = "30m",
    *,
    drain: DrainOption = "30m",
    peak_length: PeakLengthOption = "60s",
    wait: WaitOption = "120s",
    headroom: HeadroomOption = 0.3,
    growth: GrowthOption = 2.0,
    shape: ShapeOption = "shops",
    device: DeviceOption = "gpu",
    least_workers: LeastOption = 0,
    coefficients: CoefficientsOption = SHIPPED,
    plot: PlotOption = None,
    predict_at: PredictOption = None,
    check: CheckOption = None,
    prediction: PredictionOption = None,
    seconds: SecondsOption = 300.0,
    cores: CoresOption = 2,
    dispatchers: DispatchersOption = 2,
    workers: WorkersOption = 1,
    threads: ThreadsOption = 4,
    real: RealOption = False,
    json: JsonOption = False,
) -> None:
    """Size everything for a country, say what each number rests on, and play its day in discrete events.

    Behind each row stand its arithmetic and, by number, each figure with its source: measured, derived from measured ones,
    declared by code and settings, or assumed. No GPU has been measured: whatever is said of one is assumed.

    The day: three operators, the peak as the shops open at nine, the outage at three in the afternoon, workers scaled as KEDA
    does it, beside the same day with all of them up. What the model leaves out: docs/capacity.md.

    --predict says what a load run on one machine will show, to be written down (--json) before it; --check RESULT.json holds
    the run against it: within 20 %, or it names what is off.

    Exit code 0: done; 1: --check, and something is off; 4: a file does not read; 64: this line is wrong.
    """
    run = LoadRun(
        rate_hz=predict_at or 1.0,  # --check takes the rate from its result
        seconds=seconds,
        cores=cores,
        dispatchers=dispatchers,
        workers=workers,
        threads=threads,
        simulated=not real,
    )
    try:
        known = _read_coefficients(coefficients)
        if check is not None:
            sys.exit(_check(check, prediction, run, known, json=json))
        if predict_at is not None:
            _predict(run, known, json=json)
            return
        demand = _demand(peak, sustained, (outage, drain, peak_length, wait), headroom=headroom, growth=growth, shape=shape)
        _plan(demand, known, device, _with_folder(plot), least=least_workers, json=json)
    except RealnameError as error:
        fail(error, NOT_PLANNED)


def _demand(
    peak: float, sustained: float, times: tuple[str, str, str, str], *, headroom: float, growth: float, shape: Shape
) -> Demand:
    outage_s, drain_s, peak_s, wait_s_max = map(seconds_of, times)
    if not (drain_s and peak_s and wait_s_max):
        raise RealnameError("--drain, --peak-length and --wait must be above 0")
    if peak < sustained:
        raise RealnameError("--peak must be at least --sustained")
    return Demand(
        peak_hz=peak,
        sustained_hz=sustained,
        outage_s=outage_s,
        drain_s=drain_s,
        peak_s=peak_s,
        wait_s_max=wait_s_max,
        headroom=headroom,
        growth=growth,
        shape=shape,
    )


def _plan(demand: Demand, known: Coefficients, device: Device, plot: Path | None, *, least: int, json: bool) -> None:
    day = day_of(demand)
    with _progress() as tell:
        played = [
            PlayedDay(name, pool, play(day, pool, tell=lambda at_s, name=name: tell(name, at_s)))
            for name, pool in (
                ("scaled by KEDA", pool_of(demand, known, device, is_scaled=True, workers_min=least)),
                ("all workers up", pool_of(demand, known, device, is_scaled=False)),
            )
        ]
    plan = Plan(demand, known, device, day, machine_rows(demand, known) + storage_rows(demand, known), played)
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(plan_values(plan))).decode() + "\n")
    else:
        show_plan(plan, _console())
    if plot is not None:
        _draw(plan, plot)
        Console(stderr=True).print(f"drawn: {plot}", style="dim", markup=False, soft_wrap=True)


def _predict(run: LoadRun, known: Coefficients, *, json: bool) -> None:
    found = predict(run, known)
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        show_prediction(found, _console())


def _check(result: Path, prediction: Path | None, run: LoadRun, known: Coefficients, *, json: bool) -> int:
    """The exit code. Without a prediction's file the run is predicted now, as the result says that it was made."""
    measured = decode_measured(_bytes(result), str(result))
    said = _said_before(prediction) if prediction else predict(_as_made(measured.figures, run, result), known)
    found = compare(said, measured)
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        show_comparison(found, said, measured, _console())
    return OFF if any(one.verdict == "off" for one in found) else 0


def _said_before(file: Path) -> Prediction:
    return decode_prediction(_bytes(file), str(file))


def _as_made(figures: dict[str, float], run: LoadRun, result: Path) -> LoadRun:
    """What the result names of its run; the rest as this line says."""
    if figures.get("rate_hz", 0.0) <= 0:
        raise RealnameError(f"{result} names no rate_hz: it is no load run's result")
    return as_made(figures, run)


def _read_coefficients(file: Path) -> Coefficients:
    return decode(_bytes(file), str(file))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RealnameError(f"{file} does not read: {error.strerror}") from None


def _with_folder(plot: Path | None) -> Path | None:
    """Looked at before the day is played: nobody waits for a picture that has no place."""
    if plot is not None and not plot.resolve().parent.is_dir():
        raise RealnameError(f"{plot}: there is no folder {plot.parent}")
    return plot


def _draw(plan: Plan, path: Path) -> None:
    try:
        from services.cli.plan_plot import draw  # noqa: PLC0415 - matplotlib takes a second to import

        draw(plan, path)
    except OSError as error:
        raise RealnameError(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def _progress() -> Generator[Callable[[str, float], None]]:
    """On stderr, so that the plan can be piped."""
    columns = (
        TextColumn("playing the day, {task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, at_s: float) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=DAY_S)
            bar.update(tasks[name], completed=at_s)

        yield tell


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
