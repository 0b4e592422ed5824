"""Plays a national day in discrete events (SimPy): arrivals, workers that are scaled, an outage. Pure: its draws are seeded.

Registrations move in groups: those of one operator and one second. A day at 200 a second is 17 million, and each by itself
would take minutes and say the same. With tens of servers or more, a registration that finds one free waits for nothing, and
the wait that counts is that of a queue of whole seconds, which groups have in full: first come, first decided within an
operator, and each operator the same share while all wait. What groups lose is less than their second;
tests/unit/planning hold them against one-by-one events and against the fluid closed form.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import simpy
from msgspec import Struct

from services.planning.day import DAY_S, Day
from services.planning.scaling import Scaler, Scaling

STEP_S = 1.0
BIN_S = 60.0
NORMAL_ABOVE = 20.0  # a Poisson draw of a larger mean is drawn as a normal one: its skewness is below 0.23


class Pool(Struct, frozen=True, kw_only=True):
    """Workers: each decides so many a second; path_s: submission to decision where nothing waits. None: all up, never scaled."""

    worker_hz: float
    path_s: float
    workers: int
    scaling: Scaling | None = None


class Minute(Struct, frozen=True, kw_only=True):
    """One bin. arrived and decided in it; waiting and workers at its end. p50_s, p95_s: of what was decided, None: nothing."""

    at_s: float
    arrived: int
    decided: int
    waiting: int
    workers: int
    p50_s: float | None
    p95_s: float | None


class Played(Struct, frozen=True, kw_only=True):
    """A day: its minutes, and of all its registrations the median, 95th percentile and longest latency, s."""

    minutes: tuple[Minute, ...]
    p50_s: float
    p95_s: float
    max_s: float
    waiting_max: int
    undecided: int


@dataclass(slots=True)
class _World:
    """What the processes share. waiting: by operator, groups of (arrived at, count), oldest first."""

    day: Day
    pool: Pool
    rng: random.Random
    ready: int
    waiting: dict[str, deque[tuple[float, int]]]
    counts: dict[str, int]
    owed: float = 0.0  # a part of a registration that the last step had room for
    arrived: int = 0
    latencies: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])  # of this bin
    all_latencies: dict[float, int] = field(default_factory=dict[float, int])
    minutes: list[Minute] = field(default_factory=list[Minute])

    @property
    def undecided(self) -> int:
        return sum(self.counts.values())


def play(
    day: Day, pool: Pool, *, seed: int = 1, until_s: float = DAY_S, tell: Callable[[float], None] = lambda _: None
) -> Played:
    """The day from midnight on. tell: called each bin with the second that was reached."""
    env = simpy.Environment()
    world = _World(
        day=day,
        pool=pool,
        rng=random.Random(seed),  # noqa: S311 - a simulation's draws
        ready=pool.workers if pool.scaling is None else pool.scaling.replicas_min,
        waiting={operator: deque() for operator in day.operators},
        counts=dict.fromkeys(day.operators, 0),
    )
    env.process(_traffic(env, world))
    env.process(_bins(env, world, tell))
    if pool.scaling is not None:
        env.process(_autoscale(env, world, Scaler(pool.scaling)))
    env.run(until=until_s + STEP_S / 2)
    every = sorted(world.all_latencies.items())
    return Played(
        minutes=tuple(world.minutes),
        p50_s=percentile(every, 0.5) or 0.0,
        p95_s=percentile(every, 0.95) or 0.0,
        max_s=every[-1][0] if every else 0.0,
        waiting_max=max((minute.waiting for minute in world.minutes), default=0),
        undecided=world.undecided,
    )


def percentile(weighted: list[tuple[float, int]], share: float) -> float | None:
    """The least value that so much of the weight does not exceed. weighted: (value, count), sorted by value."""
    wanted, seen = share * sum(count for _, count in weighted), 0
    for value, count in weighted:
        seen += count
        if seen >= wanted:
            return value
    return None


def _traffic(env: simpy.Environment, world: _World) -> Generator[simpy.Event, Any, None]:
    """Each second: what arrived in it, then what the workers that are ready decide of what waits."""
    while True:
        at_s = env.now
        mean = world.day.rate_hz(at_s) * STEP_S
        for operator, share in world.day.operators.items():
            count = _poisson(world.rng, mean * share)
            if count:
                world.waiting[operator].append((at_s, count))
                world.counts[operator] += count
                world.arrived += count
        if not world.day.is_out(at_s):
            _serve(world, at_s)
        yield env.timeout(STEP_S)


def _serve(world: _World, at_s: float) -> None:
    """Operators that wait share alike; what one does not need goes to the others (as services/dispatcher/fair_queue.py)."""
    room = world.ready * world.pool.worker_hz * STEP_S + world.owed
    left = int(room)
    while left and (busy := [operator for operator, count in world.counts.items() if count]):
        share = max(1, left // len(busy))
        for operator in busy:
            left -= _take(world, operator, min(share, left), at_s)
    world.owed = room - int(room) if not left else 0.0  # room that nobody wanted is gone


def _take(world: _World, operator: str, limit: int, at_s: float) -> int:
    """Decide up to so many of one operator, oldest first; how many."""
    queue, taken = world.waiting[operator], 0
    while queue and taken < limit:
        arrived_s, count = queue[0]
        now = min(count, limit - taken)
        if now == count:
            queue.popleft()
        else:
            queue[0] = (arrived_s, count - now)
        latency_s = at_s - arrived_s + world.pool.path_s
        world.latencies.append((latency_s, now))
        world.all_latencies[latency_s] = world.all_latencies.get(latency_s, 0) + now
        taken += now
    world.counts[operator] -= taken
    return taken


def _autoscale(env: simpy.Environment, world: _World, scaler: Scaler) -> Generator[simpy.Event, Any, None]:
    """Poll, wish, start or end workers. An ended one is gone at once: it finishes what it holds."""
    wanted = scaler.replicas
    while True:
        yield env.timeout(scaler.scaling.poll_s)
        in_flight = world.ready * world.pool.worker_hz * world.pool.path_s
        running = min(in_flight, world.day.rate_hz(env.now) * world.pool.path_s)
        before, wanted = wanted, scaler.decide(env.now, world.undecided + running)
        if wanted > before:
            env.process(_start(env, world, wanted - before, scaler))
        elif wanted < before:
            world.ready = min(world.ready, wanted)


def _start(env: simpy.Environment, world: _World, count: int, scaler: Scaler) -> Generator[simpy.Event, Any, None]:
    """Workers that are ready after their start; fewer where they are no longer wanted by then."""
    yield env.timeout(scaler.scaling.start_s)
    world.ready = min(world.ready + count, max(scaler.replicas, world.ready))


def _bins(env: simpy.Environment, world: _World, tell: Callable[[float], None]) -> Generator[simpy.Event, Any, None]:
    """Close a bin each minute."""
    while True:
        yield env.timeout(BIN_S)
        found = sorted(world.latencies)
        world.minutes.append(
            Minute(
                at_s=env.now,
                arrived=world.arrived,
                decided=sum(count for _, count in found),
                waiting=world.undecided,
                workers=world.ready,
                p50_s=percentile(found, 0.5),
                p95_s=percentile(found, 0.95),
            )
        )
        world.latencies, world.arrived = [], 0
        tell(env.now)


def _poisson(rng: random.Random, mean: float) -> int:
    """A Poisson draw; by multiplication where the mean is small (Knuth)."""
    if mean > NORMAL_ABOVE:
        return max(0, round(rng.gauss(mean, sqrt(mean))))
    limit, count, product = 2.718281828459045**-mean, 0, rng.random()
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count
