"""Whether a process of the stack can do its job, asked as its users would: the broker's protocol, PING, /readyz."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.errors import NotReady
from deploy.local.layout import Stack
from deploy.local.ports import LOOPBACK
from deploy.local.processes import ports_of
from deploy.local.supervision import State, Supervision
from deploy.local.topics import answers_metadata
from deploy.local.valkey import answers_ping

STARTS_MAX = 3  # a process that needs a fourth start is broken, not slow
_POLL_S = 0.1


def is_ready(name: str, port: int) -> bool:
    """Ask one process, for a second or two at most."""
    if name == "kafka":
        return answers_metadata(f"{LOOPBACK}:{port}")
    if name == "valkey":
        return answers_ping(port)
    return why_not_ready(port) is None


def why_not_ready(port: int) -> str | None:
    """None where /readyz answers 200; else its word, or that nothing answers."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1.0)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(200).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):
        return "no answer"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else said or f"status {answer.status}"


def await_ready(
    stack: Stack, supervision: Supervision, names: Sequence[str], *, within_s: float, said: Callable[[str, float], None]
) -> None:
    """Return when all are ready; `said(name, seconds)` is called for each as it becomes so.

    NotReady, with the end of its log, for one that was not in its time, or that kept ending.
    """
    began_at = time.monotonic()
    waiting, pids = list(names), {name: set[int]() for name in names}
    while waiting:
        states = supervision.states()
        for name in tuple(waiting):
            pids[name].add(states[name].pid)
            _check_keeps_running(stack, states[name], starts=len(pids[name] - {0}))
            if states[name].pid and is_ready(name, ports_of(stack)[name]):
                waiting.remove(name)
                said(name, time.monotonic() - began_at)
        if waiting and time.monotonic() - began_at > within_s:
            why = ", ".join(f"{name} ({_why(stack, name)})" for name in waiting)
            raise NotReady(f"not ready within {within_s:.0f} s: {why}\n{last_lines(stack, waiting[0])}")
        time.sleep(_POLL_S)


def last_lines(stack: Stack, name: str, count: int = 15) -> str:
    """The end of a process's log, under the file's name."""
    file: Path = stack.logs / f"{name}.log"
    text = file.read_text(errors="replace") if file.exists() else "(empty)"
    return "\n".join([f"--- the end of {file}:", *text.splitlines()[-count:]])


def _check_keeps_running(stack: Stack, state: State, *, starts: int) -> None:
    if state.state == "FATAL" or starts > STARTS_MAX:
        raise NotReady(f"{state.name} keeps ending (started {starts} times)\n{last_lines(stack, state.name)}")


def _why(stack: Stack, name: str) -> str:
    return "no answer" if name in {"kafka", "valkey"} else why_not_ready(ports_of(stack)[name]) or "just now"
