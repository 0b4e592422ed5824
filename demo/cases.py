"""Pure: the demo's cases. Each says what is handed in, under which challenge, and what it must lead to.

No expected result is reached by special handling: cuts are natural, contiguous pieces of the clips, and a case only asks for
challenges until one is issued whose actions the cut shows (or, where it is meant to fail, does not show).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from bench import media
from bench.presentations.labels import A
from demo.footage import Footage, first_too_late, promptly
from realname.messages import Action, Verdict
from realname.messages import Path as RegistrationPath
from realname.reasons import Reason

Sequence = tuple[Action, ...]
Make = Callable[[Path], bytes]  # folder of fetched media -> bytes of an upload

A_SHOWS: tuple[Sequence, ...] = (("blink", "turn_left"), ("turn_left", "blink"), ("blink", "turn_left", "blink"))
B_SHOWS: tuple[Sequence, ...] = (("blink", "turn_left"),)
TURN_THEN_BLINK: tuple[Sequence, ...] = (("turn_left", "blink"),)
# Blinks and one turn. In the longer piece the head's usual pose is another, so that as filmed its turn is hardly wide enough
# (14.9 degrees, mirrored 16.3): it is taken mirrored.
A_IN_TIME = Footage(A, 1056, 1168, promptly, (False, True))
A_TOO_LATE = Footage(A, 985, 1151, first_too_late, (True,))


class Act(StrEnum):
    """How a case is handed in."""

    ONCE = "once"
    TWICE = "twice"  # the same request again
    OTHER_BODY = "other_body"  # then another clip under the same id
    LATE = "late"  # after its challenge has expired
    NO_MEDIA = "no_media"  # the referee path


class Decided(NamedTuple):
    """Expected: a decision with this verdict, this reason being decisive."""

    verdict: Verdict
    reason: Reason


class Refused(NamedTuple):
    """Expected: the request itself is refused with this problem."""

    problem: str


class Case(NamedTuple):
    """One row of the demo.

    shows: challenges to ask for; empty takes the first. filmed: for timed cues, in place of `clip` and `shows`.
    """

    name: str
    story: str
    operator: str
    expected: Decided | Refused
    portrait: Make | None = None
    clip: Make | None = None
    shows: tuple[Sequence, ...] = ()
    filmed: Footage | None = None
    act: Act = Act.ONCE
    path: RegistrationPath = "face"


def _a(folder: Path) -> bytes:
    return media.cut(folder, media.A_BLINK_TURN_BLINK)


def _b(folder: Path) -> bytes:
    return media.cut(folder, media.B_BLINK_TURN)


def _b_turn_only(folder: Path) -> bytes:
    return media.cut(folder, media.Piece("cap13_edit2.mp4", 440, 545))


def _third_person(folder: Path) -> bytes:
    return media.cut(folder, media.Piece("WolfgangLanger_Pexels.mp4", 90, 190))


def _a_portrait(folder: Path) -> bytes:
    return media.portrait(folder, media.A_PORTRAIT)


def _b_portrait(folder: Path) -> bytes:
    return media.frame_as_portrait(folder, *media.B_PORTRAIT)


def _no_face(folder: Path) -> bytes:
    return media.portrait(folder, media.NO_FACE_PORTRAIT)


def _still(folder: Path) -> bytes:
    return media.still_clip(media.photo_of(folder, media.A_PORTRAIT_OTHER))


def _moved_photo(folder: Path) -> bytes:
    return media.moved_photo_clip(media.photo_of(folder, media.A_PORTRAIT_OTHER))


def _two_faces(folder: Path) -> bytes:
    return media.two_faces_clip(folder, media.A_BLINK_TURN_BLINK, media.B_BLINK_TURN)


def _half_uploaded(folder: Path) -> bytes:
    return media.truncated(_a(folder))


def _noise(_folder: Path) -> bytes:
    return media.noise_clip()


_APPROVED = Decided("approved", Reason.ALL_CHECKS_PASSED)
_STRANGER = Decided("refused", Reason.NOT_THE_SAME_PERSON)

CASES: tuple[Case, ...] = (
    Case("cued", "A does what timed cues ask, when they ask it", "harbor", _APPROVED, _a_portrait, filmed=A_IN_TIME),
    Case(
        "cued-late",
        "A answers the first cue after the second",
        "north",
        Decided("retry", Reason.ACTION_LATE),
        _a_portrait,
        filmed=A_TOO_LATE,
    ),
    Case("genuine-a", "A with A's own document", "north", _APPROVED, _a_portrait, _a, A_SHOWS),
    Case("genuine-b", "B with B's own document", "harbor", _APPROVED, _b_portrait, _b, B_SHOWS),
    Case("a-as-b", "A with B's document", "north", _STRANGER, _b_portrait, _a, A_SHOWS),
    Case("b-as-a", "B with A's document", "harbor", _STRANGER, _a_portrait, _b, B_SHOWS),
    Case("third-as-a", "a third person with A's document", "summit", _STRANGER, _a_portrait, _third_person),
    Case("still-photo", "a photo of A held as a clip", "north", Decided("retry", Reason.FACE_FROZEN), _a_portrait, _still),
    Case(
        "moved-photo",
        "a flat photo of A moved about",
        "north",
        Decided("refused", Reason.PRESENTATION_ATTACK),
        _a_portrait,
        _moved_photo,
    ),
    Case(
        "wrong-order",
        "B blinks, then turns; asked the other way",
        "harbor",
        Decided("retry", Reason.WRONG_ORDER),
        _b_portrait,
        _b,
        TURN_THEN_BLINK,
    ),
    Case(
        "no-blink",
        "B turns and never blinks",
        "harbor",
        Decided("retry", Reason.BLINK_MISSING),
        _b_portrait,
        _b_turn_only,
        B_SHOWS,
    ),
    Case(
        "expired",
        "the challenge is used too late",
        "summit",
        Refused("challenge_expired"),
        _a_portrait,
        _a,
        A_SHOWS,
        act=Act.LATE,
    ),
    Case(
        "half-uploaded",
        "a clip whose end is missing",
        "summit",
        Decided("retry", Reason.CLIP_UNREADABLE),
        _a_portrait,
        _half_uploaded,
        A_SHOWS,
    ),
    Case(
        "no-face-portrait",
        "a document picture without a face",
        "summit",
        Decided("retry", Reason.NO_PORTRAIT_FOUND),
        _no_face,
        _a,
        A_SHOWS,
    ),
    Case("two-faces", "two people in the picture", "summit", Decided("retry", Reason.SEVERAL_FACES), _a_portrait, _two_faces),
    Case("twice", "the same request sent twice: one decision", "north", _APPROVED, _a_portrait, _a, A_SHOWS, act=Act.TWICE),
    Case(
        "other-body",
        "another clip under an id already used",
        "north",
        Refused("id_already_used"),
        _a_portrait,
        _a,
        A_SHOWS,
        act=Act.OTHER_BODY,
    ),
    Case("noise", "a clip of noise", "summit", Decided("retry", Reason.NO_FACE), _a_portrait, _noise),
    Case(
        "referee",
        "no face wanted: staff check the document",
        "summit",
        Decided("review", Reason.REFEREE_PATH),
        act=Act.NO_MEDIA,
        path="referee",
    ),
)
