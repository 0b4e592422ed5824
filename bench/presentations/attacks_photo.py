"""Photos held before the camera: flat, bent, with painted or cut-out eyes; and stills that something is laid over.

All are synthetic: geometry and motion are as at the counter, ink, paper and screens are not. They say nothing about PAD.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np

from bench.media import Image, Piece, frame_as_portrait, photo_of
from bench.presentations.genuine import portraits_of
from bench.presentations.labels import A, B, Person
from bench.presentations.optics import eyes_from, grain, painted_lids, resized, sheet, shifted, wall
from bench.presentations.presentation import Make, Presentation
from bench.presentations.recorder import record
from bench.presentations.shots import Shot, each_changed, shot_of
from realname.messages import Action
from realname.reasons import Reason

LENGTH_S = 3.6
BLINK_AT_S, BLINK_S = 0.9, 0.2
TURN_S = (1.9, 3.1)  # from frontal, to the widest, and back
CUES_AT_S = (0.3, 1.4)
SHEET_PX = 230  # width of the sheet on a picture of 480 x 360: eyes about 60 px apart
BLINK_TURN: tuple[Action, ...] = ("blink", "turn_left")
BLINK_OTHER: tuple[Action, ...] = ("blink", "turn_right")

# A photo cannot turn its head: its turn is missing or too small, or is seen to be flat, or the face is gone from it. PAD is
# no layer here: on pixels that were made it says nothing (facts on models, section 0), whatever it happens to say.
FLAT = (Reason.FLAT_FACE, Reason.TURN_MISSING, Reason.TURN_FURTHER, Reason.WRONG_SIDE, Reason.FACE_LOST, Reason.NO_FACE)
STILL = (Reason.FACE_FROZEN, Reason.TURN_MISSING)

Texture = Callable[[Path, float], Image]  # folder of media, seconds -> the photo as it looks then


def photo_attacks() -> list[Presentation]:
    """Every photo on every sheet, and the stills."""
    return [*_flat(), *_bent(), *_painted(), *_cut_eyes(), *_overlaid()]


def _flat() -> list[Presentation]:
    photos = (("A", _still("franck_02683.jpg", (300, 60, 640, 560))), ("B", _frame(B)), ("P", _still("single_face.jpg")))
    return [
        _sheet("photo_flat", who, photo, actions=BLINK_TURN, yaw_deg=yaw, rate_hz=rate)
        for (who, photo), (yaw, rate) in product(photos, ((20, 25), (-30, 15), (45, 25), (-60, 25), (75, 15), (-75, 25)))
    ]


def _bent() -> list[Presentation]:
    rows = product(((A, (0.8, 50)), (A, (1.4, -40)), (A, (2.2, 30)), (B, (1.4, 45)), (B, (2.2, -35)), (B, (1.8, 60))), (1, -1))
    return [
        _sheet("photo_bent", person.name, _frame(person), actions=BLINK_TURN, yaw_deg=side * yaw, bend_rad=bend)
        for (person, (bend, yaw)), side in rows
    ]


def _painted() -> list[Presentation]:
    """Lids painted over a photo that is held still, or turned, flat and bent."""
    rows = product((A, B), ((0, 0.0), (45, 0.0), (-65, 0.0), (40, 1.4), (-40, 2.2)))
    return [
        _sheet("photo_painted_blink", person.name, _painted_frame(person), actions=BLINK_TURN, yaw_deg=yaw, bend_rad=bend)
        for person, (yaw, bend) in rows
    ]


def _cut_eyes() -> list[Presentation]:
    """Real eyes behind the photo: they blink as asked, so the turn alone can tell. Both sides, since a sheet may lean either."""
    rows = product((A, B), ((45, 0.0), (60, 0.0), (75, 0.0), (40, 1.4), (60, 1.4), (40, 2.2)), (1, -1))
    return [
        _sheet(
            "photo_cut_eyes",
            person.name,
            _blinking_frame(person),
            actions=BLINK_TURN if side * yaw < 0 else BLINK_OTHER,
            yaw_deg=side * yaw,
            bend_rad=bend,
        )
        for person, (yaw, bend), side in rows
    ]


def _overlaid() -> list[Presentation]:
    """A frozen frame with motion laid over it: shaken, in grain, with eyes that blink, behind a flickering light."""
    rows: list[Presentation] = []
    for person, (overlay, texture) in product((A, B), _OVERLAYS.items()):
        whole = _whole(person, blinking=texture)
        rows.append(
            Presentation(
                id="",
                species="frozen_overlaid",
                subject=person.name,
                portrait=portraits_of(person)[0],
                clip=_recorded(lambda media, whole=whole, overlay=overlay: each_changed(whole(media), _overlay(overlay))),
                actions=BLINK_TURN,
                cues_at_s=CUES_AT_S,
                clip_s=LENGTH_S,
                layers=STILL,
                group=overlay,
            )
        )
    return rows


_OVERLAYS = {
    "none": False,
    "shake": False,
    "grain": False,
    "blink": True,
    "blink and shake": True,
    "blink, shake and grain": True,
}


def _overlay(name: str) -> Callable[[int, Image], Image]:
    wander = np.cumsum(np.random.default_rng(5).normal(0, 0.6, (1000, 2)), axis=0)
    wander -= 0.9 * np.linspace(0, 1, 1000)[:, None] * wander[-1]

    def change(number: int, frame: Image) -> Image:
        if "shake" in name:
            frame = shifted(frame, *(3 * np.tanh(wander[number] / 3)), zoom=1.03, turn_deg=float(np.sin(number / 9)))
        return grain(frame, 4.0, number) if "grain" in name else frame

    return change


def _whole(person: Person, *, blinking: bool) -> Callable[[Path], Shot]:
    texture = _blinking_frame(person, cut=False) if blinking else _frame(person, cut=False)
    return lambda media: _shot(lambda at_s: texture(media, at_s), 25)


def _sheet(
    species: str,
    who: str,
    texture: Texture,
    *,
    actions: tuple[Action, ...],
    yaw_deg: float,
    bend_rad: float = 0.0,
    rate_hz: int = 25,
) -> Presentation:
    background = wall(480, 360)

    def shot(media: Path) -> Shot:
        def seen(at_s: float) -> Image:
            return sheet(
                texture(media, at_s),
                background,
                yaw_deg=yaw_deg * _turning(at_s),
                pitch_deg=3 * np.sin(2 * at_s),
                bend_rad=bend_rad,
                width_px=SHEET_PX,
            )

        return _shot(seen, rate_hz)

    owner = {"A": A, "B": B}.get(who)
    return Presentation(
        id="",
        species=species,
        subject=who,
        portrait=portraits_of(owner)[0] if owner else _p_document,
        clip=_recorded(shot),
        actions=actions,
        cues_at_s=CUES_AT_S,
        clip_s=LENGTH_S,
        layers=FLAT,
        group=f"{yaw_deg:+d} deg, bent {bend_rad:g}",
    )


def _p_document(media: Path) -> bytes:
    """P's other take."""
    return frame_as_portrait(media, "single_face.mp4", 20)


def _shot(seen: Callable[[float], Image], rate_hz: int) -> Shot:
    at_s = tuple(number / rate_hz for number in range(round(LENGTH_S * rate_hz)))
    return Shot(tuple(seen(second) for second in at_s), at_s)


def _turning(at_s: float) -> float:
    """How far of the whole turn: nothing, out and back in a smooth swing, nothing."""
    share = (at_s - TURN_S[0]) / (TURN_S[1] - TURN_S[0])
    return float(np.sin(np.pi * share) ** 2) if 0 < share < 1 else 0.02 * float(np.sin(5 * at_s))


def _recorded(shot: Callable[[Path], Shot]) -> Make:
    return lambda media: record(shot(media))


def _still(name: str, box: tuple[int, int, int, int] | None = None) -> Texture:
    def texture(media: Path, _at_s: float) -> Image:
        photo = photo_of(media, name)
        return photo if box is None else photo[box[1] : box[3], box[0] : box[2]]

    return texture


def _frame(person: Person, *, cut: bool = True) -> Texture:
    return lambda media, _at_s: _print(person, _frame_of(media, person, person.still), cut=cut)


def _painted_frame(person: Person) -> Texture:
    def texture(media: Path, at_s: float) -> Image:
        frame = _frame_of(media, person, person.still)
        shut = BLINK_AT_S <= at_s < BLINK_AT_S + BLINK_S
        return _print(person, painted_lids(frame, person.eyes) if shut else frame, cut=True)

    return texture


def _blinking_frame(person: Person, *, cut: bool = True) -> Texture:
    """The photo, its eyes those of the same person blinking."""

    def texture(media: Path, at_s: float) -> Image:
        frame = _frame_of(media, person, person.still)
        number = int((at_s - BLINK_AT_S) * person.rate_hz)
        if 0 <= number < len(person.blinking):
            frame = eyes_from(_frame_of(media, person, person.blinking[number]), frame, person.eyes)
        return _print(person, frame, cut=cut)

    return texture


def _frame_of(media: Path, person: Person, number: int) -> Image:
    return shot_of(media, Piece(person.file, number, number)).frames[0]


def _print(person: Person, frame: Image, *, cut: bool) -> Image:
    """The face's part of a frame at twice its size, as somebody would print it; or the whole frame."""
    if not cut:
        return frame
    x, y = person.middle
    half = (person.eyes[1][2] - person.eyes[0][0]) * 1.2
    height, width = frame.shape[:2]
    left, top = int(max(x - half, 0)), int(max(y - 1.15 * half, 0))
    part = frame[top : int(min(y + 1.2 * half, height)), left : int(min(x + half, width))]
    return resized(part, 2 * part.shape[1], 2 * part.shape[0])
