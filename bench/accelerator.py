"""A simulated accelerator: one device that a model call holds for a time, and decoder cores that only wait.

What it cannot say: what inference and decoding cost in CPU. What it says: what everything around them costs, at rates that a
few cores could never infer at. Its waits are a cost model, not a measurement of any device.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily

from bench.simulated_device import SimulatedDevice
from bench.stub_runtime import StubJudged, StubJudges
from models.batcher import Batcher, BatchLimits, Observes, observe_nothing
from models.device import Took, Turns, tell_nobody
from realname.messages import Challenge, MatchReport

MS = 1e-3
STAND_IN_CPU = "bench_stand_in_cpu_seconds"


class Ask(NamedTuple):
    """One model asked for so many items, as one stage of one registration does."""

    model: str
    items: int


# Items of the reference clip and its portrait; source: README, "One whole check, CPU by step". The real stage asks for
# landmarks frame by frame; here each model is asked once a stage, so a registration's own calls are fewer and wait less.
LIVENESS_ASKS = (Ask("detector", 12), Ask("landmarks", 63), Ask("spoof", 5))
MATCHING_ASKS = (Ask("detector", 1), Ask("landmarks", 1), Ask("embedder", 4))
MODELS = tuple(sorted({ask.model for ask in (*LIVENESS_ASKS, *MATCHING_ASKS)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """What is waited for instead of done.

    call_ms, item_ms:  of one model call, and of each item in it; issue 5 of this project names 3 and 0.05.
    clip_ms, portrait_ms: of one decoder core; about what the reference clip takes (README).
    decoders:          cores that decode.
    batch_max:         items of a call; wait_ms: how long the first waits for company.
    slow_share, slow_ms: so many stages take so much longer.
    """

    call_ms: float = 3.0
    item_ms: float = 0.05
    clip_ms: float = 60.0
    portrait_ms: float = 10.0
    decoders: int = 16
    batch_max: int = 64
    wait_ms: float = 2.0
    slow_share: float = 0.0
    slow_ms: float = 0.0

    def call_s(self, items: int) -> float:
        """Seconds that one model call holds the device."""
        return (self.call_ms + self.item_ms * items) * MS

    def device_s(self, asks: Sequence[Ask]) -> float:
        """Seconds of the device that these take, where every call is full."""
        items = sum(ask.items for ask in asks)
        return (self.call_ms / self.batch_max + self.item_ms) * items * MS

    @property
    def rate_max_hz(self) -> float:
        """Registrations a second beyond which the device or the decoders are the limit, whatever stands around them."""
        decoding_s = (self.clip_ms + self.portrait_ms) * MS / self.decoders
        return 1 / max(self.device_s((*LIVENESS_ASKS, *MATCHING_ASKS)), decoding_s)

    def slow_s(self, chance: random.Random) -> float:
        """Seconds that one stage takes longer."""
        return self.slow_ms * MS if chance.random() < self.slow_share else 0.0


class StandInCpu:
    """CPU of the simulation itself, over all threads: of waiting for a decoder and for a device, and of reports made up.

    A real check's is what bench.steps measures. Batchers and turns are the product's (models/), and no part of that, since on a
    CPU models run without them: they stay with their worker. Safe for many threads.
    """

    def __init__(self) -> None:
        self._by_thread: dict[int, float] = {}

    @contextmanager
    def counted(self) -> Generator[None]:
        """What this thread uses meanwhile."""
        began_s = time.thread_time()
        try:
            yield
        finally:
            own = threading.get_ident()
            self._by_thread[own] = self._by_thread.get(own, 0.0) + time.thread_time() - began_s

    @property
    def total_s(self) -> float:
        """Seconds of CPU."""
        return sum([*self._by_thread.values()])  # a copy in one step: other threads write

    def collect(self) -> Iterator[CounterMetricFamily]:
        """For a registry of prometheus_client."""
        yield CounterMetricFamily(STAND_IN_CPU, "CPU that the simulation itself uses", value=self.total_s)


class Accelerator:
    """The models' batchers in front of one device, which they use in turns as real ones do. Safe for many threads."""

    def __init__(self, cost: CostModel, cpu: StandInCpu, observe: Observes = observe_nothing, took: Took = tell_nobody) -> None:
        """Starts a thread a model. observe: told of each call; took: of how long the device was busy."""
        limits = BatchLimits(items_max=cost.batch_max, wait_s=cost.wait_ms * MS, queued_max=16 * 1024)
        turns = Turns(took)
        self.device = SimulatedDevice(call_s=cost.call_ms * MS, item_s=cost.item_ms * MS, batch_max=cost.batch_max)

        def run(items: Sequence[int]) -> Sequence[int]:
            with cpu.counted():
                return self.device.run(items)

        self._batchers = {name: Batcher[int, int](name, run, limits=limits, observe=observe, turns=turns) for name in MODELS}

    def ask(self, asks: Sequence[Ask]) -> None:
        """One after the other, as a stage does: each needs what the one before it found.

        What a stage asks of a model is one entry of its queue: an entry for each item took 3 ms of CPU a registration more,
        which no device takes and which stood in the way of higher rates.
        """
        for ask in asks:
            self._batchers[ask.model].run([ask.items])

    def close(self) -> None:
        """End the threads."""
        with ExitStack() as undo:
            for batcher in self._batchers.values():
                undo.callback(batcher.close)


class WaitingDecoder:
    """The Decodes port: a core of the pool is held for a time, and the recording is its own picture."""

    def __init__(self, cost: CostModel, cpu: StandInCpu) -> None:
        self._cost = cost
        self._cpu = cpu
        self._cores = threading.BoundedSemaphore(cost.decoders)

    def decode_clip(self, media: bytes, process_hz: float) -> Any:  # noqa: ARG002 - the port's
        """Whatever was unsealed, as it is."""
        return self._held(media, self._cost.clip_ms)

    def decode_portrait(self, media: bytes) -> Any:
        """Likewise."""
        return self._held(media, self._cost.portrait_ms)

    def _held(self, media: bytes, ms: float) -> str:
        assert media, "the vault gave an empty object"
        with self._cpu.counted(), self._cores:
            time.sleep(ms * MS)
        return "clip"  # no word that the stub judges know


class AcceleratorJudges:
    """The Judges port: asks the accelerator as the real stages ask their models, then reports what a stub reports."""

    def __init__(self, accelerator: Accelerator, cost: CostModel, cpu: StandInCpu, reports: StubJudges) -> None:
        """reports: what is said of each clip, with its chips; it should not wait by itself."""
        self._cpu = cpu
        self._accelerator = accelerator
        self._cost = cost
        self._reports = reports
        self._chance = random.Random()

    @property
    def process_hz(self) -> float:
        """As the policy's."""
        return self._reports.process_hz

    def liveness(self, clip: Any, challenge: Challenge) -> StubJudged:
        """clip: as WaitingDecoder gives it."""
        self._accelerator.ask(LIVENESS_ASKS)
        with self._cpu.counted():
            time.sleep(self._cost.slow_s(self._chance))
            return self._reports.liveness(clip, challenge)

    def match(self, portrait: Any, chips: Sequence[bytes]) -> MatchReport:
        """chips: as liveness gave them, sealed and opened on the way."""
        self._accelerator.ask(MATCHING_ASKS)
        with self._cpu.counted():
            time.sleep(self._cost.slow_s(self._chance))
            return self._reports.match(portrait, chips)
