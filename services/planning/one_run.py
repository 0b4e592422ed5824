"""Plays one load run on one machine, each registration by itself, in discrete events (SimPy). Pure: its draws are seeded.

All processes share the machine's cores. Work is cut into slices, so that a short step does not wait for a whole check; slices
are served in the order in which they were asked for, which is what a fair scheduler comes to.
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


class Path(Struct, frozen=True, kw_only=True):
    """What one registration takes, s. before_s and after_s: CPU of the processes on its way to a worker and back, in order.

    dispatcher_s: CPU of its dispatcher, on each of both ways; a dispatcher does one thing at a time. worker_s: CPU in a
    worker's thread; device_s: the thread waits for a device; beside_s: CPU of others, loader among them, which no one waits
    for; idle_cores: what all processes spend in any case; wait_s: neither CPU nor a queue.
    """

    before_s: tuple[float, ...]
    worker_s: float
    after_s: tuple[float, ...]
    dispatcher_s: float = 0.0
    device_s: float = 0.0
    beside_s: float = 0.0
    idle_cores: float = 0.0
    wait_s: float = 0.0


def play_run(
    run: LoadRun, path: Path, *, seed: int = 1, count_max: int = 20_000, draw: Callable[[float], float] = lambda mean: mean
) -> list[float]:
    """Latency of each registration, s, in order of decision; of the first count_max where the run has more.

    draw: a service time of that mean; as it is where nothing is known of its spread.
    """
    env = simpy.Environment()
    machine = _Machine(env, run, path, draw)

    def arrivals() -> Generator[simpy.Event, Any, None]:
        rng = random.Random(seed)  # noqa: S311 - a simulation's draws
        for _ in range(count_max):
            yield env.timeout(rng.expovariate(run.rate_hz))
            if env.now > run.seconds:
                return
            env.process(machine.registration())
            env.process(machine.work(path.beside_s))

    env.process(arrivals())
    env.run()
    return machine.latencies


class _Machine:
    """Cores, dispatchers and seats of workers, and what is done on them."""

    def __init__(self, env: simpy.Environment, run: LoadRun, path: Path, draw: Callable[[float], float]) -> None:
        self.latencies: list[float] = []
        self._env, self._path, self._draw = env, path, draw
        self._cores = simpy.Resource(env, capacity=run.cores)
        self._dispatchers = simpy.Resource(env, capacity=run.dispatchers)
        self._seats = simpy.Resource(env, capacity=run.workers * run.threads)
        # Idle costs are spread over time: all else takes as much longer as they leave less of the machine.
        self._stretch = 1 / (1 - min(IDLE_SHARE_MAX, path.idle_cores / run.cores))

    def registration(self) -> Generator[simpy.Event, Any, None]:
        """From submission to decision."""
        path, began_s = self._path, self._env.now
        for step_s in path.before_s:
            yield from self.work(step_s)
        yield from self._dispatch()
        with self._seats.request() as seat:
            yield seat
            yield from self.work(path.worker_s)
            yield self._env.timeout(path.device_s)
        yield from self._dispatch()
        for step_s in path.after_s:
            yield from self.work(step_s)
        self.latencies.append(self._env.now - began_s + path.wait_s)

    def work(self, mean_s: float) -> Generator[simpy.Event, Any, None]:
        """CPU, a slice at a time."""
        left = self._draw(mean_s) * self._stretch
        while left > 0:
            piece = min(left, SLICE_S)
            with self._cores.request() as core:
                yield core
                yield self._env.timeout(piece)
            left -= piece

    def _dispatch(self) -> Generator[simpy.Event, Any, None]:
        with self._dispatchers.request() as dispatcher:
            yield dispatcher
            yield from self.work(self._path.dispatcher_s)
