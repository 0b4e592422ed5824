"""Pure: what the registry clips show, by frame number: the labels from which cuts and cues are made.

Sources: blinks by hand, turns by nose ratio and a contact sheet (facts on models, sections 4 and 7; models/manifest.toml).
A blink's first frame is the first on which the lids are seen to fall, a turn's the first beyond half the asked angle.
"""

from __future__ import annotations

from typing import NamedTuple

from bench.media import Piece
from realname.messages import Action


class Act(NamedTuple):
    """Something that is done in a clip. first: its first frame. last: its last."""

    action: Action
    first: int
    last: int


class Person(NamedTuple):
    """Who can be cut from.

    middle: of the face, in pixels of the clip. eyes: boxes round both eyes while the head is still (`still` frame).
    blinking: frames of a blink close to `still`, in the same pose.
    """

    name: str
    file: str
    rate_hz: int
    acts: tuple[Act, ...]
    middle: tuple[int, int]
    eyes: tuple[tuple[int, int, int, int], ...]
    still: int
    blinking: tuple[int, ...]


A = Person(
    "A",
    "franck.mp4",
    24,
    (
        Act("blink", 1062, 1068),
        Act("turn_left", 1076, 1097),
        Act("blink", 1128, 1132),
        Act("blink", 1152, 1157),
        Act("blink", 1192, 1200),
        Act("blink", 1233, 1238),
    ),
    middle=(194, 165),
    eyes=((163, 128, 193, 144), (219, 126, 246, 142)),
    still=1056,
    blinking=(1062, 1063, 1064, 1065, 1066, 1067),
)
B = Person(
    "B",
    "cap13_edit2.mp4",
    25,
    (Act("blink", 425, 430), Act("turn_left", 502, 525)),
    middle=(204, 190),
    eyes=((172, 152, 195, 167), (214, 152, 237, 167)),
    still=420,
    blinking=(424, 425, 426, 427, 428),
)

MIRRORED: dict[Action, Action] = {"turn_left": "turn_right", "turn_right": "turn_left", "blink": "blink"}


class Cut(NamedTuple):
    """A natural piece, which of the person's acts answer in it, and how long after its cue each begins.

    wide: its turn peaks at 18 degrees or more beyond the median of its frames, as filmed, by nose ratio on every frame of
    the registry's own file (measured 2026-11-25; 16.4-17.8 where not, B's 15.0-15.4). A mirrored cut is the same turn.
    """

    person: Person
    first: int
    last: int
    answers: tuple[int, ...]  # indices of person.acts, in order
    reaction_s: float = 0.6
    wide: bool = True

    @property
    def piece(self) -> Piece:
        """Its frames."""
        return Piece(self.person.file, self.first, self.last)

    @property
    def actions(self) -> tuple[Action, ...]:
        """What it answers, not mirrored."""
        return tuple(self.person.acts[index].action for index in self.answers)

    @property
    def cues_at_s(self) -> tuple[float, ...]:
        """Each cue in seconds of the cut."""
        starts = (self.person.acts[index].first - self.first for index in self.answers)
        return tuple(start / self.person.rate_hz - self.reaction_s for start in starts)

    @property
    def length_s(self) -> float:
        """First to last frame."""
        return (self.last - self.first) / self.person.rate_hz
