"""Another person's document, a document made from the clip itself, and two people in one clip, one after the other."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2

from bench.media import Image, Piece, jpeg, mirror
from bench.presentations.attacks_replay import BOTH, piece, replayed
from bench.presentations.genuine import portraits_of
from bench.presentations.labels import A, B, Cut, Person
from bench.presentations.optics import framed, light, out_of_focus, resized
from bench.presentations.presentation import Make, Presentation
from bench.presentations.recorder import record
from bench.presentations.shots import Change, Shot, changed, joined, resampled, shot_of
from realname.messages import Action
from realname.reasons import Reason

_CUTS = (Cut(A, 1050, 1180, (1, 2)), Cut(B, 405, 545, (0, 1)))
OTHERS = (Reason.NOT_THE_SAME_PERSON, Reason.PORTRAIT_SEVERAL_FACES)
CHANGED = (Reason.FACE_CHANGED,)
TAKEN_OVER = (Reason.FACE_CHANGED, Reason.CLIP_SPLICED, Reason.NOT_THE_SAME_PERSON)  # who acts is who is matched
SIZE = (400, 300)


def identity_attacks() -> list[Presentation]:
    """Documents first, then the clips of two people."""
    return [*_others_document(), *_own_frame(), *_two_in_turn(), *_within_an_action(), *_taken_over()]


def _others_document() -> list[Presentation]:
    """A clip that is genuine in everything but whose document it is."""
    photos: dict[str, Make] = {
        "A": portraits_of(A)[0],
        "A other": portraits_of(A)[1],
        "B": portraits_of(B)[0],
        "P": lambda media: (media / "single_face.jpg").read_bytes(),
        "W": lambda media: jpeg(shot_of(media, Piece("WolfgangLanger_Pexels.mp4", 100, 100)).frames[0]),
        "group": lambda media: (media / "multi_face.jpg").read_bytes(),
    }
    return [
        replace(_genuine("others_document", cut, OTHERS), portrait=photo, group=f"{cut.person.name} as {who}")
        for cut, (who, photo) in product(_CUTS, photos.items())
        if not who.startswith(cut.person.name)
    ]


def _own_frame() -> list[Presentation]:
    """The document's picture is a frame of the clip: near an action, between them, at an end; and worked on."""
    works: dict[str, Change] = {
        "": light(1.0),
        "cropped and enlarged": lambda frame: resized(frame[40:280, 90:290], 400, 480),
        "halved": lambda frame: resized(frame, frame.shape[1] // 2, frame.shape[0] // 2),
        "brighter": light(1.2, 0.9),
        "soft": out_of_focus(0.7),
        "grey": lambda frame: cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
        "printed": lambda frame: light(0.85, 0.9)(out_of_focus(1.0)(frame)),
    }
    frames = {A: (1052, 1066, 1075, 1104, 1121, 1140, 1170), B: (408, 424, 440, 462, 490, 498, 540)}
    rows: list[Presentation] = []
    for cut in _CUTS:
        for place, number in enumerate(frames[cut.person]):
            for work, quality in (("", 92), (list(works)[place], 75)):
                row = _genuine("own_frame", cut, (Reason.PORTRAIT_IS_COPY,))
                photo = _photo(cut.person, number, works[work], quality)
                rows.append(replace(row, portrait=photo, group=f"frame {number} {work}".strip()))
    for cut in _CUTS:
        for number, (name, change) in product(frames[cut.person][2:5:2], _REDRAWN.items()):
            row = _genuine("own_frame", cut, (Reason.PORTRAIT_IS_COPY,))
            rows.append(replace(row, portrait=_photo(cut.person, number, change, 92), group=f"frame {number} {name}"))
    return rows


# As a front camera stores a selfie; as a picture is pulled to a document's proportions
_REDRAWN: dict[str, Change] = {
    "mirrored": mirror,
    "taller": lambda frame: resized(frame, frame.shape[1], frame.shape[0] * 28 // 25),
}


def _photo(person: Person, number: int, work: Change, quality: int) -> Make:
    return lambda media: jpeg(work(shot_of(media, Piece(person.file, number, number)).frames[0]), quality)


def _genuine(species: str, cut: Cut, layers: tuple[Reason, ...]) -> Presentation:
    return replayed(
        species,
        cut.person,
        piece(cut.person, cut.first, cut.last),
        actions=cut.actions,
        cues_at_s=cut.cues_at_s,
        clip_s=cut.length_s,
        layers=layers,
    )


def _two_in_turn() -> list[Presentation]:
    """One person blinks, another turns: the face changes between the actions."""
    rows: list[Presentation] = []
    for owner, pieces in ((A, (_A_BLINKS, _B_TURNS)), (B, (_B_BLINKS, _A_TURNS))):
        rows += [_mixed("face_changes", owner, pieces, lap, layers=CHANGED) for lap in (0, 4, 10)]
    return rows


def _within_an_action() -> list[Presentation]:
    """One person begins a blink or a turn, the other ends it: cut where both are in the same phase. Each as whose clip it is."""
    rows: list[Presentation] = []
    for number, (of_a, of_b) in enumerate(_SAME_PHASE):
        a_first = (Piece(A.file, _A_ALL.first, of_a), Piece(B.file, of_b + 1, _B_ALL.last))
        b_first = (Piece(B.file, _B_ALL.first, of_b), Piece(A.file, of_a + 1, _A_ALL.last + 24))
        for pieces, owner in product((a_first, b_first), (A, B)):
            rows.append(_mixed("face_changes_in_action", owner, pieces, 4 * (number % 2), layers=TAKEN_OVER))
    return rows


def _taken_over() -> list[Presentation]:
    """The owner shows the face first and last; somebody else answers the challenge in between."""
    return [
        *(_mixed("face_taken_over", A, (_A_QUIET, _B_ALL, _A_QUIET), lap, layers=TAKEN_OVER) for lap in (0, 4, 10)),
        *(_mixed("face_taken_over", B, (_B_QUIET, _A_ALL, _B_QUIET), lap, layers=TAKEN_OVER) for lap in (0, 4, 10)),
        *(_mixed("face_taken_over", A, (_A_BLINKS, _B_SHORT, _A_TURNS), lap, layers=TAKEN_OVER) for lap in (0, 4)),
        *(_mixed("face_taken_over", B, (_B_BLINKS, _A_SHORT, _B_TURNS), lap, layers=TAKEN_OVER) for lap in (0, 4)),
    ]


_A_BLINKS, _A_TURNS, _A_ALL = Piece(A.file, 1050, 1070), Piece(A.file, 1070, 1140), Piece(A.file, 1050, 1140)
_A_QUIET, _A_SHORT = Piece(A.file, 1100, 1126), Piece(A.file, 1100, 1115)
_B_BLINKS, _B_TURNS, _B_ALL = Piece(B.file, 412, 450), Piece(B.file, 480, 545), Piece(B.file, 412, 545)
_B_QUIET, _B_SHORT = Piece(B.file, 440, 470), Piece(B.file, 445, 460)


# Frames of A and of B that are as far in the same blink, or in the same turn
_SAME_PHASE = ((1062, 425), (1065, 428), (1068, 430), (1076, 502), (1082, 509), (1088, 515), (1094, 522))


def _mixed(species: str, owner: Person, pieces: tuple[Piece, ...], dissolve: int, *, layers: tuple[Reason, ...]) -> Presentation:
    lengths = [(one.last - one.first) / (A if one.file == A.file else B).rate_hz for one in pieces]
    starts_s = [sum(lengths[:index]) for index in range(len(lengths))]
    actions: tuple[Action, ...] = ("blink", "turn_left")
    answered_at_s = _cues(pieces, starts_s)
    return Presentation(
        id="",
        species=species,
        subject=owner.name,
        portrait=portraits_of(owner)[0],
        clip=lambda media: record(joined(*(_alike(media, one) for one in pieces), dissolve=dissolve)),
        actions=actions,
        cues_at_s=answered_at_s,
        clip_s=sum(lengths),
        layers=layers,
        modes=BOTH,
        group=f"{' '.join(_name(one) for one in pieces)}, dissolve {dissolve}",
    )


def _name(one: Piece) -> str:
    return "A" if one.file == A.file else "B"


def _cues(pieces: tuple[Piece, ...], starts_s: list[float]) -> tuple[float, ...]:
    """Half a second before the first blink and the first turn that the pieces show."""
    cues: list[float] = []
    for action in ("blink", "turn_left"):
        for one, start_s in zip(pieces, starts_s, strict=True):
            person = A if one.file == A.file else B
            firsts = [act.first for act in person.acts if act.action == action and one.first <= act.first <= one.last]
            if firsts:
                cues.append(max(start_s + (firsts[0] - one.first) / person.rate_hz - 0.5, 0.0))
                break
    return tuple(cues)


def _alike(media: Path, one: Piece) -> Shot:
    """Both people in one size, their faces in the middle, at one rate: only the face can tell."""
    person = A if one.file == A.file else B

    def view(frame: Image) -> Image:
        return framed(*SIZE, middle=person.middle, nearer=1.25 if person is B else 1.1)(frame)

    return resampled(changed(shot_of(media, one), view), 24)
