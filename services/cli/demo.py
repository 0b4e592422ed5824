"""`realname demo`: hands over to the demo, which stands above everything here, in this very process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.layout import STATE

StateOption = Annotated[Path, typer.Option("--state", envvar="REALNAME_STATE", help="Folder of the stack.", show_default=True)]
PortsOption = Annotated[
    int | None, typer.Option("--ports-from", min=1024, max=32700, metavar="N", help="Use the ten ports from N on.")
]
OnlyOption = Annotated[list[str] | None, typer.Option("--only", metavar="CASE", help="This case alone; may be repeated.")]
LeaveOption = Annotated[bool, typer.Option("--leave", help="Leave the stack running afterwards.")]


def command(
    state: StateOption = STATE, ports_from: PortsOption = None, only: OnlyOption = None, *, leave: LeaveOption = False
) -> None:
    """Hand nineteen real and false registrations in through the whole stack; compare expected with seen.

    Starts the stack if none runs in the folder, and stops it again. Exits non-zero where an outcome differs.
    """
    line = [sys.executable, "-m", "demo", "--state", str(state)]
    line += ["--ports-from", str(ports_from)] if ports_from is not None else []
    line += ["--only", *only] if only else []
    line += ["--leave"] if leave else []
    # Becomes it: a parent that waits would kill it a quarter of a second after Ctrl-C, before it has stopped the stack.
    os.execv(sys.executable, line)  # noqa: S606 - this very Python and checked options
