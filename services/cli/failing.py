"""How a command ends that cannot go on: what is wrong, in red on stderr, and its own exit code."""

from __future__ import annotations

import sys
from typing import NoReturn

from rich.console import Console

from realname.errors import RealnameError


def fail(error: RealnameError, code: int) -> NoReturn:
    """Say the error; where it says nothing, the first line of its class's docstring."""
    words = str(error) or (type(error).__doc__ or "").splitlines()[0]
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"realname: {words}", style="red", markup=False)
    sys.exit(code)
