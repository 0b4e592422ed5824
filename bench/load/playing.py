"""One run, with every side effect in the order in which it happens: warm up, play, drain, read to the end, check."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.load.accounting import Decisions, Sent, broken_promises
from bench.load.http import Client
from bench.load.profile import Phase, Profile
from bench.load.reading import Reader
from bench.load.samples import Material, genuine
from bench.load.schedule import COUNT_MAX, Arrival, arrivals_of, spans_of
from bench.load.sending import LEAD_S, Sender
from bench.load.stack import Missing
from bench.load.watching import Point, Watcher
from deploy.local.layout import Stack
from deploy.local.ports import LOOPBACK
from realname.settings import Fetch, read_settings

WARM_UP = 24  # registrations before the clock runs: every dispatcher has committed, every model has run
WARM_UP_HZ = 2.0
WARM_UP_WITHIN_S = 120.0
SLIP_S_MAX = 0.1  # p99 of the loader's own lateness, above which a run says nothing of the stack


class LoadFailed(Exception):
    """The run itself went wrong: its figures would say nothing."""


class Tally(NamedTuple):
    """How far a run is."""

    at_s: float
    sent: int
    accepted: int
    decided: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """count_max: arrivals. drain_s: waited after the last for what is undecided."""

    count_max: int = COUNT_MAX
    drain_s: float = 120.0
    seed: int = 1
    warm_up: int = WARM_UP


class Played(NamedTuple):
    """One run. seen.read_s and points: seconds from its start.

    drained_s: when the last decision was read, or when it was given up.
    stood_in_s: CPU, by worker, of what simulated ones do in the place of decoding and inference.
    broken: how invariant I1 does not hold, in words. sizes: clip_bytes, portrait_bytes, the means of what was sent.
    """

    profile: Profile
    operators: tuple[str, ...]
    sent: list[Sent]
    seen: Decisions
    points: list[Point]
    stood_in_s: dict[str, float]
    drained_s: float
    broken: list[str]
    sizes: dict[str, float]

    @property
    def spent_s(self) -> dict[str, float]:
        """CPU by process, over the run."""
        return self.points[-1].cpu_s

    @property
    def resident_bytes(self) -> dict[str, int]:
        """The most that each process held."""
        names = {name for point in self.points for name in point.resident_bytes}
        return {name: max(point.resident_bytes.get(name, 0) for point in self.points) for name in names}

    @property
    def decided(self) -> int:
        """Registrations of the run that have their decision."""
        return sum(each.id in self.seen.read_s for each in self.sent if each.id is not None)

    @property
    def slip_p99_s(self) -> float:
        """The loader's own lateness."""
        slips = sorted(each.slip_s for each in self.sent)
        return slips[int(len(slips) * 0.99)] if slips else 0.0


def material_for(profile: Profile) -> Material:
    """Of the fetched media. Takes some seconds."""
    return genuine(Path(read_settings(Fetch).media_dir), clip_bit_rate=profile.clip_bit_rate)


def play(
    stack: Stack,
    profile: Profile,
    material: Material,
    *,
    partitions: int,
    bounds: Bounds,
    alone: bool = True,
    told: Callable[[Tally], None] = lambda _: None,
) -> Played:
    """Raises LoadFailed, schedule.TooMany. profile: as it is played; alone: nobody else uses the stack."""
    arrivals = arrivals_of(profile.phases, stack.operators, seed=bounds.seed, count_max=bounds.count_max)
    reader = Reader(stack.kafka, stack.operators, partitions, from_start=alone)
    run = _Run(stack, profile, reader, material, told)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.closing(reader):
        warm = runner.run(run.warm_up(bounds.warm_up))
        sent, watcher, began_at, drained_s = runner.run(run.run(arrivals, bounds.drain_s))
    seen = reader.seen
    seen.read_s = {each: at - began_at for each, at in seen.read_s.items()}
    before = {each.id: each.arrival.operator for each in warm if each.id is not None}
    broken = broken_promises(sent, seen, before=before, alone=alone)
    if not reader.caught_up:
        broken.append("the decision topics could not be read to their ends: nothing is known of what lies there")
    points, stood_in_s = watcher.points, watcher.stood_in_s
    return Played(profile, stack.operators, sent, seen, points, stood_in_s, drained_s, broken, material.sizes)


class _Run:
    """What both halves of a run share."""

    def __init__(
        self,
        stack: Stack,
        profile: Profile,
        reader: Reader,
        material: Material,
        told: Callable[[Tally], None],
    ) -> None:
        self._stack, self._profile, self._reader = stack, profile, reader
        self._material, self._told = material, told
        self._accepted: set[str] = set()
        self._ended = 0

    async def warm_up(self, count: int) -> list[Sent]:
        """So many, and all decided. Raises LoadFailed."""
        operators = self._stack.operators
        due = [Arrival(number / WARM_UP_HZ, 0, operators[number % len(operators)], number) for number in range(count)]
        async with self._sender() as sender:
            sent = await sender.play(due, time.monotonic())
        if refused := [each.answer for each in sent if each.outcome != "accepted"]:
            raise LoadFailed(f"a registration of the warm-up was not accepted: {refused[0]}")
        if await self._wait_decided(WARM_UP_WITHIN_S):
            raise LoadFailed("the warm-up was not decided: look at the logs of a stack that `realname up` started")
        self._accepted.clear()
        self._ended = 0
        return sent

    async def run(self, arrivals: Sequence[Arrival], drain_s: float) -> tuple[list[Sent], Watcher, float, float]:
        """What was sent, who looked at the processes, when the run began (monotonic), and when its last decision came."""
        watcher, began_at = Watcher(self._stack), time.monotonic() + LEAD_S
        watching = asyncio.create_task(asyncio.to_thread(watcher.start, began_at))
        telling = asyncio.create_task(self._tell(began_at))
        absent = asyncio.create_task(asyncio.to_thread(_take_away, self._stack, self._profile.phases, began_at))
        async with self._sender() as sender:
            sent = await sender.play(arrivals, began_at)
        await asyncio.gather(absent, watching)
        ended_s = self._profile.seconds - (time.monotonic() - began_at)
        await asyncio.sleep(max(0.0, ended_s))
        await self._wait_decided(drain_s)
        drained_s = time.monotonic() - began_at
        telling.cancel()
        await asyncio.to_thread(watcher.close)
        return sent, watcher, began_at, drained_s

    @contextlib.asynccontextmanager
    async def _sender(self):  # noqa: ANN202 - a generator of Sender
        async with Client(LOOPBACK, self._stack.ports.intake) as client:
            yield Sender(
                client,
                self._stack.keys,
                self._material,
                fitting=self._profile.workers == "real",
                on_sent=self._note,
            )

    def _note(self, sent: Sent) -> None:
        self._ended += 1
        if sent.outcome == "accepted" and sent.id is not None:
            self._accepted.add(sent.id)

    async def _wait_decided(self, within_s: float) -> int:
        """How many accepted ones are still undecided."""
        deadline = time.monotonic() + within_s
        while (left := len(self._accepted - self._reader.seen.read_s.keys())) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # another thread reads the decisions: there is no event of this loop to wait for
        return left

    async def _tell(self, began_at: float) -> None:
        while True:
            await asyncio.sleep(0.5)
            decided = len(self._accepted & self._reader.seen.read_s.keys())
            self._told(Tally(time.monotonic() - began_at, self._ended, len(self._accepted), decided))


def _take_away(stack: Stack, phases: Sequence[Phase], began_at: float) -> None:
    """Blocking: at each phase's start what is away in it goes, at its end it comes back."""
    missing = Missing(stack)
    for phase, (from_s, to_s) in zip(phases, spans_of(phases), strict=True):
        if phase.away:
            time.sleep(max(0.0, began_at + from_s - time.monotonic()))
            missing.take(phase.away)
            time.sleep(max(0.0, began_at + to_s - time.monotonic()))
            missing.give_back(phase.away)
