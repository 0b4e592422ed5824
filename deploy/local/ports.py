"""Loopback ports: which are free, and who holds one that is not."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections import deque
from pathlib import Path
from random import SystemRandom

LOOPBACK = "127.0.0.1"
# Below the kernel's ephemeral range (32768 on): a listener in it can lose its port to any client on the machine.
TEST_PORTS = range(20000, 32000)
# Of this process: the ports it was given last, each held by a name until its server has long bound it.
_HELD_MAX = 128
_held: deque[socket.socket] = deque()


def is_free(port: int) -> bool:
    """Whether a server could listen there now. A port in TIME_WAIT counts as free, as it does for the servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_run(count: int, *, within: range = TEST_PORTS) -> int:
    """The first of `count` free ports in a row that no process on this machine was given a moment ago.

    A port is free until its server binds it, seconds later: so each is held by a name, too, which another call, here or in
    another process, finds taken. A program that asks nobody may still take one: a server that then fails to bind says so itself.
    """
    starts = range(within.start, within.stop - count + 1)
    shift = SystemRandom().randrange(len(starts))  # not the test run's seeded one: two tests should not meet
    for step in range(len(starts)):
        first = starts[(shift + step) % len(starts)]
        if _hold(range(first, first + count)):
            return first
    raise OSError(f"no {count} free ports in a row in {within}")


def _hold(ports: range) -> bool:
    """Hold all of them, if each is free; else none. The names that were held longest are given up."""
    names: list[socket.socket] = []
    for port in ports:
        name = _name_of(port)
        if name is not None:
            names.append(name)
        if name is None or not is_free(port):  # in this order: from here on nobody else is given it
            for each in names:
                each.close()
            return False
    _held.extend(names)
    while len(_held) > max(_HELD_MAX, len(names)):
        _held.popleft().close()
    return True


def _name_of(port: int) -> socket.socket | None:
    """It is held while this is open; None where it is held already.

    Linux's abstract names lie in the network namespace that the ports lie in, leave no file behind, and go with their
    process. No other system has them: there none is ever held.
    """
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0realname-port-{port}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            name.close()
            return None
    return name


def holder_of(port: int) -> tuple[int, str] | None:
    """(pid, program) that listens on this loopback or any-address port; None if unknown (another user's, or no Linux)."""
    inode = _listening_inode(port)
    if inode is None:
        return None
    target = Path(f"socket:[{inode}]")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if link.readlink() == target:
                pid = int(link.parts[2])
                return pid, Path(f"/proc/{pid}/comm").read_text().strip()
    return None


def _listening_inode(port: int) -> str | None:
    """From /proc/net/tcp{,6}: the inode of the socket in state 0A (LISTEN) whose local port is this one."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    return fields[9]
    return None
