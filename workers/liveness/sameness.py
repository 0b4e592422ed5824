"""Pure: whether the recording shows one picture of the face for a while, or shows it again.

Of each frame the finest details of the aligned face are compared with those of other frames. A face that lives drifts: its
details at half a second differ more than those at a sixth, however still it is held and whatever the encoder adds. A
picture that is held does not drift, under grain and shake as well; and one that comes again is more alike than
neighbours are. Figures: docs/judgement.md, "A face that is flat, or does not live".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.liveness.repeats import sums_along

WINDOW_S = 0.8
NEAR_S, FAR_S = 0.16, 0.45  # between two frames that are compared: within the time of a movement, and beyond it
AGAIN_AFTER_S = 0.25  # sooner is no loop: the person has not moved yet
ALIKE_MIN = 0.988  # far apart; else the face moved, and nothing was held. Genuine: .993 at most
# What an encoder at its best leaves between two frames of one picture (held ones .0001-.004): less is no measure of drift.
FLOOR = 0.0025
MOVED_MIN = 0.01  # of neighbours: where less changes, a still person is as alike later as now
FRAMES_MIN = 6
UNKNOWN_MAX = 0.5  # of a stretch's pairs: whoever hides the face in one frame of five must not hide the rest by it
SMALLEST = 1e-6

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sameness:
    """What differs least.

    drift:  how much more the face changes in half a second than in a sixth, over the stretch that drifts least; None where
            it moves all the time. About 1 of a held picture; 1.7 and more of living faces.
    again:  how much less a stretch and its repetition differ than neighbours do; None where too little moves.
            About 0 of a loop, .6 and more of living faces.
    """

    drift: float | None
    again: float | None


def sameness_of(details: Floats, at_s: NDArray[np.float64]) -> Sameness:
    """details: (T, d), of each frame, as of chips.core_details, NaN where no face was seen. at_s: (T,) s, about even."""
    if len(at_s) <= FRAMES_MIN:
        return Sameness(None, None)
    step_s = float(np.median(np.diff(at_s)))
    window = max(FRAMES_MIN, round(WINDOW_S / step_s))
    unit = details / np.maximum(np.linalg.norm(details, axis=1, keepdims=True), SMALLEST)
    apart = 1 - unit @ unit.T  # 0 the same .. about 1 unrelated
    return Sameness(_least_drift(apart, window, step_s), _most_alike_again(apart, window, step_s))


def _least_drift(apart: Floats, window: int, step_s: float) -> float | None:
    near, far = max(1, round(NEAR_S / step_s)), max(2, round(FAR_S / step_s))
    early, late = np.triu_indices(window, far)
    starts = np.arange(len(apart) - window + 1)[:, None]
    if not len(starts) or not len(early):
        return None
    far_apart = _medians(apart[starts + early, starts + late])
    neighbours = np.arange(window - near)
    near_apart = _medians(apart[starts + neighbours, starts + neighbours + near])
    alike = (far_apart <= 1 - ALIKE_MIN) & ~np.isnan(near_apart)  # False where too little was seen
    return float((far_apart[alike] / np.maximum(near_apart[alike], FLOOR)).min()) if alike.any() else None


def _most_alike_again(apart: Floats, window: int, step_s: float) -> float | None:
    means = _means_along(apart, window)  # of the stretches that begin at each two frames
    moved = np.diagonal(means, 1)  # of the stretch that begins at each frame
    first, second = np.triu_indices(len(moved), max(2, round(AGAIN_AFTER_S / step_s)) - 1)  # second: one before the later stretch
    livelier, differ = np.maximum(moved[first], moved[second]), means[first, second + 1]
    moving = (livelier >= MOVED_MIN) & ~np.isnan(differ)  # False where too little was seen
    return float((differ[moving] / livelier[moving]).min()) if moving.any() else None


def _medians(values: Floats) -> Floats:
    """(n, m) -> (n,): of what is known of each row; NaN where that is less than half."""
    unknown = np.isnan(values)
    if not unknown.any():
        return np.median(values, axis=1)
    enough = unknown.mean(axis=1) <= UNKNOWN_MAX
    found = np.full(len(values), np.nan, values.dtype)
    found[enough] = np.nanmedian(values[enough], axis=1)
    return found


def _means_along(apart: Floats, window: int) -> Floats:
    """As sums_along, the means of what is known; NaN where that is less than half."""
    known = ~np.isnan(apart)
    counts = sums_along(known.astype(np.float32), window)
    sums = sums_along(np.where(known, apart, np.float32(0)), window)
    return np.where(counts >= (1 - UNKNOWN_MAX) * window, sums / np.maximum(counts, 1), np.float32(np.nan))
