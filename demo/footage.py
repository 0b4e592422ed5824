"""Pure: whether what was filmed answers cues that are known, and when its recording must have begun for that.

Nothing is cut out or joined: one natural piece is only moved along the visit's clock until its own movements follow the cues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from bench.media import Piece
from bench.presentations.labels import MIRRORED, Act, Person
from realname.messages import Action

LEAD_S = 0.25  # the least from the recording's start to the first cue
REST_S = 0.7  # the least from the recording's end to the last moment for its digest
HEEDED_S = (0.3, 3.2)  # from a cue to its action's first frame
_BEHIND_S = (0.5, 1.5)  # the same from the next cue, where the person is late

Span = tuple[float, float]  # least and most, in seconds
Waits = Callable[[Sequence[float]], tuple[Span, ...]]  # cues -> for each action its wait


class Footage(NamedTuple):
    """What was filmed.

    waits: how the person heeds the cues. mirrored: as filmed or mirrored, in that order; a mirrored turn goes to the other side.
    """

    person: Person
    first: int
    last: int
    waits: Waits
    mirrored: tuple[bool, ...]

    @property
    def piece(self) -> Piece:
        """Its frames."""
        return Piece(self.person.file, self.first, self.last)

    @property
    def acts(self) -> tuple[Act, ...]:
        """What is done in it."""
        return tuple(act for act in self.person.acts if self.first < act.first and act.last < self.last)

    @property
    def length_s(self) -> float:
        """First to last frame."""
        return (self.last - self.first) / self.person.rate_hz


class Fitted(NamedTuple):
    """started_at_s: when its first frame was taken, seconds from issued_at."""

    is_mirrored: bool
    started_at_s: float


def promptly(cues_at_s: Sequence[float]) -> tuple[Span, ...]:
    """Each cue is answered as people do."""
    return (HEEDED_S,) * len(cues_at_s)


def first_too_late(cues_at_s: Sequence[float]) -> tuple[Span, ...]:
    """The first cue is answered only when the second has come, and more than a reaction's time after it."""
    gap_s = cues_at_s[1] - cues_at_s[0]
    return ((gap_s + _BEHIND_S[0], gap_s + _BEHIND_S[1]), *promptly(cues_at_s[1:]))


def may_fit(footage: Footage, actions: Sequence[Action]) -> bool:
    """Whether the person does these actions in this order at all. actions: all that were asked, or the first of them."""
    return any(True for _ in _done(footage, actions))


def fitted(footage: Footage, actions: Sequence[Action], cues_at_s: Sequence[float], *, digest_until_s: float) -> Fitted | None:
    """The earliest start from which the actions follow the cues; None where there is none.

    cues_at_s, digest_until_s: seconds from issued_at, increasing.
    """
    rate_hz = footage.person.rate_hz
    for is_mirrored, acts in _done(footage, actions):
        least_s, most_s = [0.0], [cues_at_s[0] - LEAD_S, digest_until_s - REST_S - footage.length_s]
        for act, cue_s, (soonest_s, latest_s) in zip(acts, cues_at_s, footage.waits(cues_at_s), strict=True):
            in_piece_s = (act.first - footage.first) / rate_hz
            least_s.append(cue_s + soonest_s - in_piece_s)
            most_s.append(cue_s + latest_s - in_piece_s)
        if max(least_s) <= min(most_s):
            return Fitted(is_mirrored, max(least_s))
    return None


def _done(footage: Footage, actions: Sequence[Action]) -> Iterator[tuple[bool, tuple[Act, ...]]]:
    """Such acts, in order."""
    for is_mirrored in footage.mirrored:
        wanted = [MIRRORED[action] if is_mirrored else action for action in actions]
        for acts in combinations(footage.acts, len(wanted)):
            if [act.action for act in acts] == wanted:
                yield is_mirrored, acts
