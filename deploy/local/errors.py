"""Pure: what can go wrong with the local stack. Each message says what to do; the command line prints it as it is."""

from __future__ import annotations

from realname.errors import RealnameError


class StackError(RealnameError):
    """The local stack cannot do what was asked; the message says what to do."""


class ToolMissing(StackError):
    """A program of the machine is missing."""


class PortTaken(StackError):
    """A port that the stack needs is held by another program."""


class NotReady(StackError):
    """A process did not become ready in its time, or ended."""
