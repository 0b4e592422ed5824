"""Pure: turns of the head, from where the nose stands between the eyes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.geometry import nose_ratio
from realname.policy import TurnRules

DEG_PER_RATIO = 36.0  # fitted to a 3-D mesh's pose, within 2 degrees up to about 20; source: facts on models, section 4
# A median further off is no neutral but a head held to one side. Source: medians of every 4 s of the registry clips of A
# and B lie within -2.2..8.6 degrees (n = 277 windows, every half second); that is how far faces and cameras are askew.
NEUTRAL_DEG_MAX = 10.0
# The neutral is the median of the frames that are nearer to the clip's median than this: a turn's own frames, a sixth of a
# short clip, would draw it to their side, by .4 degrees at the median of 73 genuine cuts. Here a turn of 15 ends.
NEUTRAL_ROUND_DEG = 9.0

Side = Literal["left", "right"]  # the customer's own


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. first, last: its frames. All times are seconds of the clip.

    begun_s: of the first. peak, at_s: where it was widest. deg: how wide, absolute.
    """

    side: Side
    first: int
    last: int
    peak: int
    begun_s: float
    at_s: float
    deg: float


def yaw_deg_of(points: NDArray[np.float32], askew: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Degrees against the clip's own neutral, its median within NEUTRAL_DEG_MAX; + is the nose nearer the image's right edge.

    points: (T, 68, 2), NaN where no face was seen. Returns (T,), NaN there.
    askew: (T,) what the nose ratio lacks, as Track.askew; between the frames that have it, it is taken as changing evenly.
    In a recording that is not mirrored, + is the customer's own left. The limit is why somebody who holds the head to one
    side for most of the clip and then looks ahead has not turned to the other.
    """
    yaw = nose_ratio(points) * DEG_PER_RATIO
    if askew is not None and (looked := np.flatnonzero(~np.isnan(askew))).size:
        yaw += np.interp(np.arange(len(yaw)), looked, askew[looked]).astype(np.float32) * DEG_PER_RATIO
    if np.isnan(yaw).all():
        return yaw
    middle = float(np.nanmedian(yaw))
    ahead = yaw[np.abs(yaw - middle) < NEUTRAL_ROUND_DEG]
    neutral = float(np.clip(np.median(ahead) if len(ahead) else middle, -NEUTRAL_DEG_MAX, NEUTRAL_DEG_MAX))
    return (yaw - neutral).astype(np.float32)


def find_turns(
    yaw_deg: NDArray[np.float32], at_s: NDArray[np.float64], rules: TurnRules, *, deg_min: float | None = None
) -> list[Turn]:
    """Every excursion past deg_min (the rules' unless given), in order. It ends below hysteresis x deg_min.

    yaw_deg: (T,), NaN where no face was found. at_s: (T,) seconds, strictly increasing.
    A turn that the clip's end or a lost face cuts off still counts: its peak was seen.
    A swing straight through to the other side is two turns.
    A head that stands turned when it is first seen, or seen again, has not turned: else the photo of a turned head would.
    """
    least = rules.yaw_deg_min if deg_min is None else deg_min
    found: list[Turn] = []
    for first, last in _excursions(yaw_deg, rules.hysteresis * least):
        if first == 0 or np.isnan(yaw_deg[first - 1]):
            continue
        peak = first + int(np.argmax(np.abs(yaw_deg[first : last + 1])))
        deg = float(yaw_deg[peak])
        if abs(deg) >= least:
            found.append(Turn("left" if deg > 0 else "right", first, last, peak, float(at_s[first]), float(at_s[peak]), abs(deg)))
    return found


def turned_s(turn: Turn, yaw_deg: NDArray[np.float32], at_s: NDArray[np.float64]) -> float | None:
    """How long a turn stayed beyond half its angle, by straight lines between frames; None where an end was not seen.

    yaw_deg: (T,), NaN where no face was found. at_s: (T,) seconds.
    """
    beyond = yaw_deg if turn.side == "left" else -yaw_deg
    within = np.flatnonzero(~(beyond > turn.deg / 2))
    place = int(np.searchsorted(within, turn.peak))
    if not 0 < place < len(within):
        return None
    crossed_s: list[float] = []
    for out in within[place - 1 : place + 1].tolist():
        inner = out + 1 if out < turn.peak else out - 1
        pair = sorted((out, inner), key=lambda frame: float(beyond[frame]))
        if np.isnan(beyond[out]):
            return None
        crossed_s.append(float(np.interp(turn.deg / 2, beyond[pair], at_s[pair])))
    return crossed_s[1] - crossed_s[0]


def _excursions(yaw_deg: NDArray[np.float32], neutral_max_deg: float) -> list[tuple[int, int]]:
    """First and last frame of each run on one side beyond the neutral zone."""
    sides = np.nan_to_num(np.sign(yaw_deg) * (np.abs(yaw_deg) >= neutral_max_deg)).astype(int)
    edges = [0, *(np.flatnonzero(np.diff(sides)) + 1).tolist(), len(sides)]
    return [(start, end - 1) for start, end in pairwise(edges) if end > start and sides[start]]
