"""Pure: which frames are looked at closer: for quality, for passive PAD, for the match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from realname.policy import BlinkRules
from workers.liveness.events import SIDES, Event

CANDIDATES = 3  # frames looked at for one chip


def fit_frames(
    yaw_deg: NDArray[np.float32], closedness: NDArray[np.float32], *, frontal_yaw_deg_max: float, blink: BlinkRules
) -> list[int]:
    """The frames that show the face from the front with open eyes, in time.

    yaw_deg, closedness: (T,), NaN where no face was seen. Where there is none, the least turned frames stand in.
    """
    fit = np.flatnonzero((closedness < blink.hysteresis * blink.closedness_min) & (np.abs(yaw_deg) <= frontal_yaw_deg_max))
    if len(fit):
        return fit.tolist()
    seen = np.flatnonzero(~np.isnan(yaw_deg))
    return np.sort(seen[np.argsort(np.abs(yaw_deg[seen]), kind="stable")][:CANDIDATES]).tolist()


def candidate_groups(fit: Sequence[int], acted: Sequence[Event], count: int) -> list[list[int]]:
    """A few frames for each of `count` chips; of each group the best becomes the chip.

    fit: in time. acted: the events that answered the challenge.
    The face that is matched must be the one that acted, so there is a chip from each action; turns choose first, since
    they take no other frames than their own. Chips beyond those are spread over the clip, so that a moment's glare
    cannot speak for all of it.
    """
    groups: list[list[int]] = []
    for event in sorted(acted, key=lambda event: (event.action not in SIDES, event.first))[:count]:
        free = [frame for frame in fit if not any(frame in group for group in groups)]
        groups.append(_of_turn(free, event) if event.action in SIDES else _of_blink(free, event))
    parts = count - len(groups)
    rest = spread([frame for frame in fit if not any(frame in group for group in groups)], CANDIDATES * parts)
    groups += [rest[len(rest) * part // parts : len(rest) * (part + 1) // parts] for part in range(parts)]
    return [group for group in groups if group]


def best_of(groups: Sequence[Sequence[int]], scores: Mapping[int, float]) -> list[int]:
    """The best frame of each group, best first."""
    best = [max(group, key=scores.__getitem__) for group in groups]
    return sorted(best, key=lambda frame: (-scores[frame], frame))


def _of_turn(free: Sequence[int], event: Event) -> list[int]:
    """Of the turn's own frames alone: a clip may be spliced just before a turn, and just after it.

    The most turned of those that are fit; where none is, its ends, which are the least turned.
    """
    own = [frame for frame in free if event.first <= frame <= event.last]
    middle = (event.first + event.last) / 2
    nearest = sorted(own or {event.first, event.last}, key=lambda frame: (abs(frame - middle), frame))
    return sorted(nearest[:CANDIDATES])


def _of_blink(free: Sequence[int], event: Event) -> list[int]:
    """Its own frames show shut eyes, so those are taken that lie next to it."""
    aside = {frame: min(abs(frame - event.first), abs(frame - event.last)) for frame in free}
    return sorted(sorted(free, key=lambda frame: (aside[frame], frame))[:CANDIDATES])


def spread(frames: Sequence[int], count: int) -> list[int]:
    """So many of the frames (fewer if there are fewer), evenly over them: the first and the last are in."""
    if len(frames) <= count:
        return list(frames)
    return [frames[position] for position in np.linspace(0, len(frames) - 1, count).round().astype(int)]
