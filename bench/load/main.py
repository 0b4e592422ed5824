"""`python -m bench.load --profile NAME`: plays a national profile against the whole stack, and says what came of it.

An open loop: arrivals are Poisson on a schedule fixed beforehand, so a slow stack does not slow its own load down. Latency runs
from the scheduled arrival to the decision being read from registrations.decided by a read_committed reader. Invariant I1 is
held against every id that was sent. Rates that this machine cannot carry are scaled down by one factor, times by another, and
the report says by how much. docs/load.md shows how to read it.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Generator
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bench.accelerator import CostModel
from bench.load.picture import draw
from bench.load.playing import Bounds, LoadFailed, Tally, material_for, play
from bench.load.profile import Profile, Scale, read_profile, scale_of, scaled, shipped_names
from bench.load.report import course_of, report_of, result_for, show, write_course
from bench.load.schedule import COUNT_MAX, TooMany
from bench.load.stack import Shape, running
from bench.result import write
from deploy.local.layout import Stack, recorded
from realname.errors import RealnameError
from realname.topics import PARTITIONS

SECONDS = 300.0  # of a whole run, unless asked for more
# What this kind of machine (2 cores, the loader on them) carries for good, unless said: a modest guess to be replaced by what
# `python -m bench.growth` measures.
CARRIES_HZ = {"simulated": 40.0, "real": 2.0}


def main(argv: list[str] | None = None) -> None:
    asked = arguments(argv)
    console = Console(width=118)
    try:
        _run(asked, console)
    except (RealnameError, LoadFailed, TooMany) as error:
        sys.exit(f"bench.load: {error}")
    except KeyboardInterrupt:
        sys.exit("bench.load: broken off; the stack is down")


def _run(asked: argparse.Namespace, console: Console) -> None:
    profile, scale = asked_profile(asked)
    shape = _shape(asked, profile.workers)
    bounds = Bounds(count_max=asked.count, drain_s=asked.drain, seed=asked.seed, warm_up=asked.warm_up)
    material = material_for(profile)  # before there is a stack to disturb
    with _stack(asked, shape, console) as stack, progress(console, profile) as told:
        played = play(
            stack, profile, material, partitions=shape.partitions, bounds=bounds, alone=asked.against is None, told=told
        )
    report = report_of(played, scale, shape)
    show(console, report, profile)
    course = course_of(played, scale, shape)
    if asked.plot is not None:
        draw(course, asked.plot)
        console.print(f"drawn: {asked.plot}")
    if asked.results is not None:
        console.print(f"written: {write(result_for(report, command_of(sys.argv)), asked.results)}")
        console.print(f"written: {write_course(course, asked.results)}")
    if report.wrong:
        sys.exit(1)


def asked_profile(asked: argparse.Namespace) -> tuple[Profile, Scale]:
    """As it is played: with the workers and under the name that are asked for. Raises SettingsWrong."""
    national = read_profile(asked.profile)
    workers = asked.workers or national.workers
    scale = scale_of(
        national, carries_hz=asked.carries or CARRIES_HZ[workers], rate_scale=asked.rate_scale, seconds=asked.seconds
    )
    return replace(scaled(national, scale), workers=workers, name=asked.name or national.name), scale


@contextlib.contextmanager
def progress(console: Console, profile: Profile) -> Generator[Callable[[Tally], None]]:
    """A bar over the run's seconds, on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=2) as bar:
        task = bar.add_task(profile.name, total=profile.seconds, said="warming up")

        def told(tally: Tally) -> None:
            said = f"{tally.sent} sent, {tally.accepted} accepted, {tally.decided} decided"
            bar.update(task, completed=min(tally.at_s, profile.seconds), said=said)

        yield told


def command_of(argv: list[str]) -> str:
    """As it is called, without where things lie on this machine."""
    module = "bench.growth" if Path(argv[0]).stem == "growth" else "bench.load"
    return " ".join(["python -m", module, *(each if "/" not in each else "..." for each in argv[1:])])


@contextlib.contextmanager
def _stack(asked: argparse.Namespace, shape: Shape, console: Console) -> Generator[Stack]:
    if asked.against is not None:
        yield recorded(asked.against)
        return
    with running(shape, lambda line: console.print(f"  {line}", markup=False, highlight=False)) as stack:
        yield stack


def _shape(asked: argparse.Namespace, workers: str) -> Shape:
    cost = CostModel(slow_share=asked.slow_share, slow_ms=asked.slow_ms, decoders=asked.decoders)
    processes = asked.processes or (2 if workers == "simulated" else 1)
    return Shape(
        workers="real" if workers == "real" else "simulated",
        processes=processes,
        dispatchers=asked.dispatchers,
        partitions=asked.partitions,
        threads=asked.threads,
        cost=cost,
    )


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--profile", default="base", help=f"{', '.join(shipped_names())}, or a TOML file (default: %(default)s)")
    add("--name", metavar="NAME", help="of the run and its files, instead of the profile's: load_NAME.json")
    add("--carries", type=float, metavar="HZ", help="registrations a second that this machine carries for good")
    add("--rate-scale", type=float, metavar="X", help="multiply all rates by this, instead of what --carries would give")
    add(
        "--seconds", type=float, default=SECONDS, help="the whole run at most; a longer profile is sped up (default: %(default)s)"
    )
    add("--workers", choices=("real", "simulated"), help="default: as the profile says")
    add("--processes", type=int, metavar="N", help="worker processes (default: 2 simulated, 1 real)")
    add("--threads", type=int, default=64, help="of a simulated worker (default: %(default)s)")
    add("--decoders", type=int, default=16, help="simulated decoder cores of a worker (default: %(default)s)")
    add("--slow-share", type=float, default=0.0, help="so many simulated stages take longer")
    add("--slow-ms", type=float, default=0.0, help="so much longer")
    add("--dispatchers", type=int, default=2, help="(default: %(default)s)")
    add("--partitions", type=int, default=PARTITIONS, help="(default: %(default)s)")
    add("--against", type=Path, metavar="STATE", help="a stack that runs already, by its state folder; it stays")
    add("--results", type=Path, metavar="FOLDER", help="write the outcome and the whole course as JSON there")
    add("--plot", type=Path, metavar="FILE.png", help="draw the run")
    add("--count", type=int, default=COUNT_MAX, help="registrations at most (default: %(default)s)")
    add("--drain", type=float, default=120.0, metavar="S", help="wait so long for the last decisions (default: %(default)s)")
    add("--warm-up", type=int, default=24, metavar="N", help="registrations before the clock runs (default: %(default)s)")
    add("--seed", type=int, default=1, help="of the arrivals (default: %(default)s)")
    return parser.parse_args(argv)
