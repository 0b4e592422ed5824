"""`realname up`, `down` and `status`: the one-machine stack."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from deploy.local.errors import NotReady, StackError
from deploy.local.layout import STATE, Stack, ports_from, recorded, stack_of
from deploy.local.processes import SERVICES, Service
from deploy.local.status import Report, report_of
from deploy.local.supervision import State, Supervision
from deploy.local.up import bring_up, end, take_down
from services.cli.stack_table import as_json, show

StateOption = Annotated[
    Path, typer.Option("--state", envvar="REALNAME_STATE", help="Folder of data, keys, media and logs.", show_default=True)
]
PortsOption = Annotated[
    int | None,
    typer.Option(
        "--ports-from", min=1024, max=32700, metavar="N", help="Use the ten ports from N on, for a second stack beside the first."
    ),
]
DetachOption = Annotated[bool, typer.Option("--detach", help="Return once all is ready and leave it running.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]

NOT_RUNNING = 3  # exit code of `status` where no stack runs
_WATCH_EVERY_S = 1.0
_ENDED_FOR_GOOD = frozenset({"FATAL", "STOPPED"})  # EXITED is a moment before the next start


def up(state: StateOption = STATE, ports_from_n: PortsOption = None, *, detach: DetachOption = False) -> None:
    """Start Kafka, Valkey, intake, two dispatchers, two workers, projector and janitor on loopback.

    Returns to you once each is ready (about half a minute; the first start also fetches Kafka, formats its data folder
    and makes development keys). Then it keeps watching and says what ends; Ctrl-C stops all in order. With --detach it
    leaves them running: `realname down` ends them.

    A second start finds its data again. Ports: intake 18080, Kafka 19092, Valkey 16379, /readyz and /metrics of the
    others from 18081 on; --ports-from, REALNAME_INTAKE_PORT, REALNAME_KAFKA and REALNAME_REDIS move them.
    """
    console = Console(highlight=False, soft_wrap=True)
    stack = stack_of(state, ports_from(ports_from_n, os.environ), os.environ)
    run_stack(stack, SERVICES, console, stay=not detach)


def run_stack(stack: Stack, services: tuple[Service, ...], console: Console, *, stay: bool) -> None:
    """Bring it up and say where it is; with `stay`, watch it until Ctrl-C and take it down again.

    Exits with 1, everything stopped, where a process does not become ready.
    """
    raise_on_signals()

    def say(line: str) -> None:
        console.print(f"  {line}", markup=False)

    began_at = time.monotonic()
    try:
        supervision = bring_up(stack, os.environ, say, services=services)
        console.print(f"all ready after {time.monotonic() - began_at:.0f} s", style="bold green")
        _say_where(console, stack)
        if not stay:
            console.print("it runs on; `realname down` ends it")
            return
        console.print("Ctrl-C stops everything; data, keys and media stay")
        _watch(console, stack, supervision)
        console.print("the stack was ended by someone else")
    except KeyboardInterrupt:
        console.print("\nstopping")
        end(stack, say)
    except NotReady as broken:
        console.print(str(broken), style="red", markup=False)
        sys.exit(1)


def down(state: StateOption = STATE) -> None:
    """Stop the stack in order: intake first, then those who work, Kafka and Valkey last. Nothing is deleted."""
    console = Console(highlight=False, soft_wrap=True)
    ran = take_down(recorded(state), lambda line: console.print(f"  {line}", markup=False))
    console.print("stopped" if ran else "nothing was running")


def status(state: StateOption = STATE, *, json: JsonOption = False) -> None:
    """Show each process, its port and state, how far behind each consumer is, and what waits in the queues.

    Exit code 0: all is ready; 1: something is not; 3: no stack runs here.
    """
    try:
        report = report_of(recorded(state))
    except StackError as absent:
        report = Report.of_nothing(str(absent))
    if json:
        sys.stdout.write(as_json(report) + "\n")
    else:
        show(report, Console(highlight=False))
    sys.exit(NOT_RUNNING if not report.running else 0 if report.all_ready else 1)


def _say_where(console: Console, stack: Stack) -> None:
    lines = {
        "intake": stack.intake_url,
        "its page": f"{stack.intake_url}/docs",
        "kafka": stack.kafka,
        "valkey": stack.redis,
        "policy": stack.policy,
        "operators": ", ".join(stack.operators),
        "logs": str(stack.logs),
    }
    for name, value in lines.items():
        console.print(f"  {name:<13} {value}", markup=False)


def _watch(console: Console, stack: Stack, supervision: Supervision) -> None:
    """Until the supervisor is gone: say which process ended and came again."""
    before: dict[str, State] = {}
    while True:
        try:
            now = supervision.states()
        except NotReady:
            return
        for name, state in now.items():
            old = before.get(name, state)
            if state.pid and old.pid and state.pid != old.pid:
                console.print(f"  {name} ended and was started again (pid {state.pid}): {stack.logs / name}.log", style="yellow")
            elif old.state != state.state and state.state in _ENDED_FOR_GOOD:
                console.print(f"  {name} is {state.state.lower()} ({state.note}): {stack.logs / name}.log", style="red")
        # a process between two lives has no pid: remember its last one
        before = {name: before[name] if not state.pid and name in before else state for name, state in now.items()}
        time.sleep(_WATCH_EVERY_S)


def raise_on_signals() -> None:
    """SIGTERM and a closed terminal end a foreground stack as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)  # a shell that starts a program in the background leaves it ignored
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
