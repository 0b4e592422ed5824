"""Pure: holds and loops in a recording that stalls: between two frames the last one stays on show.

repeats.py and sameness.py count frames, so whoever drops frames while a picture is held, and none elsewhere, squeezes the hold
into few of them. So an uneven recording is looked at both as it is and as it was on show, at even times; the more alike counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.liveness.repeats import repeats_of
from workers.liveness.sameness import Sameness, sameness_of

EVEN_MAX = 1.2  # of the usual step between two frames; where both ways of looking see the same, nothing is lost but a millisecond


def longest_stall_s(at_s: NDArray[np.float64]) -> float:
    """The longest time between two frames; 0 of one. at_s: (T,) seconds, increasing."""
    return float(np.diff(at_s).max(initial=0.0))


def evenly_shown(at_s: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Which frame was on show at even times, the usual step apart; and those times. at_s: (T,) seconds, T >= 2."""
    usual_s = float(np.median(np.diff(at_s)))
    even_s = np.arange(at_s[0], at_s[-1] + usual_s / 2, usual_s)
    nearly = usual_s / 4  # a frame that comes a little late is on show for its time, not for the next
    return np.maximum(np.searchsorted(at_s, even_s + nearly, "right") - 1, 0), even_s


def said_again(
    small: NDArray[np.uint8], details: NDArray[np.float32], at_s: NDArray[np.float64]
) -> tuple[float | None, Sameness]:
    """Repeats.least and Sameness, each the lesser of both ways of looking.

    small: as of Clip.small. details: (T, d) as of chips.core_details, NaN where no face was seen. at_s: (T,) seconds.
    """
    repeat, same = repeats_of(small, at_s).least, sameness_of(details, at_s)
    if len(at_s) < 2 or longest_stall_s(at_s) <= EVEN_MAX * float(np.median(np.diff(at_s))):  # noqa: PLR2004
        return repeat, same
    shown, even_s = evenly_shown(at_s)
    other = sameness_of(details[shown], even_s)
    even = Sameness(_lesser(same.drift, other.drift), _lesser(same.again, other.again))
    return _lesser(repeat, repeats_of(small[shown], even_s).least), even


def _lesser(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)
