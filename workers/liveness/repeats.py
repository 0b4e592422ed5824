"""Pure: whether a stretch of the recording comes again, forwards or backwards. Real movement never repeats itself.

What is compared is the change of the whole small picture from frame to frame, over windows of 0.8 s. Measured least
values: 73 genuine cuts of bench/presentations .95 forwards, .69 backwards; 63 other windows of four people .56 and .67
(.56: two natural turns, alike, 2 s apart). Loops .07-.50, to-and-fro .08-.51 (25), where the person moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 0.8
MOTION_MIN = 0.3  # grey levels of change a frame (rms): a stretch with less is still, and stillness repeats
FRAMES_MIN = 4
UNLIKE = 2.0  # more than two unrelated stretches differ (the root of 2)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Repeats:
    """How unlike the two most alike stretches are: 0 the same, about 1 unrelated; None where nothing moves long enough."""

    forwards: float | None
    backwards: float | None

    @property
    def least(self) -> float | None:
        """Of both."""
        known = [value for value in (self.forwards, self.backwards) if value is not None]
        return min(known, default=None)


def repeats_of(small: NDArray[np.uint8], at_s: NDArray[np.float64]) -> Repeats:
    """small: (T, h, w) as of Clip.small, h and w even; looked at in half that size. at_s: (T,) seconds, about even."""
    if len(small) < 2 * FRAMES_MIN:
        return Repeats(None, None)
    count, height, width = small.shape
    halved = small.reshape(count, height // 2, 2, width // 2, 2).mean(axis=(2, 4), dtype=np.float32)
    steps = np.diff(halved, axis=0).reshape(count - 1, -1)
    window = max(FRAMES_MIN, round(WINDOW_S / float(np.median(np.diff(at_s)))))
    products = (steps @ steps.T).astype(np.float64)
    energy = np.concatenate([[0.0], np.cumsum(np.diagonal(products))])
    own = energy[window:] - energy[:-window]  # of the stretch that begins at each change
    moving = own > MOTION_MIN**2 * steps.shape[1] * window
    later = np.tri(len(own), k=-window, dtype=bool).T  # the second begins when the first is over
    pairs = later & moving[:, None]
    return Repeats(
        _least(own, sums_along(products, window), pairs),
        _least(own, -sums_along(products[:, ::-1], window)[:, ::-1], pairs),  # each change comes again with its sign turned
    )


def sums_along(values: NDArray[Any], window: int) -> NDArray[Any]:
    """(n, m) -> (n - window + 1, m - window + 1): sums of so many values down the diagonal that begins at each."""
    rows, columns = (max(0, length - window + 1) for length in values.shape)
    found = np.zeros((rows, columns), values.dtype)
    if found.size:
        for step in range(window):
            found += values[step : step + rows, step : step + columns]
    return found


def _least(own: Floats, shared: Floats, pairs: NDArray[np.bool_]) -> float | None:
    """The least |v(i..) - v(j..)| / |v(i..)| of these pairs; None where that is as of unrelated ones.

    own: |v(i..)|^2 of each stretch. shared: products of each with each.
    """
    if not pairs.any():
        return None
    first, second = np.nonzero(pairs)
    squares = np.maximum(own[first] + own[second] - 2 * shared[first, second], 0.0) / own[first]
    least = float(np.sqrt(squares.min()))
    return None if least >= UNLIKE else least
