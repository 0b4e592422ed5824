"""Services as processes of their own, asked by their health port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from deploy.local.ports import free_run


class Process:
    """A service started by its module, its log in a file."""

    def __init__(self, module: str, log: Path, settings: dict[str, str]) -> None:
        self.port = free_run(1)
        environment = os.environ | settings | {"REALNAME_METRICS_PORT": str(self.port)}
        with log.open("ab") as out:
            self.child = subprocess.Popen([sys.executable, "-m", module], env=environment, stdout=out, stderr=out)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def is_ready(self) -> bool:
        assert self.child.poll() is None, "ended"
        return self.get("/readyz")[0] == 200

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.child.wait(20)
