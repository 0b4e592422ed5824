"""`realname`: the table of commands and the page that --help prints. A command's module is imported when it is run."""

from __future__ import annotations

import functools
import importlib
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import typer
from rich.console import Console

from realname.errors import RealnameError


class Command(NamedTuple):
    """One command. place: module:function, a typer-annotated function whose docstring is the command's own help."""

    name: str
    place: str
    summary: str
    group: str


_STACK, _WORK, _TRY, _LOOK = "The stack on this machine", "Registrations", "First tries and debugging", "Reference"

# How to add a command: write services/cli/<name>.py with a function, and a line here.
COMMANDS = (
    Command("up", "services.cli.stack:up", "Start Kafka, Valkey and every service on loopback.", _STACK),
    Command("down", "services.cli.stack:down", "Stop them in order; data, keys and media stay.", _STACK),
    Command("status", "services.cli.stack:status", "Each process with its port and state; lag and queues.", _STACK),
    Command("challenge", "services.cli.challenge:command", "Ask for a challenge: what the customer has to do.", _WORK),
    Command("submit", "services.cli.submit:command", "Hand in a portrait and a clip, wait for the verdict.", _WORK),
    Command("decisions", "services.cli.decisions:command", "Read an operator's decisions, also as they come.", _WORK),
    Command("check", "services.cli.check:command", "The whole check in this process, no broker; every signal.", _TRY),
    Command("calibrate", "services.cli.calibrate:command", "Which similarity stands for which false match rate.", _TRY),
    Command("evaluate", "services.cli.evaluate:command", "Error rates on labelled data; what changed between two.", _TRY),
    Command("demo", "services.cli.demo:command", "Real clips through the whole stack: expected against seen.", _TRY),
    Command("policy", "services.cli.policy:show", "Which policy judges each operator, and what runs in shadow.", _WORK),
    Command("activate", "services.cli.policy:activate", "Sign and publish which policy judges an operator.", _WORK),
    Command("shadow-report", "services.cli.shadow_report:command", "Live and candidate side by side, to be compared.", _WORK),
    Command("plan", "services.cli.plan:command", "What a country takes: machines, bytes, and how its day goes.", _LOOK),
    Command("models", "services.cli.models:command", "The models: where from, what licence, whether fetched.", _LOOK),
    Command("schema", "services.cli.schema:command", "What goes over the wire: messages, topics, the HTTP API.", _LOOK),
)

MANUAL = """Registers phone and internet lines by a checked face: is the person before the camera alive, and the one on
the identity document? Portrait and clip go in over HTTP, through Kafka to the workers; one decision comes out:
**approved**, **refused**, **retry** or **review**, with its reasons.

**A first session**

- `realname check --example`: one genuine clip judged in this process, no stack needed
- `realname up`: start the stack, in a window of its own; Ctrl-C there stops everything
- `realname submit PORTRAIT CLIP`: hand it in, see it move through the stages, read the verdict
- `realname decisions --follow`: what the operator reads, as it comes
- `realname status`: what runs, what waits, how far behind

**Before it judges anybody**

- `realname evaluate` and `realname calibrate`: error rates and thresholds from your own labelled data
- `realname activate POLICY --why REASON`: make a policy live for one operator, a candidate in its shadow; `--revert` goes back
- `realname policy`: what judges whom, since when
- `realname challenge --cues`: what production asks for, each action when it is released

The stack keeps its state in `.realname/` under the current folder: data, keys, sealed media, one log a process. Three
made-up operators live in it: north, harbor, summit. Each command has its own page: `realname COMMAND --help`.
"""

WRONG_USE = 64  # exit code: the command line itself is wrong; 2 would say `retry` for submit and check. Source: sysexits.h
BUG = 70  # exit code: an error that realname does not name; 1 would say `refused`. Source: sysexits.h

EPILOG = "Settings are REALNAME_* variables; realname/settings.py declares every one, with its unit and bounds."

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def main() -> None:
    """Run the command line. An error that realname names is one line on stderr and exit code 1, never a traceback.

    Anything else shows its traceback and exits with BUG, so that no program takes a crash for a verdict.
    """
    try:
        application()()
    except RealnameError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"realname: {error}", markup=False)
        sys.exit(1)
    except Exception:  # noqa: BLE001 - the outermost door: what Python would do, but for the exit code
        traceback.print_exc()
        sys.exit(BUG)


def application() -> typer.Typer:
    """The typer application, one stand-in for each command of the table."""
    app = typer.Typer(
        name="realname", help=MANUAL, epilog=EPILOG, no_args_is_help=True, add_completion=False, rich_markup_mode="markdown"
    )
    app.callback()(_root)
    for command in COMMANDS:
        register = app.command(
            command.name,
            help=command.summary,
            rich_help_panel=command.group,
            add_help_option=False,
            context_settings=_PASS_ON,
        )
        register(_stand_in(command))
    return app


def load(command: Command) -> Callable[..., Any]:
    """The command's function. RealnameError where this installation lacks its module or a library of it."""
    module, _, function = command.place.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as missing:
        if missing.name == module:
            raise RealnameError(f"this installation has no `{command.name}` ({module} is missing)") from None
        raise RealnameError(f"`{command.name}` needs {missing.name}: install realname[dev]") from None


def _root() -> None:
    """Only here so that the table's help stands above the commands."""


def _stand_in(command: Command) -> Callable[[typer.Context], None]:
    """Takes the rest of the line as it is and hands it to the real command. A line that does not parse exits with WRONG_USE."""

    def run(context: typer.Context) -> None:
        function, was_called = load(command), False

        @functools.wraps(function)
        def called(*arguments: Any, **options: Any) -> Any:
            nonlocal was_called
            was_called = True
            return function(*arguments, **options)

        real = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
        real.command(command.name)(called)
        try:
            real(args=context.args, prog_name=f"realname {command.name}")
        except SystemExit as ended:
            sys.exit(ended.code if was_called or not ended.code else WRONG_USE)

    return run
