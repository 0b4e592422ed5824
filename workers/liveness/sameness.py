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

WINDOW_S = 0.8
NEAR_S, FAR_S = 0.16, 0.45  # between two frames that are compared: within the time of a movement, and beyond it
AGAIN_AFTER_S = 0.25  # sooner is no loop: the person has not moved yet
ALIKE_MIN = 0.988  # far apart; else the face moved, and nothing was held. Genuine: .993 at most
# What an encoder at its best leaves between two frames of one picture (held ones .0001-.004): less is no measure of drift.
FLOOR = 0.0025
MOVED_MIN = 0.01  # of neighbours: where less changes, a still person is as alike later as now
FRAMES_MIN = 6
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
    far_apart = np.median(apart[starts + early, starts + late], axis=1)
    neighbours = np.arange(window - near)
    near_apart = np.median(apart[starts + neighbours, starts + neighbours + near], axis=1)
    alike = far_apart <= 1 - ALIKE_MIN  # False where one was not seen
    return float((far_apart[alike] / np.maximum(near_apart[alike], FLOOR)).min()) if alike.any() else None


def _most_alike_again(apart: Floats, window: int, step_s: float) -> float | None:
    count = len(apart)
    moved = _means(np.diagonal(apart, 1), window)  # of the stretch that begins at each frame
    least: float | None = None
    for lag in range(max(2, round(AGAIN_AFTER_S / step_s)), count - window):
        differ = _means(np.diagonal(apart, lag), window)
        own = moved[: len(differ)]
        livelier = np.maximum(own, moved[lag - 1 : lag - 1 + len(differ)])
        moving = livelier >= MOVED_MIN  # False where one was not seen
        if moving.any():
            alike = float((differ[moving] / livelier[moving]).min())
            least = alike if least is None else min(least, alike)
    return least


def _means(values: Floats, window: int) -> Floats:
    return np.convolve(values, np.full(window, 1 / window, np.float32), "valid")
