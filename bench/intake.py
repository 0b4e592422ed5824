"""`python -m bench.intake`: CPU of taking a registration in, by process, beside the least that it could cost.

Intake is the real process on a real broker, a real Valkey and a vault on disk; the floor (bench/intake_floor.py) stands on
the same broker and disk. Both are called over kept connections in turn, round by round, since the machine is noisy: the
median of the rounds' own ratios is the figure. CPU is the operating system's count of each process, so other work on the
machine moves it little. `--beside FOLDER` measures the intake of another checkout in the same turns.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from rich.console import Console
from rich.table import Table

from bench.cpu import cpu_s_of
from bench.intake_calls import OPERATORS, Calls, media_of
from bench.result import Result, ratio_of, result_of, write
from deploy.local.devkeys import make_keys
from deploy.local.kafka import Broker
from deploy.local.ports import free_run
from deploy.local.topics import create_topics
from deploy.local.valkey import Valkey
from realname.topics import all_topics
from services.cli.client import development_token

COMMAND = "python -m bench.intake"
READY_S = 60.0
STOP_S = 20.0
WARM_UP = 30  # calls of each kind before the first counted round
SHORT = 10  # so many more of the floor's short answers: the system counts CPU in steps of 10 ms
NOISE_SHORT = 0.25  # of ratios to that short answer, each of which is a few of those steps
STEPS = ("challenge", "registration", "repeat", "status")
Spent = dict[str, list[float]]  # by step, and "valkey": CPU ms a call, one figure a round
_T = TypeVar("_T")


class Neighbours(NamedTuple):
    """What every side stands on."""

    folder: Path
    broker: Broker
    valkey: Valkey


@dataclass
class Side:
    """One process that is called."""

    name: str
    pid: int
    calls: Calls
    valkey_pid: int
    spent: Spent = field(default_factory=dict[str, list[float]])

    def cost(self, step: str) -> float:
        """The median round, CPU ms a call."""
        return statistics.median(self.spent[step])

    def ratios(self, step: str, floor: Side, floor_step: str) -> list[float]:
        """Round by round."""
        return [ours / least for ours, least in zip(self.spent[step], floor.spent[floor_step], strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=200, help="calls of each kind in a round (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=4, help="kept, and worked at once (default: %(default)s)")
    parser.add_argument("--clip-bytes", type=int, default=300_000, help="of each clip (default: %(default)s)")
    parser.add_argument("--portrait-bytes", type=int, default=60_000, help="of each portrait (default: %(default)s)")
    parser.add_argument("--beside", type=Path, help="another checkout, whose intake is measured in the same turns")
    parser.add_argument("--results", type=Path, help="folder for intake.json (default: none is written)")
    arguments = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as started:
        folder = Path(made)
        broker = started.enter_context(Broker(folder / "kafka", free_run(2)))
        valkey = started.enter_context(Valkey(folder / "valkey", free_run(1)))
        create_topics(broker.bootstrap, all_topics(OPERATORS))
        make_keys(folder / "keys", OPERATORS)
        near = Neighbours(folder, broker, valkey)
        floor = started.enter_context(a_floor(near, arguments))
        trees = {"intake": Path.cwd()} | ({"beside": arguments.beside} if arguments.beside else {})
        sides = [started.enter_context(an_intake(name, tree, near, arguments)) for name, tree in trees.items()]
        measure(floor, sides, rounds=arguments.rounds, calls=arguments.calls)
    show(console, floor, sides, arguments)
    if arguments.results:
        console.print(f"written: {write(outcome(floor, sides[0]), arguments.results)}", markup=False)


def measure(floor: Side, sides: list[Side], *, rounds: int, calls: int) -> None:
    """In turns, every second time the other way round."""
    everyone = (floor, *sides)
    for side in everyone:
        play(side, WARM_UP)
        side.spent.clear()
    for number in range(rounds):
        for side in everyone if number % 2 else reversed(everyone):
            play(side, calls)


def play(side: Side, count: int) -> None:
    """One round of one side: challenges, registrations, the same registrations again, status polls."""
    if side.name == "floor":
        bodies = side.calls.bodies_of_nothing(count)
        spend(side, "registration", count, lambda: side.calls.post(bodies))
        spend(side, "status", count * SHORT, lambda: side.calls.get(["/"] * (count * SHORT)))
        return
    began_s = cpu_s_of(side.valkey_pid)
    issued = spend(side, "challenge", count, lambda: side.calls.challenges(count))
    bodies = side.calls.bodies_of(issued)
    taken = spend(side, "registration", count, lambda: side.calls.post(bodies))
    side.spent.setdefault("valkey", []).append((cpu_s_of(side.valkey_pid) - began_s) * 1000 / count)
    again = spend(side, "repeat", count, lambda: side.calls.post(bodies))
    assert again == taken, "the same request gets the same answer"
    spend(side, "status", count, lambda: side.calls.polls(taken))


def spend(side: Side, step: str, count: int, act: Callable[[], _T]) -> _T:
    """Do it and note what the side's process spent on it."""
    began_s = cpu_s_of(side.pid)
    found = act()
    side.spent.setdefault(step, []).append((cpu_s_of(side.pid) - began_s) * 1000 / count)
    return found


@contextlib.contextmanager
def an_intake(name: str, tree: Path, near: Neighbours, arguments: argparse.Namespace) -> Generator[Side]:
    """Intake as that checkout has it."""
    port = free_run(1)
    settings = {
        "PYTHONPATH": str(tree.resolve()),
        "REALNAME_KAFKA": near.broker.bootstrap,
        "REALNAME_REDIS": near.valkey.url,
        "REALNAME_OPERATORS": ",".join(OPERATORS),
        "REALNAME_KEYS": str(near.folder / "keys"),
        "REALNAME_VAULT": f"file://{near.folder / name / 'vault'}",
        "REALNAME_INTAKE_PORT": str(port),
        "REALNAME_REQUESTS_PER_S_MAX": "100000",  # its limits are not what is measured
        "REALNAME_REQUESTS_BURST": "100000",
    }
    with _running(name, port, ["services.intake"], settings, near, arguments) as side:
        yield side


@contextlib.contextmanager
def a_floor(near: Neighbours, arguments: argparse.Namespace) -> Generator[Side]:
    """The least."""
    port = free_run(1)
    words = ["bench.intake_floor", str(port), near.broker.bootstrap, str(near.folder / "floor" / "vault")]
    with _running("floor", port, words, {"PYTHONPATH": str(Path.cwd())}, near, arguments) as side:
        yield side


@contextlib.contextmanager
def _running(
    name: str, port: int, words: Iterable[str], settings: dict[str, str], near: Neighbours, arguments: argparse.Namespace
) -> Generator[Side]:
    (near.folder / name).mkdir()
    media = media_of(arguments.portrait_bytes, arguments.clip_bytes)
    calls = Calls(port, development_token(near.folder / "keys", OPERATORS[0]), media, arguments.connections)
    log = near.folder / name / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", *words], env=os.environ | settings, stdout=out, stderr=out, cwd=settings["PYTHONPATH"]
        )
    try:
        deadline = time.monotonic() + READY_S
        while not calls.is_ready():
            if child.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{name} does not come up:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield Side(name, child.pid, calls, near.valkey.pid)
    finally:
        calls.close()
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def show(console: Console, floor: Side, sides: list[Side], arguments: argparse.Namespace) -> None:
    """The figures."""
    size = f"{arguments.clip_bytes / 1000:.0f} kB clips, {arguments.portrait_bytes / 1000:.0f} kB portraits"
    table = Table("CPU ms a call", "floor", *(side.name for side in sides), title=f"{size}; median of {arguments.rounds} rounds")
    for step in STEPS:
        least = f"{floor.cost(step):.2f}" if step in floor.spent else ""
        table.add_row(step, least, *(f"{side.cost(step):.2f}" for side in sides))
    both = (f"{side.cost('challenge') + side.cost('registration'):.2f}" for side in sides)
    table.add_row("challenge + registration", "", *both)
    table.add_row("Valkey for both", "", *(f"{side.cost('valkey'):.2f}" for side in sides))
    console.print(table)
    for side in sides:
        found = statistics.median(side.ratios("registration", floor, "registration"))
        console.print(f"{side.name}: a registration costs {found:.2f} of its floor")


def outcome(floor: Side, side: Side) -> Result:
    """For the regression check."""
    ratios = {
        "registration_to_floor": ratio_of(side.ratios("registration", floor, "registration"), "less"),
        "challenge_to_floor": ratio_of(side.ratios("challenge", floor, "status"), "less", noise=NOISE_SHORT),
        "repeat_to_floor": ratio_of(side.ratios("repeat", floor, "registration"), "less"),
        "status_to_floor": ratio_of(side.ratios("status", floor, "status"), "less", noise=NOISE_SHORT),
    }
    figures = {f"{step}_cpu_ms": side.cost(step) for step in STEPS}
    figures |= {f"floor_{step}_cpu_ms": floor.cost(step) for step in floor.spent}
    figures |= {"valkey_cpu_ms": side.cost("valkey")}
    notes = ("floor: bare ASGI on the same server, broker and disk; challenges are held against its short answer",)
    return result_of("intake", COMMAND, ratios=ratios, figures=figures, notes=notes)


if __name__ == "__main__":
    main()
