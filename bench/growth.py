"""`python -m bench.growth`: the same load on a stack of once, twice, four times the partitions, dispatchers and workers.

Each step brings a stack up and plays three phases: a steady rate; a backlog while no worker runs; its release, while nobody
comes. Out of the first come latency, CPU a registration, and how wide windows and offset maps grow beside stragglers; out of
the last the rate that is sustained, with the loader silent. Workers are simulated accelerators (bench/accelerator.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

mpl.use("Agg")
from matplotlib import pyplot as plt

from bench.accelerator import CostModel
from bench.load.main import command_of, progress
from bench.load.picture import draw as draw_course
from bench.load.playing import Bounds, LoadFailed, Played, material_for, play
from bench.load.profile import Phase, Profile, Scale
from bench.load.report import course_of, report_of, write_course
from bench.load.samples import Material
from bench.load.schedule import TooMany, spans_of
from bench.load.stack import Shape, running
from bench.load.summary import ALL, NOT_PIPELINE, Latency, kind_of
from bench.load.watching import Point
from bench.result import WRONG, Ratio, Result, result_of, write
from realname.errors import RealnameError

STEADY, HELD = 0, 1  # phases, by number
STEADY_SHARE_MIN = 0.75  # of what came in a phase is decided within it, or a queue grows
AS_IT_IS = Scale(rate=1.0, time=1.0)
MIDDLE = (0.1, 0.9)  # of a backlog: between them its rate is taken, so that neither the workers' start nor the last few count


class Step(Struct, frozen=True, kw_only=True):
    """One size of the stack.

    sustained_hz: decisions a second from a tenth to nine tenths of the backlog. drain_s: from the workers' release to the last.
    device_hz:    what the simulated devices and decoders allow at most: above some eight tenths of it they are the limit.
    cpu_ms:       a registration in the steady phase, by kind of process; pipeline_ms: all but loader and JVM.
    window_records, map_chars: the most that a look in the steady phase saw.
    """

    factor: int
    shape: str
    latency: Latency
    sustained_hz: float
    drain_s: float
    backlog: int
    device_hz: float
    cpu_ms: dict[str, float]
    pipeline_ms: float
    window_records: int
    map_chars: int
    wrong: list[str]


def main(argv: list[str] | None = None) -> None:
    asked = _arguments(argv)
    console = Console(width=118)
    try:
        steps = _steps(asked, console)
    except (RealnameError, LoadFailed, TooMany) as error:
        sys.exit(f"bench.growth: {error}")
    except KeyboardInterrupt:
        sys.exit("bench.growth: broken off; the stack is down")
    show(console, steps)
    if asked.plot is not None:
        draw(steps, asked.plot)
        console.print(f"drawn: {asked.plot}")
    if asked.results is not None:
        console.print(f"written: {write(result_for(steps, command_of(sys.argv)), asked.results)}")
        (asked.results / "growth.steps.json").write_bytes(msgspec.json.encode(steps))
    if any(step.wrong for step in steps):
        sys.exit(1)


def profile_of(*, rate_hz: float, seconds: float, backlog: int) -> Profile:
    """Pure. The backlog comes at the steady rate or, where that took longer than the steady phase, within its length."""
    held_hz = max(rate_hz, backlog / seconds)
    phases = (
        Phase(name="steady", seconds=seconds, rate_hz=rate_hz),
        Phase(name="held", seconds=backlog / held_hz, rate_hz=held_hz, away=("workers",)),
        Phase(name="released", seconds=1.0, rate_hz=0.0),
    )
    return Profile(name="growth", about="steady, held back, released", phases=phases)


def shape_of(factor: int, asked: argparse.Namespace) -> Shape:
    """Pure. Everything that is to grow, times the factor."""
    cost = CostModel(slow_share=asked.slow_share, slow_ms=asked.slow_ms, decoders=asked.decoders)
    return Shape(
        processes=factor * asked.processes,
        dispatchers=factor * asked.dispatchers,
        partitions=factor * asked.partitions,
        threads=asked.threads,
        cost=cost,
    )


def step_of(factor: int, played: Played, shape: Shape) -> Step:
    """Pure. Raises LoadFailed where there was no steady phase or no backlog to speak of."""
    report = report_of(played, AS_IT_IS, shape)
    steady = next(row.latency for row in report.rows if (row.phase, row.operator) == ("steady", ALL))
    released_s = spans_of(played.profile.phases)[HELD][1]
    held = [each for each in played.sent if each.arrival.phase == HELD and each.id in played.seen.read_s]
    decided_s = sorted(played.seen.read_s[each.id] for each in held if each.id is not None)
    looks = [point for point in played.points if 0 <= point.at_s < spans_of(played.profile.phases)[STEADY][1]]
    if steady is None or len(looks) < 2 or len(decided_s) < 10:  # noqa: PLR2004 - a tenth of fewer is none
        raise LoadFailed("too little was decided in the steady phase or of the backlog: raise --seconds and --backlog")
    cpu_ms = cpu_ms_of(looks, played.seen.read_s.values())
    wrong = list(report.wrong)
    in_time = sum(at < looks[-1].at_s for at in played.seen.read_s.values())
    if in_time < STEADY_SHARE_MIN * played.profile.phases[STEADY].rate_hz * looks[-1].at_s:
        wrong.append("the steady phase was not steady: its figures are of a growing queue. Lower --rate")
    return Step(
        factor=factor,
        shape=shape.words,
        latency=steady,
        sustained_hz=slope_hz(decided_s),
        drain_s=decided_s[-1] - released_s,
        backlog=len(decided_s),
        device_hz=shape.cost.rate_max_hz * shape.processes,
        cpu_ms=cpu_ms,
        pipeline_ms=sum(ms for name, ms in cpu_ms.items() if name not in NOT_PIPELINE),
        window_records=max(point.window or 0 for point in looks),
        map_chars=max(point.map_chars or 0 for point in looks),
        wrong=wrong,
    )


def cpu_ms_of(looks: Sequence[Point], read_s: Iterable[float]) -> dict[str, float]:
    """Pure. CPU ms a registration between the first look and the last, by kind of process. read_s: when decisions were read."""
    first, last = looks[0], looks[-1]
    decided = sum(first.at_s <= at < last.at_s for at in read_s)
    found: dict[str, float] = {}
    for name, cpu_s in last.cpu_s.items():
        spent_ms = 1000 * (cpu_s - first.cpu_s.get(name, 0.0))
        found[kind_of(name)] = found.get(kind_of(name), 0.0) + spent_ms / max(1, decided)
    return found


def slope_hz(at_s: Sequence[float]) -> float:
    """Pure. Events a second in the middle of their run. at_s: in order, at least ten."""
    first, last = (int(share * (len(at_s) - 1)) for share in MIDDLE)
    return (last - first) / max(at_s[last] - at_s[first], 1e-3)


def result_for(steps: Sequence[Step], command: str) -> Result:
    """Ratios: how near each step comes to its factor times the first one's rate, and what a registration costs beside it."""
    first = steps[0]
    ratios: dict[str, Ratio] = {}
    figures: dict[str, float] = {}
    for step in steps:
        name = f"x{step.factor}"
        figures |= {
            f"{name}_sustained_hz": step.sustained_hz,
            f"{name}_drain_s": step.drain_s,
            f"{name}_p95_s": step.latency.p95_s,
        }
        figures |= {f"{name}_pipeline_cpu_ms": step.pipeline_ms, f"{name}_device_hz": step.device_hz}
        figures |= {f"{name}_window_records": float(step.window_records), f"{name}_map_chars": float(step.map_chars)}
        figures |= {f"{name}_cpu_ms_{process}": ms for process, ms in step.cpu_ms.items()}
        if step is not first:
            grown = step.sustained_hz / first.sustained_hz / (step.factor / first.factor)
            ratios[f"{name}_rate_share_of_linear"] = Ratio(value=grown, better="more", noise=0.3)
            ratios[f"{name}_cpu_over_first"] = Ratio(value=step.pipeline_ms / first.pipeline_ms, better="less", noise=0.3)
    notes = [f"x{step.factor}: {step.shape}" for step in steps]
    notes += [f"{WRONG} at x{step.factor}: {each}" for step in steps for each in step.wrong]
    return result_of("growth", command, ratios=ratios, figures=figures, notes=notes)


def show(console: Console, steps: Sequence[Step]) -> None:
    table = Table("", *(f"x{step.factor}" for step in steps))
    rows = (
        ("steady p50 / p95 s", [f"{step.latency.p50_s:.2f} / {step.latency.p95_s:.2f}" for step in steps]),
        ("sustained, registrations/s", [f"{step.sustained_hz:.1f}" for step in steps]),
        ("what devices and decoders allow", [f"{step.device_hz:.0f}" for step in steps]),
        ("backlog drained, s", [f"{step.drain_s:.1f} ({step.backlog})" for step in steps]),
        ("widest window, records", [str(step.window_records) for step in steps]),
        ("longest offset map, chars", [str(step.map_chars) for step in steps]),
        ("steady: CPU ms, no JVM or loader", [f"{step.pipeline_ms:.2f}" for step in steps]),
    )
    for name, cells in rows:
        table.add_row(name, *cells)
    table.add_section()
    for process in sorted({name for step in steps for name in step.cpu_ms}):
        table.add_row(process, *(f"{step.cpu_ms[process]:.2f}" if process in step.cpu_ms else "-" for step in steps))
    console.print(table)
    for step in steps:
        console.print(f"x{step.factor}: {step.shape}")
        for each in step.wrong:
            console.print(f"  [red]wrong:[/red] {each}")


def draw(steps: Sequence[Step], path: Path) -> None:
    """One PNG: rate beside what growing in proportion would give, latency, CPU by process."""
    figure, (rate, latency, cpu) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    factors = [step.factor for step in steps]
    rate.plot(factors, [step.sustained_hz for step in steps], "o-", label="sustained")
    rate.plot(factors, [steps[0].sustained_hz * step.factor / steps[0].factor for step in steps], "--", label="in proportion")
    rate.set_ylabel("registrations/s")
    latency.plot(factors, [step.latency.p95_s for step in steps], "o-", label="steady p95")
    latency.plot(factors, [step.drain_s for step in steps], "s-", label="backlog drained")
    latency.set_ylabel("s")
    processes = sorted({name for step in steps for name in step.cpu_ms})
    cpu.stackplot(factors, [[step.cpu_ms.get(name, 0.0) for step in steps] for name in processes], labels=processes)
    cpu.set_ylabel("CPU ms a registration")
    for axis in (rate, latency, cpu):
        axis.set_xlabel("times partitions, dispatchers, workers")
        axis.set_ylim(bottom=0)
        axis.set_xticks(factors)
        axis.grid(visible=True, alpha=0.3)
    rate.legend(fontsize=8)
    latency.legend(fontsize=8)
    cpu.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _steps(asked: argparse.Namespace, console: Console) -> list[Step]:
    profile = profile_of(rate_hz=asked.rate, seconds=asked.seconds, backlog=asked.backlog)
    material = material_for(profile)
    return [_step(factor, asked, profile, material, console) for factor in asked.steps]


def _step(factor: int, asked: argparse.Namespace, profile: Profile, material: Material, console: Console) -> Step:
    shape = shape_of(factor, asked)
    console.print(f"x{factor}: {shape.words}")
    bounds = Bounds(drain_s=asked.drain, seed=asked.seed)
    with running(shape, lambda _: None) as stack, progress(console, profile) as told:
        played = play(stack, profile, material, partitions=shape.partitions, bounds=bounds, told=told)
    course = course_of(played, AS_IT_IS, shape)
    course = msgspec.structs.replace(course, profile=msgspec.structs.replace(profile, name=f"growth_x{factor}"))
    if asked.results is not None:
        write_course(course, asked.results)
    if asked.plot is not None:
        draw_course(course, asked.plot.with_stem(f"{asked.plot.stem}_x{factor}"))
    return step_of(factor, played, shape)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--steps", type=lambda text: [int(each) for each in text.split(",")], default=[1, 2, 4], help="factors (default: 1,2,4)")
    add("--rate", type=float, default=20.0, help="steady registrations a second, the same at each step (default: %(default)s)")
    add("--seconds", type=float, default=45.0, help="of the steady phase (default: %(default)s)")
    add("--backlog", type=int, default=900, help="registrations that wait for the workers (default: %(default)s)")
    add("--partitions", type=int, default=6, help="at x1 (default: %(default)s)")
    add("--dispatchers", type=int, default=1, help="at x1 (default: %(default)s)")
    add("--processes", type=int, default=1, help="simulated workers at x1 (default: %(default)s)")
    add("--threads", type=int, default=64, help="of a worker (default: %(default)s)")
    add("--decoders", type=int, default=16, help="simulated decoder cores of a worker (default: %(default)s)")
    add("--slow-share", type=float, default=0.01, help="stages that take --slow-ms longer (default: %(default)s)")
    add("--slow-ms", type=float, default=1500.0, help="(default: %(default)s)")
    add("--drain", type=float, default=180.0, metavar="S", help="wait so long for the last decisions (default: %(default)s)")
    add("--seed", type=int, default=1, help="of the arrivals (default: %(default)s)")
    add("--results", type=Path, metavar="FOLDER", help="write the outcome as JSON there")
    add("--plot", type=Path, metavar="FILE.png", help="draw it")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
