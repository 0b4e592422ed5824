"""`python -m bench.coefficients`: makes the planner's coefficients out of what the benchmarks left behind.

Of steady load runs with simulated workers, at two rates or more, each process' CPU a second is fitted as idle + cost x rate: one
rate alone cannot tell them apart, and Kafka's idle cost is large. Of `steps.json` comes what a check costs by step. Whatever was
not measured keeps the value, the kind and the source that it has in the file before.

Figures of a load run that are read: rate_hz, p50_s, cpu_ms_<process> (a decided registration) for each process of
services/planning, simulated (0: its workers infer, and it is left out; else 1), clip_bytes and portrait_bytes where they are, and
how it was made. Of its course (NAME.course.json), where each run has one, come Kafka's warm-up and its bursts (bench/courses.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.courses import Course, Span, decode_course, spans_of, unevenness, warm_up_s
from bench.result import RESULTS, WRONG, Machine, Result, read
from realname.errors import RealnameError
from services.planning.coefficients import PROCESSES, SHIPPED, Coefficient, Coefficients, decode, encode
from services.planning.one_run import LoadRun
from services.planning.prediction import as_made, latencies_of, path_of

RUNS = "load[-_]*.json"
NONE: Mapping[str, Course] = {}
COURSE = ".course"  # beside a load run's result lies its course, in another shape
STEPS = "steps.json"
CLIP = "reference"  # of those that `steps` measures; `page` is cheaper, and not every store records by our page
# What a GPU takes over: the ends of the names of `steps`, which has each stage's by itself.
MODEL_STEPS = tuple(f"{step}_cpu_ms" for step in ("detect", "landmarks", "constancy", "pad", "embed"))
STAND_IN = "cpu_ms_stand_in"  # figure of a load run
SIZES = ("clip_bytes", "portrait_bytes")  # figures of a load run that are taken as they are
SAME_MACHINE_RATES_MIN = 2
AS_USUAL = LoadRun(rate_hz=1.0, seconds=60.0, workers=2, threads=64)  # as bench.load has it, where a result does not say
WAIT_OFF_S = 0.001  # the median that the fitted wait leads to is so near to the measured one, or
WAIT_TRIES = 8  # so many were tried
RATE_APART_MIN = 1.5  # the highest rate is so many times the lowest, at least: nearer ones fit noise


class Line(NamedTuple):
    """CPU a second = idle_cores + cost_ms / 1000 x rate. worst: the largest error of a run, as a share of its CPU."""

    idle_cores: float
    cost_ms: float
    worst: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder with the results (default: %(default)s)")
    parser.add_argument("--runs", default=RUNS, help="which files are steady load runs (default: %(default)s)")
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="NAME", help="runs to keep for the check of a prediction")
    parser.add_argument(
        "--base", type=Path, default=SHIPPED, help="where what was not measured comes from (default: the shipped)"
    )
    parser.add_argument("--clip", default=CLIP, help="which clip of steps.json is a country's (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the file to write (default: the shipped)")
    arguments = parser.parse_args()
    try:
        files = [file for file in sorted(arguments.results.glob(arguments.runs)) if not file.stem.endswith(COURSE)]
        runs = [read(file) for file in files if file.stem not in arguments.leave_out]
        courses = {file.stem: course for file in files if file.stem not in arguments.leave_out and (course := course_of(file))}
        steps = read(arguments.results / STEPS) if (arguments.results / STEPS).is_file() else None
        base = decode(arguments.base.read_bytes(), str(arguments.base))
        made = made_of(runs, steps, base, clip=arguments.clip, courses=courses)
    except (RealnameError, OSError, msgspec.ValidationError) as error:
        sys.exit(f"bench.coefficients: {error}")
    arguments.out.write_bytes(encode(made))
    for name, figure in made.figures.items():
        print(f"{figure.basis:>9}  {name} {figure.value:g}")
    print(f"written: {arguments.out}, fitted at {', '.join(f'{rate:g}/s' for rate in made.fitted_hz)}")


def course_of(file: Path) -> Course | None:
    """What lies beside a run's result; None: nothing does. Raises RealnameError."""
    beside = file.with_suffix(f"{COURSE}.json")
    return decode_course(beside.read_bytes(), str(beside)) if beside.is_file() else None


def made_of(
    runs: Sequence[Result], steps: Result | None, base: Coefficients, *, clip: str = CLIP, courses: Mapping[str, Course] = NONE
) -> Coefficients:
    """The base with all replaced that runs and steps measured. Raises RealnameError where they do not suffice.

    courses: by the name of the run; where one lacks its own, Kafka's warm-up and bursts are the base's.
    """
    runs = sorted((run for run in runs if run.figures.get("simulated", 1.0)), key=rate_of)
    for run in runs:
        if wrong := [note for note in run.notes if note.startswith(WRONG)]:
            raise RealnameError(f"{run.name} is not to be fitted: {wrong[0]}. Run it again, or leave it out (--leave-out)")
    figures = dict(base.figures)
    if steps is not None:
        figures |= of_steps(steps, clip)
    if not runs:
        if steps is None:
            raise RealnameError("no load run with simulated workers and no steps: there is nothing to make coefficients of")
        return Coefficients(fitted_hz=base.fitted_hz, figures=figures)
    if steps is None:
        raise RealnameError(f"the runs' workers sleep, so that a check's cost comes from {STEPS}, which is not there")
    spans = [spans_of(courses[run.name]) for run in runs if run.name in courses]
    if len(spans) == len(runs):
        figures["kafka_warm_up_s"] = warmed(runs, spans)
    figures |= of_runs(runs, figures["kafka_warm_up_s"].value)
    if len(spans) == len(runs):
        figures["kafka_burst_s"] = bursts(runs, spans, figures)
    fitted = Coefficients(fitted_hz=tuple(rate_of(run) for run in runs), figures=figures)
    return Coefficients(fitted_hz=fitted.fitted_hz, figures=figures | {"path_wait_s": waited(runs[0], fitted)})


def of_steps(steps: Result, clip: str) -> dict[str, Coefficient]:
    """A check whole, of which decoding, of which models: the medians of one of the clips of `bench.steps`."""
    figures = {name.removeprefix(f"{clip}_"): value for name, value in steps.figures.items() if name.startswith(f"{clip}_")}
    models = [name for name in figures if name.endswith(MODEL_STEPS)]
    missing = [name for name in ("check_cpu_ms", "decode_cpu_ms") if name not in figures]
    if missing or not models:
        raise RealnameError(f"{steps.name} has no {', '.join(missing) or 'step of a model'} of the {clip} clip")
    return {
        "check_cpu_ms": _measured(figures["check_cpu_ms"], [steps], f"{clip} clip, check_cpu_ms"),
        "decode_cpu_ms": _measured(figures["decode_cpu_ms"], [steps], f"{clip} clip, decode_cpu_ms"),
        "models_cpu_ms": _measured(sum(map(figures.__getitem__, models)), [steps], f"{clip} clip, " + " + ".join(models)),
    }


def of_runs(runs: Sequence[Result], kafka_warm_up_s: float = 0.0) -> dict[str, Coefficient]:
    """Cost and idle cost of each process, and the sizes that the runs name. runs: by rate."""
    rates = [rate_of(run) for run in runs]
    if len(runs) < SAME_MACHINE_RATES_MIN or rates[-1] < RATE_APART_MIN * rates[0]:
        said = ", ".join(f"{run.name} at {rate:g}/s" for run, rate in zip(runs, rates, strict=True))
        raise RealnameError(f"two rates that are {RATE_APART_MIN:g} times apart are needed to tell cost from idle cost: {said}")
    if len({msgspec.json.encode(run.machine) for run in runs}) > 1:
        raise RealnameError("the runs are of several machines, or Pythons: fit one at a time (--runs)")
    found: dict[str, Coefficient] = {}
    for process in PROCESSES:
        spent_ms = [run.figures.get(f"cpu_ms_{process}") for run in runs]
        known = [spent for spent in spent_ms if spent is not None]
        if len(known) < len(runs):
            raise RealnameError(f"cpu_ms_{process} is not in every run")
        once_s = kafka_warm_up_s if process == "kafka" else 0.0
        cores = [rate * spent / 1000 - once_s / made_as(run).seconds for run, rate, spent in zip(runs, rates, known, strict=True)]
        line = fitted(rates, cores)
        words = f"cpu_ms_{process} fitted over {', '.join(f'{rate:g}' for rate in rates)}/s, worst run off by {line.worst:.0%}"
        found[f"{process}_cpu_ms"] = _measured(line.cost_ms, runs, words)
        found[f"{process}_idle_cores"] = _measured(line.idle_cores, runs, words)
    stood_in_ms = [run.figures.get(STAND_IN, 0.0) for run in runs]
    words = f"{STAND_IN}, their mean; where it is 0 the worker's has it"
    found["stand_in_cpu_ms"] = _measured(sum(stood_in_ms) / len(runs), runs, words)
    last = runs[-1]
    return found | {name: _measured(last.figures[name], [last], name) for name in SIZES if name in last.figures}


def fitted(rates_hz: Sequence[float], cores: Sequence[float]) -> Line:
    """Least squares; neither idle cost nor cost is negative: where one would be, it is 0 and the other fits alone.

    Raises RealnameError where the rates are all one.
    """
    mean_rate, mean_cores = (sum(values) / len(values) for values in (rates_hz, cores))
    spread = sum((rate - mean_rate) ** 2 for rate in rates_hz)
    if not spread:
        raise RealnameError("one rate alone cannot tell cost from idle cost")
    slope = sum((rate - mean_rate) * (used - mean_cores) for rate, used in zip(rates_hz, cores, strict=True)) / spread
    idle = mean_cores - slope * mean_rate
    if slope < 0:
        slope, idle = 0.0, mean_cores
    elif idle < 0:
        idle, slope = 0.0, sum(map(_product, rates_hz, cores)) / sum(rate**2 for rate in rates_hz)
    worst = max(abs(idle + slope * rate - used) / used if used else 0.0 for rate, used in zip(rates_hz, cores, strict=True))
    return Line(idle, slope * 1000, worst)


def warmed(runs: Sequence[Result], spans: Sequence[Sequence[Span]]) -> Coefficient:
    """The mean of the runs."""
    each = [warm_up_s(one) for one in spans]
    words = "Kafka's CPU in the first half minute beyond what it spends afterwards, mean of "
    return _measured(sum(each) / len(each), runs, words + ", ".join(f"{value:.1f}" for value in each) + " s")


def bursts(runs: Sequence[Result], spans: Sequence[Sequence[Span]], figures: Mapping[str, Coefficient]) -> Coefficient:
    """Pieces at random instants have a variance that is their mean times their length."""
    cost_s, idle_cores = figures["kafka_cpu_ms"].value / 1000, figures["kafka_idle_cores"].value
    each = [unevenness(one, rate_of(run), cost_s) for run, one in zip(runs, spans, strict=True)]
    in_pieces = [idle_cores + figures["kafka_warm_up_s"].value / made_as(run).seconds for run in runs]
    words = "variance of Kafka's CPU in a second beyond its registrations', over its idle and warm-up CPU"
    return _measured(sum(each) / sum(in_pieces) if sum(in_pieces) else 0.0, runs, words)


def waited(run: Result, c: Coefficients) -> Coefficient:
    """The wait with which the slowest run, played, has the median that it had: what CPU, queues, turns and the device leave."""
    if "p50_s" not in run.figures:
        raise RealnameError(f"{run.name} has no p50_s")
    made, path = made_as(run), path_of(made_as(run), c)
    wait_s = 0.0
    for _ in range(WAIT_TRIES):
        off_s = run.figures["p50_s"] - latencies_of(made, msgspec.structs.replace(path, wait_s=wait_s))["p50_s"]
        if abs(off_s) < WAIT_OFF_S or wait_s + off_s <= 0:
            break
        wait_s += off_s
    return Coefficient(
        value=round(wait_s, 4),
        basis="derived",
        source=f"with it, {run.name} as played has the median that it had, {run.figures['p50_s']:g} s",
        taken_on=run.taken_at.date(),
        machine=words_of(run.machine),
    )


def made_as(run: Result) -> LoadRun:
    """With its rate."""
    return as_made(run.figures, AS_USUAL)


def rate_of(run: Result) -> float:
    """Raises RealnameError where the run names none."""
    if not (rate_hz := run.figures.get("rate_hz")):
        raise RealnameError(f"{run.name} has no rate_hz: it is no steady load run (--runs says which are)")
    return rate_hz


def words_of(machine: Machine) -> str:
    """Where it ran."""
    return f"{machine.cpu}, {machine.cores} cores, {machine.system}, Python {machine.python}"


def _measured(value: float, results: Sequence[Result], words: str) -> Coefficient:
    latest = max(result.taken_at for result in results)
    names = ", ".join(result.name for result in results)
    source = f"bench/results: {names}: {words}"
    return Coefficient(
        value=round(value, 4), basis="measured", source=source, taken_on=latest.date(), machine=words_of(results[0].machine)
    )


def _product(one: float, other: float) -> float:
    return one * other


if __name__ == "__main__":
    main()
