"""Pure: from signals by frame to what was done, and whether that is what was asked. Used by every side but ours.

It is what a careful script would do, no more: excursions past a threshold, with hysteresis, held to the order alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HYSTERESIS = 0.7  # an excursion ends below this share of its threshold
# Each peer reads the same turns differently: two genuine ones as 13-16 degrees (MediaPipe), 15-18 (106 points), 15-20 (ours,
# whose limit is 15). At 10 no peer misses one for its unit.
TURN_DEG_MIN = 10.0
BLINK_S_MAX = 0.5  # longer is a closed eye, not a blink


@dataclass(frozen=True, slots=True)
class Signals:
    """By frame; NaN where no face was found.

    at_s: (T,) seconds, increasing. yaw_deg: (T,), + is the nose nearer the image's right edge, which is the person's left.
    closed: (T,) how far the eyes are shut, by the side's own measure.
    """

    at_s: NDArray[np.float64]
    yaw_deg: NDArray[np.float64]
    closed: NDArray[np.float64]


def done_in(signals: Signals, *, turn_deg_min: float, closed_min: float) -> tuple[str, ...]:
    """Turns and blinks by the time of their peak; a turn is held against the clip's own median."""
    if np.isnan(signals.yaw_deg).all():
        return ()
    yaw = signals.yaw_deg - np.nanmedian(signals.yaw_deg)
    found = [(at, "turn_left") for at, _ in excursions(yaw, signals.at_s, turn_deg_min)]
    found += [(at, "turn_right") for at, _ in excursions(-yaw, signals.at_s, turn_deg_min)]
    found += [(at, "blink") for at, took_s in excursions(signals.closed, signals.at_s, closed_min) if took_s <= BLINK_S_MAX]
    return tuple(action for _, action in sorted(found))


def excursions(values: NDArray[np.float64], at_s: NDArray[np.float64], least: float) -> list[tuple[float, float]]:
    """Each run past `least` until it is below HYSTERESIS x least: when it peaked, and how long it lasted past least.

    Open runs at either end count, and a frame without a face is no excursion.
    """
    found: list[tuple[float, float]] = []
    run: list[int] = []
    for index, value in enumerate([*values, 0.0]):
        if value >= least or (run and value >= HYSTERESIS * least):
            run.append(index)
        elif run:
            past = [each for each in run if values[each] >= least]
            found.append((float(at_s[max(run, key=lambda each: values[each])]), float(at_s[past[-1]] - at_s[past[0]])))
            run = []
    return found


def are_in(asked: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether all that was asked was seen in its order. What was done besides does not count."""
    left = iter(seen)
    return all(action in left for action in asked)


def closedness(openness: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) how far eyes are shut, of an opening without a scale: 1 - opening / its own median. NaN stays."""
    if np.isnan(openness).all():
        return openness
    return 1 - openness / max(float(np.nanmedian(openness)), 1e-6)


def calm(signals: Signals, count: int) -> list[int]:
    """The frames to compare with a portrait: the nearest to straight ahead with open eyes, at most so many, in order."""
    unfit = np.abs(signals.yaw_deg) + 30 * np.nan_to_num(signals.closed)
    fit = [index for index in np.argsort(unfit, kind="stable").tolist() if not np.isnan(unfit[index])]
    return sorted(fit[:count])


@dataclass(slots=True)
class Following:
    """The box in which a face is looked for; between detections its landmarks carry it, grown as the detected one was."""

    box: NDArray[np.float64] | None = None
    _margins: NDArray[np.float64] | None = None

    def meet(self, box: NDArray[np.float64] | None) -> None:
        """What was detected, (4,) x0 y0 x1 y1; None: nothing."""
        self.box, self._margins = box, None

    def follow(self, points: NDArray[np.float64]) -> None:
        """The landmarks, (n, 2), that were found in the box."""
        assert self.box is not None
        low, high = points.min(axis=0), points.max(axis=0)
        extent = np.maximum(high - low, 1e-6)
        if self._margins is None:
            self._margins = np.stack([self.box[:2] - low, self.box[2:] - high]) / extent
        self.box = np.concatenate([low + self._margins[0] * extent, high + self._margins[1] * extent])
