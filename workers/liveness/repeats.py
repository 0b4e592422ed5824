"""Pure: whether a stretch of the recording comes again, forwards or backwards. Real movement never repeats itself.

What is compared is the change of the whole small picture from frame to frame, over windows of 0.8 s. Measured least
values: 73 genuine cuts of bench/presentations .95 forwards, .69 backwards; 63 other windows of four people .56 and .67
(.56: two natural turns, alike, 2 s apart). Loops .07-.50, to-and-fro .08-.51 (25), where the person moves.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    least_energy = MOTION_MIN**2 * steps.shape[1] * window
    return Repeats(
        _least(_forwards(products, energy, window, least_energy)),
        _least(_backwards(products, energy, window, least_energy)),
    )


def _forwards(products: Floats, energy: Floats, window: int, least_energy: float) -> list[float]:
    """|v(i..) - v(i + lag..)| / |v(i..)| of each lag of at least a window, at its least."""
    count = len(products)
    found: list[float] = []
    for lag in range(window, count - window + 1):
        shared = _sums(np.diagonal(products, lag), window)
        first = np.arange(len(shared))
        found.append(_unlikeness(first, first + lag, shared, energy, window, least_energy))
    return found


def _backwards(products: Floats, energy: Floats, window: int, least_energy: float) -> list[float]:
    """The same against the later stretch played backwards: then each change comes again with its sign turned."""
    count = len(products)
    turned = products[:, ::-1]
    found: list[float] = []
    for offset in range(-(count - 2 * window), count - 2 * window + 1):
        shared = -_sums(np.diagonal(turned, offset), window)
        first = np.arange(len(shared)) + max(0, -offset)
        second = count - offset - window - first  # the later stretch ends where the mirrored index starts
        apart = first + window <= second
        if apart.any():
            found.append(_unlikeness(first[apart], second[apart], shared[apart], energy, window, least_energy))
    return found


def _sums(values: Floats, window: int) -> Floats:
    return np.convolve(values, np.ones(window), "valid")


def _unlikeness(
    first: NDArray[np.int_], second: NDArray[np.int_], shared: Floats, energy: Floats, window: int, least_energy: float
) -> float:
    """The least over all starts; UNLIKE where nothing moves enough."""
    own, other = energy[first + window] - energy[first], energy[second + window] - energy[second]
    moving = own > least_energy
    if not moving.any():
        return UNLIKE
    squares = np.maximum(own + other - 2 * shared, 0.0)[moving] / own[moving]
    return float(np.sqrt(squares.min()))


def _least(values: list[float]) -> float | None:
    least = min(values, default=UNLIKE)
    return None if least >= UNLIKE else least
