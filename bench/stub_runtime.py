"""A worker without vault, decoder and models, but with the real tasks, wire and recovery. For load and kill tests.

What a stub stage does is said by the last part of the blob's key (see Word), so that a test steers it from outside and
nothing in the worker knows of it: `north/<id>/sleep-1500`. A key that ends in anything else is served by Service.
"""

# ruff: noqa: ARG002 - a stub looks at less than its port offers
from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec.structs import replace

from realname.calibration import load_calibration
from realname.errors import BadRecording, EvidenceMissing, Transient
from realname.keys import WrappedKey
from realname.messages import ActionTrace, BlobRef, Challenge, LivenessReport, MatchReport, Seen
from realname.metrics import Metrics
from realname.policy import load_policy
from realname.reasons import Reason
from workers.observing import Observing
from workers.process import Body
from workers.runtime import Judges, Runtime
from workers.timing import Timing

CHIP = bytes(range(256)) * 100  # 25.6 kB: what a packed face takes


class StubJudged(NamedTuple):
    """As a live person would be measured."""

    report: LivenessReport
    chips: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Service:
    """How long a stub stage takes: exponential with mean_s, but slow_s for a share of slow_share."""

    mean_s: float = 0.0
    slow_s: float = 0.0
    slow_share: float = 0.0

    def draw_s(self, chance: random.Random) -> float:
        """Seconds of one stage."""
        if chance.random() < self.slow_share:
            return self.slow_s
        return chance.expovariate(1 / self.mean_s) if self.mean_s else 0.0


class StubVault:
    """Holds nothing, and gives each object's key as its content. `gone` and `silent` are its own words."""

    def get(self, blob: BlobRef, *, operator: str, registration_id: str, kind: str) -> bytes:
        """Only the key is looked at."""
        word = blob.key.rpartition("/")[2]
        if word == "gone":
            raise EvidenceMissing("gone")
        if word == "silent":
            raise Transient("the vault did not answer")
        return blob.key.encode()


SPOOF = load_policy("production").pad.model
EMBEDDER = load_calibration("lfw-fr-feature").embedder  # else decide() would not trust the similarity


class StubDecoder:
    """The recording is its own picture. `unreadable` is its word."""

    def decode_clip(self, media: bytes, process_hz: float) -> Any:
        """The key, as the vault gave it."""
        if media.endswith(b"/unreadable"):
            raise BadRecording(Reason.CLIP_UNREADABLE)
        return media.decode()

    def decode_portrait(self, media: bytes) -> Any:
        """The key, as the vault gave it."""
        if media.endswith(b"/unreadable"):
            raise BadRecording(Reason.PORTRAIT_UNREADABLE)
        return media.decode()


class StubJudges:
    """Sleeps and finds everything in order. Its words: kill, kill-<ms> (after so long), hang, bug, sleep-<ms>."""

    def __init__(self, service: Service, chips: Sequence[bytes] = (CHIP, CHIP)) -> None:
        """chips: what liveness hands on, of every clip."""
        self._service = service
        self._chips = chips
        self._chance = random.Random()

    @property
    def process_hz(self) -> float:
        """As the policy's."""
        return 12.0

    def liveness(self, clip: Any, challenge: Challenge) -> StubJudged:
        """clip: the key."""
        self._act(str(clip))
        met = tuple(ActionTrace(action=action, seen=True) for action in challenge.actions)
        report = LivenessReport(pad_live=0.97, pad_frames=7, parallax=0.2, yaw_range_deg=25.0, actions=met, seen_before="new")
        report = replace(report, turn_width=0.98, turned_s=0.9, face_leap=0.15)
        return StubJudged(replace(report, models={"spoof": SPOOF}), self._chips)

    def match(self, portrait: Any, chips: Sequence[bytes]) -> MatchReport:
        """portrait: the key."""
        self._act(str(portrait))
        return MatchReport(similarity=0.7, copy_correlation=0.4, models={"embedder": EMBEDDER})

    def _act(self, key: str) -> None:
        word = key.rpartition("/")[2]
        if word == "hang":
            time.sleep(3600)
        if word == "bug":
            raise RuntimeError("a stub's bug")
        asked = re.fullmatch(r"(kill|sleep)(?:-(\d+))?", word)
        time.sleep(int(asked[2] or 0) / 1000 if asked else self._service.draw_s(self._chance))
        if asked and asked[1] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)


class StubDuplicates:
    """Has seen nothing, and remembers nothing."""

    def look(self, operator: str, registration_id: str, media: bytes, clip: Any) -> Seen:
        """clip: the key."""
        return "new"


class StubKeys:
    """One key for everyone, the same in each process: a chip sealed by one worker opens in another."""

    def wrap(self, operator: str, data_key: bytes) -> WrappedKey:
        """As long as a real one."""
        return WrappedKey(f"{operator}-stub", data_key + bytes(28))

    def unwrap(self, operator: str, wrapped: WrappedKey) -> bytes:
        """The data key as it was."""
        return wrapped.wrapped[:32]

    def fingerprint_secret(self, operator: str) -> bytes:
        """Nobody's."""
        return bytes(32)


def stub_runtime(body: Body, metrics: Metrics, *, judges: Judges, timing: Timing) -> Runtime:
    """judges: StubJudges, or a simulated accelerator of the caller's. Replace further fields by dataclasses.replace."""
    return Runtime(
        vault=StubVault(),
        keys=StubKeys(),
        decoder=StubDecoder(),
        judges=judges,
        duplicates=StubDuplicates(),
        scratch=body.scratch,
        observing=Observing(metrics),
        watchdog=body.watchdog,
        vitals=body.vitals,
        judges_with=lambda _: judges,
        pause=body.pause,
        timing=timing,
    )
