"""One server process that dies with us: started, stopped, killed and frozen from Python."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from pathlib import Path

STOP_S_MAX = 20.0  # a broker with little data stops in 1.4-3.5 s on an idle machine; then it is killed


class Child:
    """A process in a session of its own (Ctrl-C at the terminal does not reach it), its output appended to a file.

    A second, tiny process holds its leash: it waits on a pipe of ours and kills the child when we are gone, however
    we went. (PR_SET_PDEATHSIG would do the same only for the thread that started it.)
    """

    def __init__(self, argv: list[str], log: Path) -> None:
        """argv: the command; log: the file that takes stdout and stderr."""
        self.argv = argv
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id while it was started, also after its death."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Started and not yet ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; the caller waits for readiness by its protocol."""
        assert not self.is_alive, "already running"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._leash = subprocess.Popen(
            ["/bin/sh", "-c", f"read _; kill -CONT {self.pid}; kill -KILL {self.pid}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self, within_s: float = STOP_S_MAX) -> None:
        """SIGTERM, wait, then SIGKILL. Nothing to do if it is already gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(within_s)
        self.kill9()

    def kill9(self) -> None:
        """SIGKILL, now; returns when it is dead."""
        if self._leash is not None:
            # first the leash, so that it never kills a later process that got the same number
            self._leash.kill()
            self._leash.communicate()
            self._leash = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGCONT)

    def last_lines(self, count: int = 15) -> str:
        """The end of its log, for an error message."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-count:])
