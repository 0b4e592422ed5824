"""`python -m bench.coefficients`: makes the planner's coefficients out of what the benchmarks left behind.

Of steady load runs with simulated workers, at two rates or more, each process' CPU a second is fitted as idle + cost x rate: one
rate alone cannot tell them apart, and Kafka's idle cost is large. Of `steps.json` comes what a check costs by step. Whatever was
not measured keeps the value, the kind and the source that it has in the file before.

Figures of a load run that are read: rate_hz, p50_s, cpu_ms_<process> (a decided registration) for each process of
services/planning, simulated (0: its workers infer, and it is left out; else 1), clip_bytes and portrait_bytes where they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.result import RESULTS, WRONG, Machine, Result, read
from realname.errors import RealnameError
from services.planning.coefficients import PROCESSES, SHIPPED, Coefficient, Coefficients, decode, encode
from services.planning.prediction import WAITED_FOR

RUNS = "load[-_]*.json"
COURSE = ".course"  # beside a load run's result lies its course, in another shape
STEPS = "steps.json"
CLIP = "reference"  # of those that `steps` measures; `page` is cheaper, and not every store records by our page
# What a GPU takes over: the ends of the names of `steps`, which has each stage's by itself.
MODEL_STEPS = tuple(f"{step}_cpu_ms" for step in ("detect", "landmarks", "constancy", "pad", "embed"))
SIZES = ("clip_bytes", "portrait_bytes")  # figures of a load run that are taken as they are
SAME_MACHINE_RATES_MIN = 2
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
        steps = read(arguments.results / STEPS) if (arguments.results / STEPS).is_file() else None
        made = made_of(runs, steps, decode(arguments.base.read_bytes(), str(arguments.base)), arguments.clip)
    except (RealnameError, OSError, msgspec.ValidationError) as error:
        sys.exit(f"bench.coefficients: {error}")
    arguments.out.write_bytes(encode(made))
    for name, figure in made.figures.items():
        print(f"{figure.basis:>9}  {name} {figure.value:g}")
    print(f"written: {arguments.out}, fitted at {', '.join(f'{rate:g}/s' for rate in made.fitted_hz)}")


def made_of(runs: Sequence[Result], steps: Result | None, base: Coefficients, clip: str = CLIP) -> Coefficients:
    """The base with all replaced that runs and steps measured. Raises RealnameError where they do not suffice."""
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
    figures |= of_runs(runs)
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


def of_runs(runs: Sequence[Result]) -> dict[str, Coefficient]:
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
        line = fitted(rates, [rate * spent / 1000 for rate, spent in zip(rates, known, strict=True)])
        words = f"cpu_ms_{process} fitted over {', '.join(f'{rate:g}' for rate in rates)}/s, worst run off by {line.worst:.0%}"
        found[f"{process}_cpu_ms"] = _measured(line.cost_ms, runs, words)
        found[f"{process}_idle_cores"] = _measured(line.idle_cores, runs, words)
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


def waited(run: Result, c: Coefficients) -> Coefficient:
    """The median of the slowest run less the CPU and the device time on the way: what is left is waiting for no core."""
    if "p50_s" not in run.figures:
        raise RealnameError(f"{run.name} has no p50_s")
    cpu_s = sum(c.of(f"{process}_cpu_ms") for process in WAITED_FOR) / 1000
    left_s = max(0.0, run.figures["p50_s"] - cpu_s - c.of("simulated_check_s"))
    return Coefficient(
        value=round(left_s, 4),
        basis="derived",
        source=f"p50_s {run.figures['p50_s']:g} of {run.name} less CPU on the way {cpu_s:.3f} s and simulated_check_s",
        taken_on=run.taken_at.date(),
        machine=words_of(run.machine),
    )


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
