"""Pure: the supervisor's settings file, out of the table of processes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.local.layout import Stack, checked_plain

LOG_MB = 20  # a file; two older ones are kept
START_TRIES = 30  # each a second later than the one before: about eight minutes


class Program(NamedTuple):
    """One supervised process. stop_s: from SIGTERM to SIGKILL."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stop_s: int


def supervisor_config(stack: Stack, programs: tuple[Program, ...], directory: Path) -> str:
    """The whole file. directory: where the processes run.

    Nothing starts by itself: `realname up` starts each in its turn, topics in between. What ends is started again.
    """
    socket = stack.supervisor_socket
    head = _section(
        "supervisord",
        {
            "nodaemon": "true",
            "logfile": stack.logs / "supervisord.log",
            "logfile_maxbytes": f"{LOG_MB}MB",
            "pidfile": stack.run / "supervisord.pid",
            "identifier": "realname",
            "silent": "true",  # its log is the file above; the console takes what it says before it has one
            "umask": "077",  # logs and vault are the owner's
        },
    )
    control = _section("unix_http_server", {"file": socket, "chmod": "0700"})
    rpc = _section(
        "rpcinterface:supervisor",
        {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
    )
    client = _section("supervisorctl", {"serverurl": f"unix://{socket}"})
    return "\n".join([head, control, rpc, client, *(_program(program, stack, directory) for program in programs)])


def _program(program: Program, stack: Stack, directory: Path) -> str:
    environment = ",".join(f'{name}="{checked_plain(value)}"' for name, value in sorted(program.environment.items()))
    return _section(
        f"program:{program.name}",
        {
            "command": shlex.join(program.command),
            "environment": environment,
            "directory": checked_plain(str(directory)),
            "autostart": "false",
            "autorestart": "true",
            # An end within 2 s is a failed start: tried again ever later, so that a broken process burns no core.
            "startsecs": "2",
            "startretries": START_TRIES,
            "stopsignal": "TERM",
            "stopwaitsecs": program.stop_s,
            "killasgroup": "true",  # SIGKILL also reaches a worker's decoder children
            "redirect_stderr": "true",
            "stdout_logfile": stack.logs / f"{program.name}.log",
            "stdout_logfile_maxbytes": f"{LOG_MB}MB",
            "stdout_logfile_backups": "2",
        },
    )


def _section(name: str, values: Mapping[str, object]) -> str:
    # % begins an expansion in this file format
    return "\n".join([f"[{name}]", *(f"{key}={str(value).replace('%', '%%')}" for key, value in values.items()), ""])
