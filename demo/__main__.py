"""`python -m demo`: start the stack, hand every case in, compare expected with seen. Exits non-zero where they differ."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from demo.cases import CASES, Case
from demo.handing_in import DemoFailed, Seen, hand_in
from demo.table import DemoTable, words
from deploy.local.layout import STATE, Stack, ports_from, recorded, stack_of
from deploy.local.status import report_of
from deploy.local.up import bring_up, end
from realname.clock import monotonic
from realname.errors import RealnameError
from realname.settings import Fetch, read_settings
from services.cli.client import IntakeClient, development_token
from services.cli.stack import raise_on_signals

_PLAIN_WIDTH = 150
AT_ONCE = 3  # cases in the air: enough to see them move side by side on two cores


def main() -> int:
    """0 where all was as expected."""
    arguments = _arguments()
    console = _console()
    media = Path(read_settings(Fetch).media_dir)
    state = Path(arguments.state)
    stack = _running(state)
    ours = stack is None
    raise_on_signals()

    def say(line: str) -> None:
        console.print(f"  {line}", markup=False, highlight=False)

    if stack is None:
        console.print("starting the stack")
        stack = stack_of(state, ports_from(arguments.ports_from, os.environ), os.environ)
        bring_up(stack, os.environ, say)  # stops by itself what it started, where it fails
    try:
        cases = tuple(case for case in CASES if not arguments.only or case.name in arguments.only)
        return run(cases, stack, media, console)
    finally:
        if ours and not arguments.leave:
            console.print("stopping the stack")
            end(stack, say)


def run(cases: tuple[Case, ...], stack: Stack, media: Path, console: Console) -> int:
    """Every case, AT_ONCE side by side. The number of cases that were not as expected."""
    table = DemoTable(cases, console)
    clients = {case.operator: IntakeClient(stack.intake_url, development_token(stack.keys, case.operator)) for case in cases}

    def one(case: Case) -> Seen | str:
        try:
            seen: Seen | str = hand_in(case, clients[case.operator], media, lambda step: table.moved(case, step))
        except (RealnameError, DemoFailed) as error:
            seen = str(error)
        table.ended(case, seen)
        return seen

    began_at = monotonic()
    with table.live, ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(one, cases))
    console.print()
    for client in clients.values():
        client.close()
    for case, seen in zip(cases, outcomes, strict=True):
        if isinstance(seen, Seen):
            console.print(f"  {words(case, seen)}", highlight=False, markup=False)
    unexpected = [case.name for case in cases if not table.as_expected(case)]
    right = len(cases) - len(unexpected)
    console.print(
        f"{right} of {len(cases)} as expected, in {monotonic() - began_at:.0f} s", style="red" if unexpected else "bold green"
    )
    if unexpected:
        console.print(f"not as expected: {', '.join(unexpected)}; logs are in {stack.logs}", style="red", markup=False)
    return len(unexpected)


def _console() -> Console:
    """Wide enough for the table, also where the output goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def _running(state: Path) -> Stack | None:
    """The stack that already runs there and is ready, if there is one."""
    try:
        stack = recorded(state)
        return stack if report_of(stack).all_ready else None
    except RealnameError:
        return None


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--state", default=str(STATE), help="the stack's folder (default: %(default)s)")
    parser.add_argument("--ports-from", type=int, help="use the ten ports from here on")
    parser.add_argument("--only", nargs="+", metavar="CASE", choices=[case.name for case in CASES], help="these cases alone")
    parser.add_argument("--leave", action="store_true", help="leave the stack running afterwards")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(min(main(), 1))
    except RealnameError as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit("demo: broken off")
