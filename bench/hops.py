"""`python -m bench.hops`: what a registration costs between the dispatcher and its stage result: sending, Celery, Redis.

Jobs go through the real sender, a real Valkey and a real worker process whose stages take no time, at a steady rate; CPU is
read from the operating system, so a busy machine moves it little. The variants run in turns. The floor is the least that
could carry the same bytes with redis-py: LPUSH of the job, BRPOP of it in another process, XADD of the result.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.cpu import cpu_s_of
from bench.result import Ratio, ratio_of, result_of, write
from deploy.local.child import Child
from deploy.local.ports import free_run
from deploy.local.valkey import Valkey
from realname import ids
from realname.messages import BlobRef, Challenge, Consent, MatchReport, RegistrationSubmitted
from realname.stages import RESULT_FIELD, LivenessJob, StageResult, encode_job, results_key
from services.dispatcher.policies import Plans
from services.dispatcher.records import Spent, Taken
from services.dispatcher.sender import CelerySender
from services.dispatcher.stages import RedisStages, connect

PARTITION = 0
TURN_S = 0.02  # the dispatcher's own is longer by now (POLL_S of its loop): it sends more jobs in one step than is measured here
WARM_UP = 60
FLOOR_QUEUE = "floor"
WITHIN_S = 120.0
THREADS = 8
NOISE = 0.25  # of a ratio: a process of 2 ms a job stands beside one of 0.3 ms
FLOOR = "floor"
VARIANTS: dict[str, dict[str, str]] = {
    "two tasks": {"REALNAME_JOIN_STAGES": "false"},
    "one task": {},
}


class Cost(NamedTuple):
    """CPU ms a registration, by process; p50_s: from the send to the result's entry being read."""

    send_ms: float
    worker_ms: float
    redis_ms: float
    p50_s: float

    @property
    def sum_ms(self) -> float:
        """All processes."""
        return self.send_ms + self.worker_ms + self.redis_ms


class Line(NamedTuple):
    """What a variant is driven by. send: jobs of one turn; read: results since the last look; pid: of the consumer."""

    send: Callable[[list[Taken]], None]
    read: Callable[[], int]
    pid: int


def main(argv: list[str] | None = None) -> None:
    """Measure, print, write where asked. argv: of the command line, without the program's name; None: the process' own."""
    asked = _arguments(argv)
    if asked.floor_consumer:
        sys.exit(_consume_bare(asked.floor_consumer))
    console = Console(width=100)
    found: dict[str, list[Cost]] = {}
    for _ in range(asked.rounds):
        for name in (FLOOR, *VARIANTS):
            with tempfile.TemporaryDirectory() as folder, Valkey(Path(folder), free_run(1)) as valkey:
                cost = _measure(valkey, Path(folder), name, jobs=asked.jobs, rate=asked.rate)
            found.setdefault(name, []).append(cost)
            console.print(f"  {name}: {cost.sum_ms:.2f} ms", highlight=False)
    _show(console, found, asked.rate)
    if asked.results is not None:
        command = f"python -m bench.hops --jobs {asked.jobs} --rate {asked.rate:g} --rounds {asked.rounds}"
        notes = ["a worker process whose stages take no time, 8 threads; CPU of sender, worker and Valkey"]
        result = result_of("hops", command, ratios=_ratios(found), figures=_figures(found), notes=notes)
        console.print(f"written to {write(result, asked.results)}")


def _measure(valkey: Valkey, folder: Path, name: str, *, jobs: int, rate: float) -> Cost:
    child = Child(_consumer_argv(valkey.url, name), folder / "consumer.log")
    child.start()
    try:
        line = _floor_line(valkey, child) if name == FLOOR else _celery_line(valkey, child)
        _drive(line, WARM_UP, rate)
        before = cpu_s_of(line.pid), cpu_s_of(valkey.pid)
        sent_s, waits_s = _drive(line, jobs, rate)
        after = cpu_s_of(line.pid), cpu_s_of(valkey.pid)
    finally:
        child.stop()
    worker_s, redis_s = after[0] - before[0], after[1] - before[1]
    return Cost(1000 * sent_s / jobs, 1000 * worker_s / jobs, 1000 * redis_s / jobs, statistics.median(waits_s))


def _drive(line: Line, jobs: int, rate: float) -> tuple[float, list[float]]:
    """CPU s of the sending, and for each result roughly how long after its send it was read. An open loop in turns."""
    began = time.monotonic()
    sent_at: list[float] = []
    waits: list[float] = []
    sending_s = 0.0
    while len(waits) < jobs:
        now = time.monotonic()
        assert now - began < WITHIN_S, f"{len(waits)} of {jobs} results after {WITHIN_S:.0f} s"
        due = min(jobs, int((now - began) * rate) + 1) - len(sent_at)
        if due > 0:
            taken = [_taken(len(sent_at) + number) for number in range(due)]
            cpu_s = time.thread_time()
            line.send(taken)
            sending_s += time.thread_time() - cpu_s
            sent_at += [now] * due
        arrived, now = line.read(), time.monotonic()
        waits += [now - at for at in sent_at[len(waits) : len(waits) + arrived]]
        time.sleep(max(0.0, TURN_S - (time.monotonic() - now)))
    return sending_s, waits


def _celery_line(valkey: Valkey, child: Child) -> Line:
    client = connect(valkey.url)
    stages = RedisStages(client, CelerySender(client), decide_within_s=2700, plans_for=_nothing_activated)
    spent = Spent({})

    def send(jobs: list[Taken]) -> None:
        stages.submit(jobs)

    def read() -> int:
        nonlocal spent
        arrivals = stages.collect([PARTITION], spent).arrivals
        entries = {PARTITION: [each.entry for each in arrivals]} if arrivals else {}
        spent = Spent(entries, [each.result.id for each in arrivals if each.result is not None])
        return len(arrivals)

    return Line(send, read, child.pid)


def _floor_line(valkey: Valkey, child: Child) -> Line:
    client: Any = connect(valkey.url)
    seen = {"at": "0"}

    def send(jobs: list[Taken]) -> None:
        for job in jobs:
            client.lpush(FLOOR_QUEUE, encode_job(_job(job)))

    def read() -> int:
        answer: Any = client.xrange(results_key(PARTITION), f"({seen['at']}" if seen["at"] != "0" else "-", "+")
        if answer:
            seen["at"] = answer[-1][0].decode()
        return len(answer)

    return Line(send, read, child.pid)


def _consumer_argv(url: str, name: str) -> list[str]:
    if name == FLOOR:
        return [sys.executable, "-m", "bench.hops", "--floor-consumer", url]
    settings = {"REALNAME_REDIS": url, "REALNAME_THREADS": str(THREADS), **VARIANTS[name]}
    return ["/usr/bin/env", *(f"{key}={value}" for key, value in settings.items()), sys.executable, "-m", "bench.stub_worker"]


def _consume_bare(url: str) -> int:
    """The floor's other end, until it is ended."""
    client: Any = connect(url)
    match = MatchReport(similarity=0.7, copy_correlation=0.4)
    entry = encode_job(StageResult(ids.mint(datetime.now(UTC), os.urandom(10)), "north", PARTITION, 0, match=match))
    while True:
        if client.brpop([FLOOR_QUEUE], timeout=1) is not None:
            client.xadd(results_key(PARTITION), {RESULT_FIELD: entry})


def _nothing_activated(_operator: str, _registration_id: str) -> Plans:
    return Plans(None, None)


def _taken(offset: int) -> Taken:
    now = datetime.now(UTC)
    identity = ids.mint(now, os.urandom(10))
    portrait, clip = (
        BlobRef(key=f"north/{identity}/{kind}", sha256="a" * 64, size_bytes=300_000, media_type=media_type, key_id="north-1")
        for kind, media_type in (("portrait", "image/jpeg"), ("clip", "video/mp4"))
    )
    submitted = RegistrationSubmitted(
        id=identity,
        operator="north",
        store="store-1",
        terminal="till-1",
        purpose="mobile",
        path="face",
        consent=Consent(reference="c-1", given_at=now, text_version="2026-01", language="zh"),
        lines_held=0,
        challenge=Challenge(actions=("blink", "turn_left"), issued_at=now),
        submitted_at=now,
        fingerprint="f" * 64,
        portrait_source="chip_read",
        portrait=portrait,
        clip=clip,
    )
    return Taken(PARTITION, offset, submitted, now)


def _job(taken: Taken) -> LivenessJob:
    return LivenessJob(
        submitted=taken.submitted,
        partition=taken.partition,
        offset=taken.offset,
        deadline_at=taken.deadline_at(2700),
        dispatched_at=taken.at,
    )


def _middle(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


def _ratios(found: dict[str, list[Cost]]) -> dict[str, Ratio]:
    """Of each variant to the floor, and of the default to two tasks."""
    floors = found[FLOOR]
    of_floor = {
        f"{_key(name)}_to_floor": ratio_of(
            [cost.sum_ms / floor.sum_ms for cost, floor in zip(costs, floors, strict=True)], "less", noise=NOISE
        )
        for name, costs in found.items()
        if name != FLOOR
    }
    pairs = zip(found["one task"], found["two tasks"], strict=True)
    return of_floor | {"one_task_to_two_tasks": ratio_of([one.sum_ms / two.sum_ms for one, two in pairs], "less")}


def _figures(found: dict[str, list[Cost]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, costs in found.items():
        cost = _middle(costs)
        parts = {"send_ms": cost.send_ms, "worker_ms": cost.worker_ms, "redis_ms": cost.redis_ms, "sum_ms": cost.sum_ms}
        figures |= {f"{_key(name)}_{part}": value for part, value in parts.items()}
    return figures


def _key(name: str) -> str:
    return name.replace(" ", "_")


def _show(console: Console, found: dict[str, list[Cost]], rate: float) -> None:
    table = Table(title=f"CPU ms a registration at {rate:g}/s, medians")
    for column in ("variant", "send", "worker", "Valkey", "sum", "to floor", "p50 ms"):
        table.add_column(column, justify="left" if column == "variant" else "right")
    floor = _middle(found[FLOOR])
    for name, costs in found.items():
        cost = _middle(costs)
        cells = [f"{each:.2f}" for each in (cost.send_ms, cost.worker_ms, cost.redis_ms, cost.sum_ms)]
        table.add_row(name, *cells, f"{cost.sum_ms / floor.sum_ms:.1f}", f"{1000 * cost.p50_s:.0f}")
    console.print(table)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000, help="registrations a variant and round (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=100.0, help="a second (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--results", type=Path, default=None, help="write hops.json into this folder")
    parser.add_argument("--floor-consumer", default="", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
