"""The running supervisor of a stack: started, asked and stopped. This package's only door to the supervisor library."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# supervisor has no types; XML-RPC would hide them anyhow.

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from supervisor.xmlrpc import SupervisorTransport

from deploy.local.errors import NotReady
from deploy.local.layout import Stack

ANSWER_S_MAX = 10.0
_LIVE = frozenset({"RUNNING", "STARTING", "STOPPING", "BACKOFF"})


class State(NamedTuple):
    """One process. state: the supervisor's word (RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL, ...).

    pid 0 and up_s 0.0 where it does not run. note: what the supervisor says of its last end.
    """

    name: str
    state: str
    pid: int
    up_s: float
    note: str

    @property
    def is_live(self) -> bool:
        """It runs, or is about to."""
        return self.state in _LIVE


class Supervision:
    """A client of one stack's supervisor. Every call raises NotReady where none answers."""

    def __init__(self, stack: Stack) -> None:
        """Connects with the first call."""
        self._stack = stack
        transport = SupervisorTransport(None, None, f"unix://{stack.supervisor_socket}")
        # the address is not used: the transport goes to the socket
        self._proxy: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)

    def is_answering(self) -> bool:
        """Whether the supervisor lives."""
        try:
            self._call("getState")
        except NotReady:
            return False
        return True

    def states(self) -> dict[str, State]:
        """Every process by its name."""
        found: list[dict[str, Any]] = self._call("getAllProcessInfo")
        return {
            entry["name"]: State(
                entry["name"],
                entry["statename"],
                entry["pid"],
                float(entry["now"] - entry["start"]) if entry["pid"] else 0.0,
                entry["spawnerr"] or entry["description"],
            )
            for entry in found
        }

    def start(self, name: str) -> None:
        """Start one process; returns at once, its readiness is asked of itself."""
        self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        """SIGTERM to one process, SIGKILL after its time; returns at once. No error if it does not run."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call("stopProcess", name, False)

    def kill(self, name: str) -> None:
        """SIGKILL to one process; the supervisor starts it again unless it was being stopped."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call("signalProcess", name, "KILL")

    def shutdown(self) -> None:
        """End the supervisor, and whatever still runs under it; no error if it is gone."""
        with contextlib.suppress(NotReady, xmlrpc.client.Fault):
            self._call("shutdown")

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except (OSError, xmlrpc.client.ProtocolError, http.client.HTTPException) as error:
            self._proxy("close")()
            raise NotReady(f"no stack runs in {self._stack.state}: `realname up` starts it") from error


def start_supervisor(stack: Stack, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start supervisord in a session of its own (Ctrl-C is ours to order) and wait until it answers.

    NotReady with the end of its log where it does not. A pid file or socket left by an earlier one is replaced.
    """
    console = stack.logs / "supervisord.console.log"
    with console.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(stack.supervisor_config)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(environment),
        )
    try:
        _await_answer(Supervision(stack), process, console)
    except BaseException:  # Ctrl-C as well: it has no child yet, and nobody else knows of it
        process.kill()
        raise
    return process


def _await_answer(supervision: Supervision, process: subprocess.Popen[bytes], console: Path) -> None:
    deadline = time.monotonic() + ANSWER_S_MAX
    while not supervision.is_answering():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotReady(f"the supervisor did not start: {console.read_text(errors='replace')[-800:].strip()}")
        time.sleep(0.05)


def leftovers(stack: Stack) -> dict[int, str]:
    """Processes of this stack's supervisor that outlived it (it was killed), by pid; with their program's name.

    supervisord names itself in its children's environment: SUPERVISOR_SERVER_URL, SUPERVISOR_PROCESS_NAME. Two
    dispatchers of one slot must never run, so a new start ends these first.
    """
    ours = f"SUPERVISOR_SERVER_URL=unix://{stack.supervisor_socket}".encode()
    found: dict[int, str] = {}
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # another user's, or just gone
            variables = file.read_bytes().split(b"\0")
            if ours in variables:
                named = [one.partition(b"=")[2].decode() for one in variables if one.startswith(b"SUPERVISOR_PROCESS_NAME=")]
                found[int(file.parts[2])] = named[0] if named else "?"
    return found


def end_leftovers(stack: Stack, *, within_s: float = 25.0) -> None:
    """SIGTERM to each, SIGKILL after `within_s`."""
    deadline = time.monotonic() + within_s
    _signal(leftovers(stack), signal.SIGTERM)
    while left := leftovers(stack):
        if time.monotonic() > deadline:
            _signal(left, signal.SIGKILL)
        time.sleep(0.1)


def _signal(processes: Mapping[int, str], number: signal.Signals) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
