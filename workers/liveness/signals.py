"""Pure: what moved in the clip: the track's points as yaw, openness, blinks and turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realname.messages import Challenge
from realname.policy import Policy, TurnRules
from workers.liveness.blink import Blink, closedness_of, find_blinks
from workers.liveness.challenge import Answer, judge_challenge, outside_visit
from workers.liveness.events import SIDES, events_of
from workers.liveness.flatness import Depth, depth_around, width_at
from workers.liveness.turn import Turn, find_turns, turned_s, yaw_deg_of
from workers.liveness.windows import is_outside_visit, windows_of

SLIGHT_TURN_SHARE = 0.5  # of the asked angle: from here on a turn was begun, and the customer hears "further"


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What the head and the eyes did. All arrays are (T, ...), NaN where no face was seen.

    slight: turns that were begun and did not go far enough.
    depth:  of the turn that shows the least; None where an asked turn, or every window, shows too few frames.
    width:  of the turn at which the face is narrowest for its yaw, about 1 of a head; None without a turn.
    turned_s: of the quickest turn; None where no turn was seen from beginning to end, or not each of those that were asked.
    cut_off: an asked turn was not over when the clip ended.
    """

    at_s: NDArray[np.float64]
    yaw_deg: NDArray[np.float32]
    closedness: NDArray[np.float32]
    blinks: list[Blink]
    turns: list[Turn]
    slight: list[Turn]
    answer: Answer
    depth: Depth | None
    width: float | None = None
    turned_s: float | None = None
    cut_off: bool = False


def motion_of(
    points: NDArray[np.float32],
    at_s: NDArray[np.float64],
    challenge: Challenge,
    policy: Policy,
    *,
    askew: NDArray[np.float32] | None = None,
) -> Motion:
    """All motion of a track, held against the challenge. points: (T, 68, 2), NaN where unseen. at_s: (T,) seconds.

    askew: of yaw_deg_of.
    """
    yaw_deg, closedness = yaw_deg_of(points, askew), closedness_of(points)
    blinks = find_blinks(closedness, at_s, policy.blink)
    turns = find_turns(yaw_deg, at_s, policy.turn)
    begun = find_turns(yaw_deg, at_s, policy.turn, deg_min=SLIGHT_TURN_SHARE * policy.turn.yaw_deg_min)
    slight = [turn for turn in begun if turn.deg < policy.turn.yaw_deg_min]
    windows = windows_of(challenge.cues_in_clip_s, policy.cues) if challenge.actions else ()
    answer = judge_challenge(challenge.actions, events_of(blinks, turns), events_of([], slight), windows=windows)
    if len(at_s) and is_outside_visit(challenge, float(at_s[-1]), policy.cues):
        answer = outside_visit(answer)
    asked_at_s = _asked_at_s(answer)
    depth = _depth_of_turns(asked_at_s, [turn.at_s for turn in turns], points, policy, yaw_deg=yaw_deg, at_s=at_s)
    asked = [turn.at_s in asked_at_s for turn in turns]
    width = _least([width_at(turn.peak, points, yaw_deg) for turn in turns], asked)
    lasted_s = [turned_s(turn, yaw_deg, at_s) for turn in turns]
    ends = [turn.last == len(at_s) - 1 for turn in turns]
    cut_off = any(here and end and lasted is None for here, end, lasted in zip(asked, ends, lasted_s, strict=True))
    return Motion(at_s, yaw_deg, closedness, blinks, turns, slight, answer, depth, width, _least(lasted_s, asked), cut_off)


def _least(values: Sequence[float | None], asked: Sequence[bool]) -> float | None:
    """Of all turns; None where one of the asked ones is not known: another one says nothing of it."""
    if any(here and value is None for here, value in zip(asked, values, strict=True)):
        return None
    return min((value for value in values if value is not None), default=None)


def _asked_at_s(answer: Answer) -> list[float]:
    """The peaks of the turns that answer the challenge."""
    return [event.at_s for event in answer.taken if event is not None and event.action in SIDES]


def _depth_of_turns(
    asked_at_s: Sequence[float],
    turned_at_s: Sequence[float],
    points: NDArray[np.float32],
    policy: Policy,
    *,
    yaw_deg: NDArray[np.float32],
    at_s: NDArray[np.float64],
) -> Depth | None:
    """Over the windows of all turns: one flat turn among real ones is enough to say so.

    Each asked turn must be measured itself: that another one has depth says nothing of it.
    Without a turn the window round the widest yaw is taken, for the report.
    """
    if np.isnan(yaw_deg).all():
        return None
    peaks_s = list(turned_at_s) or [float(at_s[int(np.nanargmax(np.abs(yaw_deg)))])]
    found = {peak_s: depth_around(peak_s, points, yaw_deg, at_s) for peak_s in peaks_s}
    if any(found[peak_s] is None for peak_s in asked_at_s):
        return None
    return least_depth([depth for depth in found.values() if depth is not None], policy.turn)


def least_depth(depths: Sequence[Depth], rules: TurnRules) -> Depth | None:
    """The one that says most against the face: a flat turn over a validated yaw range, else the least parallax."""
    flat = [
        depth
        for depth in depths
        if depth.yaw_range_deg >= rules.parallax_yaw_range_deg_min and depth.parallax <= rules.parallax_min
    ]
    return min(flat or depths, key=lambda depth: depth.parallax, default=None)
