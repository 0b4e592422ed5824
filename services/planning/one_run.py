"""Plays one load run on one machine, each registration by itself, in discrete events (SimPy). Pure: its draws are seeded.

All processes share the machine's cores. Work is cut into slices, so that a short step does not wait for a whole check; slices
are served in the order in which they were asked for, which is what a fair scheduler comes to.

Latencies spread for three reasons, none of them a service time's own: a registration passes its dispatcher twice, each time at
the end of a turn that began whenever; Kafka's CPU comes in bursts, most of them while it is cold; and small waits are drawn.
"""

# pyright: reportUnknownVariableType=false
# (SimPy's `with resource.request() as turn` is generic without a bound)

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from typing import Annotated, Any

import simpy
from msgspec import Meta, Struct

from services.planning.day import Rate

SLICE_S = 0.010  # of the order of a Linux time slice under load
COLD_S = 30.0  # for so long after the start Kafka costs more; source: its cores by quarters of a minute, docs/capacity.md
IDLE_SHARE_MAX = 0.95  # of the cores, which idle costs may take; beyond it nothing would ever end
Count = Annotated[int, Meta(ge=1)]


class LoadRun(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run of `bench.load` at a steady rate: Poisson arrivals for seconds. threads: of each worker.

    simulated: the workers sleep by a cost model instead of inferring, so a check costs no CPU.
    """

    rate_hz: Rate
    seconds: Annotated[float, Meta(gt=0)] = 300.0
    cores: Count = 2
    dispatchers: Count = 2
    workers: Count = 1
    threads: Count = 4
    simulated: bool = True


class Bursts(Struct, frozen=True, kw_only=True):
    """CPU that comes in pieces of burst_s and that no one waits for: cores on average, and warm_up_s more within COLD_S."""

    burst_s: float
    cores: float
    warm_up_s: float = 0.0

    def rate_hz(self, at_s: float) -> float:
        """Pieces a second at an instant."""
        return (self.cores + (self.warm_up_s / COLD_S if at_s < COLD_S else 0.0)) / self.burst_s


class Path(Struct, frozen=True, kw_only=True):
    """What one registration takes, s. before_s and after_s: CPU of the processes on its way to a worker and back, in order.

    dispatcher_s: CPU of its dispatcher, on each of both ways; a dispatcher does one thing at a time, in turns: for turn_s it
    takes in what comes, then it does what came. commit_s: CPU of Kafka for each decision, which the dispatcher waits for.
    worker_s: CPU in a worker's thread; device_s: the thread waits for a device; beside_s: CPU of others, loader among them,
    which no one waits for; idle_cores: what all processes spend in any case, evenly; bursts: what they spend unevenly;
    wait_s: neither CPU nor a queue nor a turn, half of it before the dispatcher and half after it. Of it only the mean is
    known, so each half is drawn exponentially.
    """

    before_s: tuple[float, ...]
    worker_s: float
    after_s: tuple[float, ...]
    dispatcher_s: float = 0.0
    turn_s: float = 0.0
    commit_s: float = 0.0
    device_s: float = 0.0
    beside_s: float = 0.0
    idle_cores: float = 0.0
    bursts: Bursts | None = None
    wait_s: float = 0.0


def play_run(
    run: LoadRun, path: Path, *, seed: int = 1, count_max: int = 20_000, draw: Callable[[float], float] = lambda mean: mean
) -> list[float]:
    """Latency of each registration, s, in order of decision; of the first count_max where the run has more.

    draw: a service time of that mean; as it is where nothing is known of its spread.
    """
    env = simpy.Environment()
    machine = _Machine(env, run, path, draw=draw, seed=seed)

    def arrivals() -> Generator[simpy.Event, Any, None]:
        rng = random.Random(seed)  # noqa: S311 - a simulation's draws
        for _ in range(count_max):
            yield env.timeout(rng.expovariate(run.rate_hz))
            if env.now > run.seconds:
                break
            env.process(machine.registration())
            env.process(machine.work(path.beside_s))
        machine.is_over = True

    env.process(arrivals())
    if path.bursts is not None:
        env.process(machine.burst(path.bursts))
    env.run()
    return machine.latencies


class _Machine:
    """Cores, dispatchers and seats of workers, and what is done on them."""

    def __init__(self, env: simpy.Environment, run: LoadRun, path: Path, *, draw: Callable[[float], float], seed: int) -> None:
        self.latencies: list[float] = []
        self.is_over = False
        self._env, self._path, self._draw = env, path, draw
        # A stream for each, so that a change of one leaves the others' draws as they were.
        self._waits, self._bursts, turns = (random.Random(f"{seed}, {of}") for of in ("waits", "bursts", "turns"))  # noqa: S311
        self._cores = simpy.Resource(env, capacity=run.cores)
        self._dispatchers = [_Dispatcher(env, path, self.work, turns) for _ in range(run.dispatchers)]
        self._seats = simpy.Resource(env, capacity=run.workers * run.threads)
        # Idle costs are spread over time: all else takes as much longer as they leave less of the machine.
        self._stretch = 1 / (1 - min(IDLE_SHARE_MAX, path.idle_cores / run.cores))

    def registration(self) -> Generator[simpy.Event, Any, None]:
        """From submission to decision."""
        path, began_s = self._path, self._env.now
        dispatcher = self._waits.choice(self._dispatchers)  # its partition's
        first_s, last_s = (self._waits.expovariate(1.0) * path.wait_s / 2 for _ in range(2))
        yield self._env.timeout(first_s)
        for step_s in path.before_s:
            yield from self.work(step_s)
        yield dispatcher.turn(is_decided=False)
        with self._seats.request() as seat:
            yield seat
            yield from self.work(path.worker_s)
            yield self._env.timeout(path.device_s)
        for step_s in path.after_s:
            yield from self.work(step_s)
        yield self._env.timeout(last_s)
        yield dispatcher.turn(is_decided=True)
        self.latencies.append(self._env.now - began_s)

    def burst(self, bursts: Bursts) -> Generator[simpy.Event, Any, None]:
        """Pieces at random instants, for as long as registrations come."""
        most_hz = bursts.rate_hz(0.0)
        while most_hz and not self.is_over:
            yield self._env.timeout(self._bursts.expovariate(most_hz))
            if self._bursts.random() * most_hz < bursts.rate_hz(self._env.now):
                self._env.process(self.work(bursts.burst_s / self._stretch))

    def work(self, mean_s: float) -> Generator[simpy.Event, Any, None]:
        """CPU, a slice at a time."""
        left = self._draw(mean_s) * self._stretch
        while left > 0:
            piece = min(left, SLICE_S)
            with self._cores.request() as core:
                yield core
                yield self._env.timeout(piece)
            left -= piece


class _Dispatcher:
    """Turn after turn, as services/dispatcher/loop.py: what came is started, what is decided goes out as one transaction."""

    def __init__(
        self, env: simpy.Environment, path: Path, work: Callable[[float], Generator[simpy.Event, Any, None]], draws: random.Random
    ) -> None:
        self._env, self._path, self._work, self._draws = env, path, work, draws
        self._came: list[tuple[bool, simpy.Event]] = []
        self._under_way = 0  # started and not decided: with none a record ends the wait at once, as IDLE_S there
        self._anything = env.event()
        env.process(self._turns())

    def turn(self, *, is_decided: bool) -> simpy.Event:
        """Happens when it was started, or when its decision is out."""
        done = self._env.event()
        self._came.append((is_decided, done))
        if not self._anything.triggered:
            self._anything.succeed()
        return done

    def _turns(self) -> Generator[simpy.Event, Any, None]:
        ends_s = 0.0  # the turn that began when the last one's work was done
        while True:
            yield self._anything
            # Where turns that brought nothing stand is anybody's guess; simulated, they would march in step with the device.
            anywhere_s = self._draws.random() * self._path.turn_s if self._under_way else 0.0
            yield self._env.timeout(max(ends_s - self._env.now, 0.0) or anywhere_s)
            came, self._came, self._anything = self._came, [], self._env.event()
            yield from self._work(self._path.dispatcher_s * len(came))
            for is_decided, done in came:
                if not is_decided:
                    done.succeed()
            decided = [done for is_decided, done in came if is_decided]
            self._under_way += len(came) - 2 * len(decided)
            yield from self._work(self._path.commit_s * len(decided))
            for done in decided:
                done.succeed()
            ends_s = self._env.now + self._path.turn_s
