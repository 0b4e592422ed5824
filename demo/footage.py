"""Pure: which natural, contiguous piece of a registry clip answers cues that are known, and when it must have begun.

Nothing is cut out or joined: a piece is only moved along the visit's clock until its own movements follow the cues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from bench.media import Piece
from bench.presentations.labels import MIRRORED, Person
from realname.messages import Action

LEAD_S = 0.4  # the least from the piece's first frame to the first cue
TAIL_S = 0.8  # from the last action's end to the piece's last frame
_HEEDED_S = (0.3, 3.2)  # from a cue to its action's first frame
_BEHIND_S = (0.5, 1.5)  # the same from the next cue, where the person is late

Waits = Callable[[Sequence[float]], tuple[tuple[float, float], ...]]  # cues -> for each action the least and most wait, in s


class Footage(NamedTuple):
    """What may be cut from.

    first: no piece begins before this frame. waits: how the person heeds the cues. mirrored: whether as filmed or mirrored,
    in that order; a mirrored turn is a turn to the other side.
    """

    person: Person
    first: int
    waits: Waits
    mirrored: tuple[bool, ...]


class Fitted(NamedTuple):
    """A piece on the visit's clock. started_at_s, ended_at_s: of its first and last frame, seconds from issued_at."""

    piece: Piece
    is_mirrored: bool
    started_at_s: float
    ended_at_s: float


def promptly(cues_at_s: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Each cue is answered as people do."""
    return (_HEEDED_S,) * len(cues_at_s)


def first_too_late(cues_at_s: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """The first cue is answered only when the second has come, and more than a reaction's time after it."""
    gap_s = cues_at_s[1] - cues_at_s[0]
    return ((gap_s + _BEHIND_S[0], gap_s + _BEHIND_S[1]), *promptly(cues_at_s[1:]))


def may_fit(footage: Footage, actions: Sequence[Action]) -> bool:
    """Whether the person does these actions in this order at all. actions: all that were asked, or the first of them."""
    return any(True for _ in _done(footage, actions))


def fitted(footage: Footage, actions: Sequence[Action], cues_at_s: Sequence[float]) -> Fitted | None:
    """The first piece whose actions follow the cues; None where none does. cues_at_s: seconds from issued_at, increasing."""
    person, rate_hz = footage.person, footage.person.rate_hz
    for is_mirrored, places in _done(footage, actions):
        acts = [person.acts[place] for place in places]
        # A frame at second t of the file is taken at t + shift on the visit's clock.
        asked = list(zip(acts, cues_at_s, footage.waits(cues_at_s), strict=True))
        least_s = max(cue_s + least_s - act.first / rate_hz for act, cue_s, (least_s, _) in asked)
        most_s = min(cue_s + most_s - act.first / rate_hz for act, cue_s, (_, most_s) in asked)
        first = int((cues_at_s[0] - LEAD_S - least_s) * rate_hz)
        if least_s <= most_s and first >= footage.first:
            last = acts[-1].last + round(TAIL_S * rate_hz)
            return Fitted(Piece(person.file, first, last), is_mirrored, first / rate_hz + least_s, last / rate_hz + least_s)
    return None


def _done(footage: Footage, actions: Sequence[Action]) -> Iterator[tuple[bool, tuple[int, ...]]]:
    """Places in person.acts of such actions in order."""
    person = footage.person
    for is_mirrored in footage.mirrored:
        wanted = [MIRRORED[action] if is_mirrored else action for action in actions]
        for places in combinations(range(len(person.acts)), len(wanted)):
            if [person.acts[place].action for place in places] == wanted:
                yield is_mirrored, places
