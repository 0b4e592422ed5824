"""Pure: blinks, from how far the eyes are shut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.geometry import SMALLEST, eye_aspect_ratios
from realname.policy import BlinkRules


@dataclass(frozen=True, slots=True)
class Blink:
    """One blink. first, last: the frames on which the eyes were shut. All times are seconds of the clip.

    begun_s: of the first. at_s: when they were furthest shut. closedness: how far, up to 1.
    """

    first: int
    last: int
    begun_s: float
    at_s: float
    closedness: float


def closedness_of(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far the eyes are shut: 1 - EAR / the clip's own median EAR, the mean of both eyes. About 0 while open.

    points: (T, 68, 2), NaN where no face was seen. Returns (T,), NaN there.
    An EAR means nothing across people or cameras; relative to the person's own median it does (facts on models, 4).
    """
    ratios = eye_aspect_ratios(points).mean(axis=-1)
    if np.isnan(ratios).all():
        return ratios
    return (1 - ratios / max(float(np.nanmedian(ratios)), SMALLEST)).astype(np.float32)


def find_blinks(closedness: NDArray[np.float32], at_s: NDArray[np.float64], rules: BlinkRules) -> list[Blink]:
    """Every open -> shut -> open excursion no longer than the rules allow.

    closedness: (T,), NaN where no face was found. at_s: (T,) seconds, strictly increasing.
    Shut is above closedness_min; open is below hysteresis x closedness_min, so that a flutter is one blink. How long it
    lasted is counted between the two moments at which it crossed closedness_min: lids are slow to open the last of the
    way, and that must not make a blink too long.
    A NaN ends an excursion, and eyes that are shut when first seen open nothing: an unseen blink is not a blink.
    """
    open_max = rules.hysteresis * rules.closedness_min
    found: list[Blink] = []
    was_open = False
    first = last = -1  # the shut frames so far; first -1: none
    for index, value in enumerate(closedness):
        if np.isnan(value):
            was_open, first = False, -1
        elif value < open_max:
            if first >= 0 and _shut_s(closedness, at_s, (first, last), rules) <= rules.duration_s_max:
                found.append(_blink(closedness, at_s, first, last))
            was_open, first = True, -1
        elif value > rules.closedness_min and was_open:
            first, last = index if first < 0 else first, index
    return found


def _shut_s(closedness: NDArray[np.float32], at_s: NDArray[np.float64], shut: tuple[int, int], rules: BlinkRules) -> float:
    """Between the crossings of closedness_min, on straight lines to the frame before the first and after the last."""
    first, last = shut
    began_s = np.interp(rules.closedness_min, closedness[[first - 1, first]], at_s[[first - 1, first]])
    ended_s = np.interp(rules.closedness_min, closedness[[last + 1, last]], at_s[[last + 1, last]])
    return float(ended_s - began_s)


def _blink(closedness: NDArray[np.float32], at_s: NDArray[np.float64], first: int, last: int) -> Blink:
    peak = first + int(np.argmax(closedness[first : last + 1]))
    return Blink(first, last, float(at_s[first]), float(at_s[peak]), float(closedness[peak]))
