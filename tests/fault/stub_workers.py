"""Stub workers as processes: the real tasks, wire and recovery of workers/ around stub stages (bench/stub_worker.py)."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from deploy.local.child import Child
from deploy.local.ports import free_run

POOL, SOLO = "liveness,matching", "liveness.solo,matching.solo"
SERVICE = ("--mean-ms", "100", "--slow-ms", "1500", "--slow-share", "0.01")


class StubWorker(NamedTuple):
    """One process; its port serves its metrics, which count from zero after each start."""

    child: Child
    port: int

    @property
    def running(self) -> int:
        """Stages that it runs now; 0 while it does not answer."""
        try:
            return int(self.measured("realname_stages_running"))
        except urllib.error.URLError:
            return 0

    def measured(self, name: str, **labels: str) -> float:
        """The sum of one metric's samples that have these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())


def stub_worker(redis_url: str, log: Path, *, queues: str = POOL, threads: int, recover_s: float | None = None) -> StubWorker:
    """Not started. recover_s: None is production's recovery, 35 s."""
    port = free_run(1)
    settings = {
        "REALNAME_REDIS": redis_url,
        "REALNAME_QUEUES": queues,
        "REALNAME_THREADS": str(threads),
        "REALNAME_METRICS_PORT": str(port),
    }
    recovery = () if recover_s is None else ("--recover-s", str(recover_s))
    variables = [f"{name}={value}" for name, value in settings.items()]
    argv = ["/usr/bin/env", *variables, sys.executable, "-m", "bench.stub_worker", *SERVICE, *recovery]
    return StubWorker(Child(argv, log), port)
