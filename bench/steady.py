"""`python -m bench.steady`: submission to decision at a steady rate, on the whole real stack.

An open loop: arrivals are Poisson on a schedule fixed beforehand, so a slow stack does not slow its own load down. Latency
runs from the scheduled arrival to the decision being read from the operator's topic by a read_committed reader. The CPU of
each process is taken from the operating system over the run, and divided by the registrations decided in it.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from bench import media
from bench.cpu import cpu_s_of
from demo.cases import A_SHOWS, B_SHOWS
from demo.handing_in import CHALLENGES_MAX
from deploy.local.layout import Stack, ports_from, stack_of
from deploy.local.ports import free_run
from deploy.local.status import report_of
from deploy.local.up import bring_up, take_down
from realname.errors import RealnameError
from realname.messages import Consent
from realname.settings import Fetch, read_settings
from realname.topics import decisions_of
from services.cli.client import IntakeClient, development_token, upload_of
from services.intake.requests import ChallengeIssued, ChallengeRequest, RegistrationRequest

OPERATOR = "north"
SENDERS = 16
DRAIN_S = 120
WARM_UP = 24  # registrations before the clock runs: both dispatchers have committed, every model has run


class Sample(NamedTuple):
    """One genuine person: portrait, clip, and the challenges that the clip meets."""

    portrait: bytes
    clip: bytes
    shows: tuple[tuple[str, ...], ...]


class Decisions:
    """Follows the operator's topic from its end on; when each id was read, on our monotonic clock."""

    def __init__(self, stack: Stack) -> None:
        self.read_at: dict[str, float] = {}
        self._stop = Event()
        self._consumer = KafkaConsumer(bootstrap_servers=stack.kafka, isolation_level="read_committed", enable_auto_commit=False)
        topic = decisions_of(OPERATOR)
        partitions = [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic) or ()]
        self._consumer.assign(partitions)
        self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            self._consumer.position(partition)
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _follow(self) -> None:
        while not self._stop.is_set():
            for records in self._consumer.poll(timeout_ms=20).values():
                for record in records:
                    self.read_at.setdefault(record.key.decode(), time.monotonic())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=3.0, help="registrations a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the load (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals (default: %(default)s)")
    arguments = parser.parse_args()
    console = Console(width=100)
    with tempfile.TemporaryDirectory() as folder:
        stack = stack_of(Path(folder), ports_from(free_run(10), {}), {})
        try:
            bring_up(stack, os.environ, lambda line: console.print(f"  {line}", markup=False, highlight=False))
            run(stack, arguments, console)
        finally:
            take_down(stack, lambda _: None)


def run(stack: Stack, arguments: argparse.Namespace, console: Console) -> None:
    """Warm up, load, drain, print."""
    client = IntakeClient(stack.intake_url, development_token(stack.keys, OPERATOR))
    samples = genuine(Path(read_settings(Fetch).media_dir))
    decisions = Decisions(stack)
    for sample in samples * (WARM_UP // len(samples)):
        hand_in(client, sample)
    if wait_for(decisions, WARM_UP):
        sys.exit("the warm-up was not decided: look at the logs of a stack started by `realname up`")
    before = cpu_of(stack)
    began_at = time.monotonic()
    due = schedule(arguments.rate, arguments.seconds, arguments.seed)
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = list(pool.map(lambda at: send_at(client, samples, began_at + at), due))
    accepted = [each for each in sent if each is not None]
    undecided = wait_for(decisions, WARM_UP + len(accepted))
    spent = {name: used - before.get(name, 0.0) for name, used in cpu_of(stack).items()}
    decisions.close()
    latencies = sorted(decisions.read_at[identity] - at for identity, at in accepted if identity in decisions.read_at)
    show(console, arguments, Measured(len(due), len(accepted), undecided, latencies, spent, time.monotonic() - began_at))


class Measured(NamedTuple):
    """One run. latencies in s, sorted; spent: CPU s by process; length_s: load and drain."""

    due: int
    accepted: int
    undecided: int
    latencies: list[float]
    spent: dict[str, float]
    length_s: float


def show(console: Console, arguments: argparse.Namespace, measured: Measured) -> None:
    """The figures."""
    console.print(
        f"{measured.accepted} of {measured.due} accepted at {arguments.rate:g}/s (Poisson, {arguments.seconds:g} s), "
        f"{measured.undecided} undecided; {os.cpu_count()} cores"
    )
    if measured.latencies:
        cuts = statistics.quantiles(measured.latencies, n=100, method="inclusive")
        console.print(f"submission to decision: p50 {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s, max {measured.latencies[-1]:.2f} s")
    table = Table("process", "CPU ms a registration", "share of one core")
    for name, used in sorted(measured.spent.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{used * 1000 / max(1, len(measured.latencies)):.1f}", f"{used / measured.length_s:.0%}")
    console.print(table)
    if measured.undecided or measured.accepted < measured.due:
        sys.exit("not every registration was accepted and decided in time: the figures are not of a steady state")


def genuine(folder: Path) -> list[Sample]:
    """A and B, each with their own document."""
    a = Sample(media.portrait(folder, media.A_PORTRAIT), media.cut(folder, media.A_BLINK_TURN_BLINK), A_SHOWS)
    b = Sample(media.frame_as_portrait(folder, *media.B_PORTRAIT), media.cut(folder, media.B_BLINK_TURN), B_SHOWS)
    return [a, b]


def schedule(rate_hz: float, seconds: float, seed: int) -> list[float]:
    """Arrivals in seconds from the start, exponential gaps."""
    rng = random.Random(seed)
    due, at = [], rng.expovariate(rate_hz)
    while at < seconds:
        due.append(at)
        at += rng.expovariate(rate_hz)
    return due


def send_at(client: IntakeClient, samples: list[Sample], at: float) -> tuple[str, float] | None:
    """Wait for the arrival, hand one in. The id and the arrival; None where intake refused."""
    time.sleep(max(0.0, at - time.monotonic()))
    try:
        return hand_in(client, samples[int(at * 1000) % len(samples)]), at
    except RealnameError:
        return None


def hand_in(client: IntakeClient, sample: Sample) -> str:
    """One registration; its id."""
    request = RegistrationRequest(
        challenge=fitting(client, sample).challenge,
        store="bench-store",
        terminal="bench-till",
        person_token="bench-person",
        purpose="mobile",
        lines_held=0,
        consent=Consent(reference="bench", given_at=datetime.now(UTC), text_version="1", language="en"),
        portrait_source="document_photo",
    )
    return client.register(upload_of(request, sample.portrait, sample.clip)).id


def fitting(client: IntakeClient, sample: Sample) -> ChallengeIssued:
    """A challenge that the clip meets, so that every check runs whole."""
    asked = ChallengeRequest(store="bench-store", terminal="bench-till", person_token="bench-person")
    for _ in range(CHALLENGES_MAX):
        challenge = client.challenge(asked)
        if challenge.actions in sample.shows:
            return challenge
    raise RealnameError(f"no challenge of {CHALLENGES_MAX} asks for what the clip shows")


def wait_for(decisions: Decisions, count: int) -> int:
    """Until so many decisions were read, or DRAIN_S. How many are missing."""
    deadline = time.monotonic() + DRAIN_S
    while len(decisions.read_at) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return max(0, count - len(decisions.read_at))


def cpu_of(stack: Stack) -> dict[str, float]:
    """CPU seconds of each process with its children, the load generator's own among them."""
    used = {line.name: cpu_s_of(line.pid) for line in report_of(stack).processes if line.pid}
    return used | {"load generator": time.process_time()}


if __name__ == "__main__":
    main()
