"""Recordings that are cut, looped or held to answer this challenge. Real people, real motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.media import Image, Piece, as_is, mirror
from bench.presentations.genuine import portraits_of
from bench.presentations.labels import A, B, Cut, Person
from bench.presentations.optics import grain, shifted
from bench.presentations.presentation import Make, Mode, Presentation
from bench.presentations.recorder import record
from bench.presentations.shots import (
    Shot,
    each_changed,
    held,
    joined,
    part,
    reversed_in_time,
    shot_of,
    to_and_fro,
)
from realname.messages import Action
from realname.reasons import Reason

BOTH: tuple[Mode, ...] = ("cues", "no_cues")
SPLICED = (Reason.CLIP_SPLICED,)
HELD = (Reason.FACE_FROZEN, Reason.CLIP_SPLICED)
IDLED = (Reason.CLIP_SPLICED, Reason.FACE_FROZEN)

Shoot = Callable[[Path], Shot]


def replay_attacks() -> list[Presentation]:
    """Cut and looped, held until the cue, idling until the cue."""
    return [*_cut_and_loop(), *_held_until_cue(), *_idle_loop()]


def replayed(
    species: str,
    person: Person,
    shot: Shoot,
    *,
    actions: tuple[Action, ...],
    cues_at_s: Sequence[float],
    clip_s: float,
    layers: tuple[Reason, ...],
    modes: tuple[Mode, ...] = BOTH,
    group: str = "",
    clip: Make | None = None,
) -> Presentation:
    """A clip of that person with a portrait of that person."""
    return Presentation(
        id="",
        species=species,
        subject=person.name,
        portrait=portraits_of(person)[0],
        clip=clip or (lambda media: record(shot(media))),
        actions=actions,
        cues_at_s=tuple(cues_at_s),
        clip_s=clip_s,
        layers=layers,
        modes=modes,
        group=group,
    )


def piece(person: Person, first: int, last: int, change: Callable[[Image], Image] = as_is) -> Shoot:
    """Frames first..last of that person's clip."""
    return lambda media: shot_of(media, Piece(person.file, first, last), change)


def _cut_and_loop() -> list[Presentation]:
    """What was done in one order, put into another; hard cuts and dissolves; a turn mirrored about the face."""
    rows: list[Presentation] = []
    turn, blink = piece(B, 480, 545), piece(B, 415, 445)
    for dissolve in (0, 2, 4, 8):
        rows.append(
            replayed(
                "cut_and_loop",
                B,
                lambda media, lap=dissolve: joined(turn(media), blink(media), dissolve=lap),
                actions=("turn_left", "blink"),
                cues_at_s=(0.3, 2.4),
                clip_s=3.8,
                layers=SPLICED,
                group=f"turn, blink; dissolve {dissolve}",
            )
        )
        rows.append(
            replayed(
                "cut_and_loop",
                A,
                lambda media, lap=dissolve: joined(piece(A, 1120, 1145)(media), piece(A, 1062, 1110)(media), dissolve=lap),
                actions=("blink", "turn_left"),
                cues_at_s=(0.0, 1.1),
                clip_s=3.1,
                layers=SPLICED,
                group=f"blink, turn; dissolve {dissolve}",
            )
        )
        rows.append(_both_sides(dissolve))
    return [*rows, _whole_twice()]


def _whole_twice() -> Presentation:
    twice = piece(A, 1050, 1112)
    return replayed(
        "cut_and_loop",
        A,
        lambda media: joined(twice(media), twice(media)),
        actions=("blink", "turn_left"),
        cues_at_s=(0.1, 0.6),
        clip_s=5.2,
        layers=(Reason.CLIP_SPLICED, Reason.EXTRA_TURN),
        group="the whole twice",
    )


def _both_sides(dissolve: int) -> Presentation:
    return replayed(
        "cut_and_loop",
        A,
        lambda media: left_and_right(media, dissolve),
        actions=("blink", "turn_left", "turn_right"),
        cues_at_s=(0.1, 0.63, 2.4),
        clip_s=5.6,
        layers=SPLICED,
        group=f"left, mirrored for right; dissolve {dissolve}",
    )


def left_and_right(media: Path, dissolve: int = 4) -> Shot:
    """A's one turn as filmed, then mirrored and moved so that the face stays where it was: no clip turns both ways."""
    return joined(piece(A, 1050, 1112)(media), piece(A, 1068, 1140, mirrored_in_place)(media), dissolve=dissolve)


def mirrored_in_place(frame: Image) -> Image:
    """A's frame mirrored, and moved so that the face stays where it was."""
    return shifted(mirror(frame), 2 * A.middle[0] - frame.shape[1], 0)


def _held_until_cue() -> list[Presentation]:
    """Played up to an action, held on one frame until the cue comes, then played on."""
    rows: list[Presentation] = []
    for person, stop, cut in ((A, 1071, Cut(A, 1050, 1164, (0, 1))), (B, 470, Cut(B, 411, 530, (0, 1)))):
        for seconds, cover in ((1.0, ""), (2.0, ""), (2.0, "grain"), (2.0, "shake"), (1.5, "shake and grain")):
            rows.append(_held(person, stop, cut, seconds, cover=cover))
    return rows


def _held(person: Person, stop: int, cut: Cut, seconds: float, *, cover: str) -> Presentation:
    turn_s = (person.acts[1].first - cut.first) / person.rate_hz + seconds
    return replayed(
        "held_until_cue",
        person,
        held_shot(person, stop, cut, seconds, cover=cover),
        actions=("blink", "turn_left"),
        cues_at_s=(0.05, turn_s - 0.6),
        clip_s=cut.length_s + seconds,
        layers=HELD,
        group=f"{seconds:g} s {cover}".strip(),
    )


def held_shot(person: Person, stop: int, cut: Cut, seconds: float, *, cover: str = "") -> Shoot:
    """The cut, held on its frame `stop` for so long."""
    index = stop - cut.first

    def shot(media: Path) -> Shot:
        whole = piece(person, cut.first, cut.last)(media)
        before, after = part(whole, 0, index), part(whole, index + 1, len(whole.frames) - 1)
        return each_changed(joined(before, held(whole, index, seconds), after), _covered(cover))

    return shot


def _covered(cover: str) -> Callable[[int, Image], Image]:
    def change(number: int, frame: Image) -> Image:
        if "shake" in cover:
            frame = shifted(frame, 2.5 * np.sin(number / 7), 1.5 * np.cos(number / 5), zoom=1.03)
        return grain(frame, 4.0, number) if "grain" in cover else frame

    return change


def _idle_loop() -> list[Presentation]:
    """A quiet stretch is played over and over until the cue comes; then the action. To and fro leaves no jump."""
    rows: list[Presentation] = []
    plans = ((A, (1069, 1073), Cut(A, 1050, 1164, (0, 1))), (B, (455, 485), Cut(B, 411, 530, (0, 1))))
    for person, (start, end), cut in plans:
        for to_fro, seconds in ((True, 2.0), (True, 3.0), (False, 2.0), (False, 3.0)):
            rows.append(_idled(person, (start, end), cut, seconds, way="to and fro" if to_fro else "again"))
    return rows


def _idled(person: Person, quiet: tuple[int, int], cut: Cut, seconds: float, *, way: str) -> Presentation:
    turn_s = (person.acts[1].first - cut.first) / person.rate_hz + seconds
    return replayed(
        "idle_loop",
        person,
        idled_shot(person, quiet, cut, seconds, way=way),
        actions=("blink", "turn_left"),
        cues_at_s=(0.05, turn_s - 0.6),
        clip_s=cut.length_s + seconds,
        layers=IDLED,
        group=f"{way} for {seconds:g} s",
    )


def idled_shot(person: Person, stretch: tuple[int, int], cut: Cut, seconds: float, *, way: str) -> Shoot:
    """The cut, its quiet stretch of frames played over and over for so long before it goes on."""
    quiet = (stretch[0] - cut.first, stretch[1] - cut.first)

    def shot(media: Path) -> Shot:
        whole = piece(person, cut.first, cut.last)(media)
        idle = part(whole, *quiet)
        if way == "to and fro":
            filler = to_and_fro(reversed_in_time(idle), seconds)
        else:
            filler = joined(*[idle] * max(2, round(seconds / (idle.length_s + idle.step_s))), dissolve=0)
        return joined(part(whole, 0, quiet[1]), filler, part(whole, quiet[1] + 1, len(whole.frames) - 1))

    return shot
