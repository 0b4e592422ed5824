"""Pure: what a clip moves like, in cells that the same recording falls into again after it was encoded anew.

One number a moment, the logarithm of how much the whole frame changes within 0.2 s: no face, no place, no still goes in.
Around each moment that is found again whatever was cut off at the ends (an extremum of that curve or of its slope) the
curve's shape over 2.4 s is quantised. Fragments that anchor themselves are the idea of audio fingerprints (A. Wang, An
industrial-strength audio search algorithm, ISMIR 2003); asking for near cells, too, that of multi-probe hashing (Lv et
al., VLDB 2007). All numbers below were chosen by `python -m bench.duplicates`; see docs/judgement.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 25.0  # of the curve; clips come with 12 to 15 frames a second, and what lies between is interpolated
LAG_S = 0.2  # over which change is measured: blinks last 0.1 to 0.4 s
SMOOTH_S = 0.06  # standard deviation of the smoothing; half a frame's distance
STILL = 0.01  # of the clip's own contrast, added to each change: what codecs make of a frame that stands still
BEFORE_S = 0.4  # of a moment, to both sides: its window
AFTER_S = 2.0
STEP_S = 0.08  # between samples in the window
COEFFICIENTS = 12  # of the window's cosine transform, up to 2.5 Hz; the mean is left out, which is what brightness changes
CELL = 0.25  # a cell's width, in the logarithm; encoding anew moves a coefficient by 0.05 (standard deviation)
NEAR = 5  # coefficients nearest to their cell's edge, whose other side is asked for, too: 32 spellings
PROMINENCE = 0.15  # of an extremum of the curve, in the logarithm
SLOPE_PROMINENCE = 1.2  # of an extremum of its slope, in the logarithm a second
RANGE = 0.6  # of the curve within a window, at least: a still scene says nothing, and all still scenes the same
MOMENTS_MAX = 16  # of one clip, those with the widest range: 1.6 kB of Redis at most


@dataclass(frozen=True, slots=True)
class Moment:
    """One anchored piece of the curve.

    at_s:  of the clip. kind: which extremum it is.
    cells: one a coefficient. beside: coefficient -> the neighbouring cell, for those near their edge.
    """

    at_s: float
    kind: int
    cells: tuple[int, ...]
    beside: dict[int, int]

    def spellings(self) -> list[bytes]:
        """The moment's own first, then what it might have been but for a small change."""
        found: list[bytes] = []
        for chosen in product(*(((index, self.cells[index]), (index, near)) for index, near in self.beside.items())):
            cells = list(self.cells)
            for index, cell in chosen:
                cells[index] = cell
            found.append(np.array([self.kind, *cells], "<i2").tobytes())
        return found


def moments_of(small: NDArray[np.uint8], at_s: NDArray[np.float64]) -> list[Moment]:
    """The moments of a clip, at most MOMENTS_MAX, widest range first; none where little moves or the clip is short.

    small: (T, H, W) luma of small pictures; at_s: (T,) seconds, strictly increasing.
    """
    if at_s[-1] - at_s[0] < LAG_S + BEFORE_S + AFTER_S:
        return []
    curve = curve_of(small, at_s)
    offsets = np.arange(-round(BEFORE_S * RATE_HZ), round(AFTER_S * RATE_HZ) + 1, round(STEP_S * RATE_HZ))
    basis = _cosines(len(offsets))
    found: list[tuple[float, Moment]] = []
    for kind, place in _anchors(curve):
        where = place + offsets
        if where[0] < 0 or where[-1] > len(curve) - 1:
            continue
        window = np.interp(where, np.arange(len(curve)), curve)
        width = float(np.ptp(window))
        if width >= RANGE:
            at = float(at_s[0]) + LAG_S / 2 + place / RATE_HZ
            found.append((width, _quantised(at, kind, basis @ window / CELL)))
    found.sort(key=lambda each: -each[0])
    return [moment for _, moment in found[:MOMENTS_MAX]]


def curve_of(small: NDArray[np.uint8], at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) log of the frame's mean absolute change within LAG_S, at RATE_HZ, from LAG_S / 2 after the first frame on.

    Each frame goes in less its own mean and in units of the clip's contrast: brightness and gain fall out.
    """
    frames = small.reshape(len(small), -1).astype(np.float32)
    frames -= frames.mean(axis=1, keepdims=True)
    frames /= max(float(frames.std()), 1.0)
    times = np.arange(at_s[0] + LAG_S / 2, at_s[-1] - LAG_S / 2 + 1e-9, 1 / RATE_HZ)
    change = np.abs(_between(frames, at_s, times + LAG_S / 2) - _between(frames, at_s, times - LAG_S / 2)).mean(axis=1)
    return _smooth(np.log(change.astype(np.float64) + STILL))


def _between(frames: NDArray[np.float32], at_s: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float32]:
    """Frames at any times, mixed of the two beside each."""
    before = np.clip(np.searchsorted(at_s, times) - 1, 0, len(at_s) - 2)
    share = ((times - at_s[before]) / (at_s[before + 1] - at_s[before]))[:, None].astype(np.float32)
    return (frames[before] + (frames[before + 1] - frames[before]) * share).astype(np.float32)


def _smooth(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    reach = 5
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / RATE_HZ / SMOOTH_S) ** 2)
    return np.convolve(np.pad(curve, reach, mode="edge"), weights / weights.sum(), "valid").astype(np.float64)


def _anchors(curve: NDArray[np.float64]) -> list[tuple[int, float]]:
    """(kind, place): peaks, troughs, steepest rises and falls; places in samples, between them where need be."""
    slope = np.gradient(curve) * RATE_HZ
    ways = ((1, curve, PROMINENCE), (2, -curve, PROMINENCE), (3, slope, SLOPE_PROMINENCE), (4, -slope, SLOPE_PROMINENCE))
    return [(kind, place) for kind, values, least in ways for place in _peaks(values, least)]


def _peaks(values: NDArray[np.float64], prominence: float) -> list[float]:
    """Local maxima that stand out by so much from the higher one of the valleys to both sides."""
    inner = (values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])
    found: list[float] = []
    for index in np.flatnonzero(inner) + 1:
        top = values[index]
        higher_before = np.flatnonzero(values[:index] > top)
        higher_after = np.flatnonzero(values[index + 1 :] > top)
        start = higher_before[-1] + 1 if len(higher_before) else 0
        stop = index + 1 + higher_after[0] if len(higher_after) else len(values)
        valley = max(float(values[start : index + 1].min()), float(values[index:stop].min()))
        if top - valley >= prominence:
            found.append(float(index) + _between_samples(*values[index - 1 : index + 2]))
    return found


def _between_samples(before: float, top: float, after: float) -> float:
    """Where a parabola through three samples peaks, in -0.5..0.5 from the middle one."""
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _cosines(count: int) -> NDArray[np.float64]:
    """(COEFFICIENTS, count): the first rows of the orthonormal cosine transform (DCT-II) but its mean."""
    order = np.arange(1, COEFFICIENTS + 1)[:, None]
    return np.sqrt(2 / count) * np.cos(np.pi * (np.arange(count) + 0.5) * order / count)


def _quantised(at_s: float, kind: int, values: NDArray[np.float64]) -> Moment:
    """values: (COEFFICIENTS,) in cells."""
    cells = np.round(values).astype(int)
    rest = values - cells
    near = np.argsort(-np.abs(rest))[:NEAR]
    beside = {int(index): int(cells[index] + (1 if rest[index] > 0 else -1)) for index in near}
    return Moment(at_s, kind, tuple(int(cell) for cell in cells), beside)
