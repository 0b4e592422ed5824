"""The index of clips in memory and on a real Valkey, behind one face, and clips that move as a test says."""

from __future__ import annotations

import numpy as np

from bench.stub_runtime import StubKeys
from realname.keys import KeyProvider, duplicates_secret
from realname.messages import Seen
from workers.clip import Clip
from workers.duplicates.signature import moments_of
from workers.duplicates.tokens import birth_of, entry_of, same_motion

DAY_S = 24 * 3600


class OperatorKeys(StubKeys):
    """As a key file: each operator has a secret of its own."""

    def fingerprint_secret(self, operator: str) -> bytes:
        return operator.encode().ljust(32, b"\0")


class FakeDuplicates:
    """The Duplicates port in memory. silent: Redis does not answer."""

    def __init__(self, keys: KeyProvider | None = None) -> None:
        self.keys = keys or OperatorKeys()
        self.now_s = 0.0
        self.silent = False
        self.born: dict[bytes, float] = {}
        self.held: dict[bytes, tuple[bytes, float]] = {}
        self.marks: dict[bytes, object] = {}
        self.owed = []

    def look(self, operator: str, registration_id: str, media: bytes, clip: Clip) -> Seen:
        secret = duplicates_secret(self.keys, operator)
        entry, birth = entry_of(secret, registration_id, media, motion_of(clip)), birth_of(secret)
        if self.silent:
            self.owed.append((birth, entry))
            return "unavailable"
        for each in self.owed:
            self._ask(*each)
        self.owed = []
        return self._ask(birth, entry)

    def lose_everything(self) -> None:
        self.born, self.held, self.marks = {}, {}, {}

    def _ask(self, birth, entry) -> Seen:
        born = self.born.setdefault(birth, self.now_s)
        file = self._get(entry.file)
        found = [[self.marks[token] for token in spellings if self._get(token)] for spellings in entry.spellings]
        self._keep(entry.file, entry.owner)
        for spellings, mark in zip(entry.spellings, entry.marks, strict=True):
            if self._get(spellings[0]) is None:
                self.marks[spellings[0]] = mark
            self._keep(spellings[0], entry.owner)
        if file is not None and file != entry.owner:
            return "file_seen"
        if same_motion(entry, found):
            return "motion_seen"
        return "new" if self.now_s - born >= DAY_S else "unavailable"

    def _get(self, token: bytes) -> bytes | None:
        owner, until_s = self.held.get(token, (None, 0.0))
        return owner if until_s > self.now_s else None

    def _keep(self, token: bytes, owner: bytes) -> None:
        first = self._get(token)
        if first == owner and token in self.held and len(token) > 8:
            return  # a repeat of the first hand-in of a file keeps it no longer
        self.held[token] = (first or owner, self.now_s + DAY_S)


def motion_of(clip: Clip):
    small = np.stack([clip.gray(index)[:48, :64] for index in range(len(clip))])
    return moments_of(small, clip.at_s)


def moving_clip(seed: int, *, seconds: float = 5.0, rate_hz: float = 12.5, start_s: float = 0.0, gain: float = 1.0) -> Clip:
    """A pattern that is pushed to and fro at random, the same for a seed whatever the rate; frames of 64 x 48.

    start_s: how much is cut off before it. gain: of the contrast.
    """
    rng = np.random.default_rng(seed)
    waves = list(zip(rng.uniform(0.1, 1.2, 8), rng.uniform(0, 6.3, 8), rng.uniform(0.3, 1.2, 8), strict=True))
    at_s = np.arange(0, seconds - start_s, 1 / rate_hz)
    y, x = np.mgrid[0:48, 0:64]
    frames = []
    for time_s in at_s + start_s:
        shift = sum(reach * np.sin(6.28 * rate * time_s + phase) for rate, phase, reach in waves)
        picture = 126 + gain * 60 * np.sin((x + shift) / 5) * np.cos((y + shift / 2) / 7)
        frames.append(np.vstack([picture, np.full((24, 64), 128)]).astype(np.uint8))
    return Clip(planes=np.stack(frames), at_s=at_s, duration_s=float(at_s[-1]), frames_decoded=len(at_s))


def still_clip() -> Clip:
    """Nothing moves but the sensor's noise."""
    rng = np.random.default_rng(1)
    planes = rng.normal(120, 0.6, (60, 72, 64)).astype(np.uint8)
    return Clip(planes=planes, at_s=np.arange(60) / 12, duration_s=59 / 12, frames_decoded=60)
