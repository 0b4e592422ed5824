"""Pure: whether the face stands still as no living one does: a picture that is held.

A face moves in itself all the time: what is left of its landmarks' movement when the best affine map is taken out of it.
Whole-picture stillness says nothing: encoders skip blocks that hardly change.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.geometry import SMALLEST, eye_distance_px

LAG_S = 0.16  # between two compared frames: longer than between two neighbours, so that movement outweighs their noise
WINDOW_S = 1.0
QUANTILE = 0.9  # of the window: a stretch is only as still as its liveliest moments, single outliers aside
FRAMES_MIN = 6  # in a window
Floats = NDArray[np.float64]

MOVING = [*range(17, 36), *range(48, 68)]  # brows, nose, mouth. No eyes: lids are painted, holes are cut; no outline: hair


def stillness_of(points: NDArray[np.float32], at_s: NDArray[np.float64]) -> float | None:
    """How little the face moves in itself over its stillest second, in eye distances; None where none is seen that long.

    points: (T, 68, 2), NaN where no face was seen. at_s: (T,) seconds, about evenly spaced.
    """
    if len(at_s) <= FRAMES_MIN:
        return None
    step_s = float(np.median(np.diff(at_s)))
    lag, window = max(1, round(LAG_S / step_s)), max(FRAMES_MIN, round(WINDOW_S / step_s))
    moved = movements(points, lag)
    if len(moved) < window:
        return None
    stretches = np.lib.stride_tricks.sliding_window_view(moved, window)
    liveliest = np.sort(stretches, axis=1)[:, round(QUANTILE * (window - 1))]  # what is unseen sorts last: it is not still
    return None if np.isnan(liveliest).all() else float(np.nanmin(liveliest))


def movements(points: NDArray[np.float32], lag: int) -> Floats:
    """(T - lag,) root of the mean squared distance that no affine map explains, in eye distances; NaN where unseen."""
    inner = points[:, MOVING].astype(np.float64)
    left = np.full(max(0, len(points) - lag), np.nan)
    both = np.flatnonzero(~np.isnan(inner[:-lag, 0, 0]) & ~np.isnan(inner[lag:, 0, 0]))
    if not len(both):
        return left
    before, after = inner[both], inner[both + lag]
    before = before - before.mean(axis=1, keepdims=True)
    after = after - after.mean(axis=1, keepdims=True)
    spread: Floats = before.transpose(0, 2, 1) @ before + SMALLEST * np.eye(2)  # centred, so that the shift is out of it already
    maps = np.linalg.inv(spread) @ before.transpose(0, 2, 1) @ after
    squares = ((after - before @ maps) ** 2).sum(axis=2).mean(axis=1)
    left[both] = np.sqrt(squares) / max(float(np.nanmedian(eye_distance_px(points))), SMALLEST)
    return left
