"""Pure: when an action answers its cue, and whether a clip can be of the visit at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from realname.messages import Challenge
from realname.policy import CueRules
from workers.liveness.events import Event


@dataclass(frozen=True, slots=True)
class Window:
    """When an action answers its cue. All times are seconds of the clip.

    asked_s:     the cue. Its answer peaks in peak_s_min..peak_s_max and begins in begun_s_min..until_s.
    until_s:     the next cue's first possible answer, or where the time for this one ends. A movement that began
                 before it may peak later: the next cue can come while a slow turn is still going on.
    """

    asked_s: float
    begun_s_min: float
    peak_s_min: float
    until_s: float
    peak_s_max: float

    def early_s(self, event: Event) -> float:
        """By how much the event is too early; 0 or less: it is not."""
        return max(self.begun_s_min - event.begun_s, self.peak_s_min - event.at_s)

    def late_s(self, event: Event) -> float:
        """By how much the event is too late; 0 or less: it is not."""
        return max(event.begun_s - self.until_s, event.at_s - self.peak_s_max)

    def holds(self, event: Event) -> bool:
        """Whether the event answers this cue."""
        return self.early_s(event) <= 0 and self.late_s(event) <= 0


ANY_TIME = Window(asked_s=-inf, begun_s_min=-inf, peak_s_min=-inf, until_s=inf, peak_s_max=inf)


def windows_of(cues_s: Sequence[float], rules: CueRules) -> tuple[Window, ...]:
    """The window of each cue. cues_s: in seconds of the clip, increasing.

    A person needs reaction_s_min from cue to peak, so until then an event belongs to the cue before. When the clip
    began is the client's word, good to slack_s: a movement counts as begun before its cue only beyond that.
    """
    ends_s = [*(after_s + rules.reaction_s_min for _, after_s in pairwise(cues_s)), inf]
    return tuple(
        Window(
            asked_s=cue_s,
            begun_s_min=cue_s - rules.slack_s,
            peak_s_min=cue_s + rules.reaction_s_min,
            until_s=min(cue_s + rules.within_s, end_s),
            peak_s_max=cue_s + rules.within_s,
        )
        for cue_s, end_s in zip(cues_s, ends_s, strict=False)
    )


def is_outside_visit(challenge: Challenge, ended_s: float, rules: CueRules) -> bool:
    """Whether the clip cannot have been recorded while the cues were shown. ended_s: its last frame, seconds of the clip.

    It began after the first cue, or ended before anyone could have answered the last, or ends later than its digest came.
    """
    cues_s = challenge.cues_in_clip_s
    if not cues_s:
        return False
    if cues_s[0] < 0 or ended_s < cues_s[-1] + rules.reaction_s_min:
        return True
    if challenge.digest_at_s is None or challenge.clip_started_at_s is None:
        return False  # a check at the command line has no digest; intake lets no cued clip in without one
    return ended_s > challenge.digest_at_s - challenge.clip_started_at_s + rules.slack_s
