"""Whole checks on a device, as a worker makes them: many registrations at once, batchers in turns, decoding beside or before."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import structs

from bench import media
from bench.steps import REFERENCE, SIZE
from models.device import Turns
from models.registry import Models, load
from realname.policy import Policy, load_policy
from realname.settings import Fetch, Worker, read_settings
from workers.check import check
from workers.clip import Clip
from workers.decoder.limits import limits_of
from workers.decoder.pool import Decoder
from workers.decoder.process import Cause
from workers.runtime import Decodes


class Recorded(NamedTuple):
    """The reference clip and another picture of its person."""

    clip: bytes
    portrait: bytes


class Checked(NamedTuple):
    """Of one run.

    checks_per_s: of this process. busy: share of the time in which a model had the device; 0 on a CPU, which has no turns.
    host_cores:   CPU of this process, all threads, as cores: what is spent beside the device, one GIL's at most mostly.
    mean_batch:   items a call, by model. decode_cpu_s: of one registration, clip and portrait, in decoder children.
    """

    checks_per_s: float
    busy: float
    host_cores: float
    mean_batch: dict[str, float]
    decode_cpu_s: float

    @property
    def decode_cores_per_device(self) -> float:
        """Cores that decode for one device which works all the time."""
        return self.decode_cpu_s * self.checks_per_device_s

    @property
    def checks_per_device_s(self) -> float:
        """What the device would do if it never waited for a host; the rate itself where nobody measured how busy it was."""
        return self.checks_per_s / self.busy if self.busy else self.checks_per_s

    @property
    def processes_per_device(self) -> float:
        """Worker processes like this one that keep one device busy."""
        return 1 / self.busy if self.busy else 1.0


@dataclass(slots=True)
class Batches:
    """The batchers' observer."""

    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    items: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def seen(self, model: str, size: int, *, waited_s: float, ran_s: float) -> None:
        """One call. Each model has a thread of its own, so nothing is lost."""
        del waited_s, ran_s
        self.calls[model] += 1
        self.items[model] += size

    def means(self) -> dict[str, float]:
        """Items a call."""
        return {model: self.items[model] / calls for model, calls in self.calls.items()}


class Before:
    """A decoder whose work is done: every thread gets the same frames."""

    def __init__(self, clip: Clip, portrait: Any) -> None:
        self._clip, self._portrait = clip, portrait

    def decode_clip(self, media: bytes, process_hz: float) -> Clip:  # noqa: ARG002 - as the port says
        """A new Clip each time: what is kept in one belongs to one registration."""
        return Clip(self._clip.planes, self._clip.at_s, self._clip.duration_s, self._clip.frames_decoded)

    def decode_portrait(self, media: bytes) -> Any:  # noqa: ARG002 - as the port says
        """As the real one."""
        return self._portrait


def recorded() -> Recorded:
    """Cut now from a registry clip."""
    folder = Path(read_settings(Fetch).media_dir)
    return Recorded(media.cut(folder, REFERENCE, SIZE), media.frame_as_portrait(folder, *media.B_PORTRAIT))


def decoded_before(settings: Worker, given: Recorded, policy: Policy) -> tuple[Before, float]:
    """The frames, and what decoding both took, in CPU seconds."""
    costs: list[float] = []
    with _decoder(settings, children=1, costs=costs) as decoder:
        for _ in range(3):  # the first warms the child
            clip = decoder.decode_clip(given.clip, policy.clip.process_hz_min)
            portrait = decoder.decode_portrait(given.portrait).copy()
    return Before(clip, portrait), costs[-1] + costs[-2]


def run(settings: Worker, given: Recorded, *, seconds: float, decode: bool) -> Checked:
    """settings.threads registrations at once for so long; decode: in settings.decoders children beside, or done before.

    Raises DeviceMissing.
    """
    policy, batches, turns_s, costs = load_policy("development"), Batches(), list[float](), list[float]()
    ready, decode_cpu_s = decoded_before(settings, given, policy)
    models = load(structs.replace(settings, device_fallback="none"), batches.seen, Turns(turns_s.append))
    try:
        if not decode:
            return _measured(settings, given, (ready, models, policy), seconds, batches, turns_s, decode_cpu_s)
        with _decoder(settings, children=settings.decoders, costs=costs) as decoder:
            decoder.decode_portrait(given.portrait)
            return _measured(settings, given, (decoder, models, policy), seconds, batches, turns_s, decode_cpu_s)
    finally:
        models.close()


@contextmanager
def _decoder(settings: Worker, *, children: int, costs: list[float]) -> Iterator[Decoder]:
    decoder = Decoder(
        limits_of(settings),
        children=children,
        died=_died,
        decoded=lambda cost: costs.append(cost.cpu_s),
        clips_max=settings.decoded_max or settings.threads,
    )
    try:
        yield decoder
    finally:
        decoder.close()


def _died(cause: Cause) -> None:
    raise AssertionError(f"a decoder died: {cause}")


def _measured(
    settings: Worker,
    given: Recorded,
    tools: tuple[Decodes, Models, Policy],
    seconds: float,
    batches: Batches,
    turns_s: list[float],
    decode_cpu_s: float,
) -> Checked:
    decoder, models, policy = tools
    done: list[int] = []
    turns_s.clear()
    started_s, spent_s = time.monotonic(), time.process_time()

    def judge() -> None:
        while time.monotonic() < started_s + seconds:
            check(given.portrait, given.clip, None, policy=policy, models=models, decoder=decoder, at=datetime.now(UTC))
            done.append(1)

    with ThreadPoolExecutor(settings.threads) as pool:
        for judged in [pool.submit(judge) for _ in range(settings.threads)]:
            judged.result()
    took_s = time.monotonic() - started_s
    return Checked(
        checks_per_s=len(done) / took_s,
        busy=sum(turns_s) / took_s,
        host_cores=(time.process_time() - spent_s) / took_s,
        mean_batch=batches.means(),
        decode_cpu_s=decode_cpu_s,
    )
