"""Genuine presentations: natural cuts of two people, recorded in every way that browsers record.

No cut is chosen by its verdict: the table goes through starts, ends, sequences, sides and ways of recording in turn.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from bench.media import A_PORTRAIT, A_PORTRAIT_OTHER, B_PORTRAIT, Image, as_is, frame_as_portrait, mirror, portrait
from bench.presentations.labels import MIRRORED, A, B, Cut, Person
from bench.presentations.optics import framed, light
from bench.presentations.presentation import Make, Presentation
from bench.presentations.recorder import Codec, record
from bench.presentations.shots import Change, changed, resampled, shot_of

SPECIES = "bona_fide"
_DARK, _BRIGHT, _SHADE = light(0.42), light(1.45, 0.85), light(0.7, 1.25)
_INDOORS = light(1.0)


class Way(NamedTuple):
    """How a cut is recorded. rate_hz None: as the camera did. size None: as the camera did."""

    name: str
    codec: Codec
    size: tuple[int, int] | None
    rate_hz: int | None = None
    bit_rate: int = 1_300_000
    light: Change = _INDOORS


WAYS = (
    Way("h264", "h264", None),
    Way("vp8 640x480 30 Hz", "vp8", (640, 480), 30),
    Way("vp9 480x640 15 Hz", "vp9", (480, 640), 15, 800_000),
    Way("h264 1280x720", "h264", (1280, 720), bit_rate=2_500_000),
    Way("av1 640x480", "av1", (640, 480)),
    Way("vp8 320x240 15 Hz", "vp8", (320, 240), 15, 500_000),
    Way("h264 640x480 dark", "h264", (640, 480), light=_DARK),
    Way("vp9 640x480 20 Hz", "vp9", (640, 480), 20),
    Way("vp8 480x640 bright", "vp8", (480, 640), light=_BRIGHT),
    Way("h264 480x360 30 Hz", "h264", (480, 360), 30),
    Way("av1 320x240 20 Hz", "av1", (320, 240), 20, 400_000),
    Way("vp9 1280x720", "vp9", (1280, 720), bit_rate=2_500_000),
    Way("vp9 480x640 dark 20 Hz", "vp9", (480, 640), 20, light=_DARK),
    Way("h264 640x480 bright 15 Hz", "h264", (640, 480), 15, 800_000, _BRIGHT),
    Way("vp8 640x480 shade", "vp8", (640, 480), light=_SHADE),
)

# The last cue is followed by the clip's end within 5 s (the digest's limit). Acts of A: 0 blink, 1 turn, 2-5 blinks.
_A_CUTS = (
    Cut(A, 1048, 1160, (0, 1), 0.45),
    Cut(A, 1050, 1186, (1, 2), 0.6),
    Cut(A, 1048, 1180, (0, 1, 2), 0.45),
    Cut(A, 1051, 1236, (1, 4), 0.5),
    Cut(A, 1050, 1164, (0, 1), 0.4),
    Cut(A, 1050, 1228, (1, 3), 0.7),
    Cut(A, 1049, 1226, (0, 1, 3), 0.45),
    Cut(A, 1048, 1178, (1, 2), 0.9),
    Cut(A, 1046, 1168, (0, 1), 0.45),
    Cut(A, 1052, 1234, (1, 3), 0.8),
    Cut(A, 1050, 1240, (0, 1, 4), 0.4),
    Cut(A, 1046, 1218, (1, 2), 1.0),
    Cut(A, 1049, 1172, (0, 1), 0.4),
    Cut(A, 1052, 1240, (1, 4), 0.7),
    Cut(A, 1046, 1190, (0, 1, 2), 0.5),
    Cut(A, 1047, 1222, (1, 3), 0.9),
    Cut(A, 1044, 1174, (0, 1), 0.45),
    Cut(A, 1046, 1184, (1, 2), 0.5),
    Cut(A, 1047, 1230, (0, 1, 3), 0.5),
    Cut(A, 1052, 1192, (1, 2), 0.4),
)
_B_CUTS = (
    Cut(B, 405, 545, (0, 1), 0.6, wide=False),
    Cut(B, 398, 555, (0, 1), 0.9, wide=False),
    Cut(B, 402, 530, (0, 1), 0.5, wide=False),
    Cut(B, 408, 560, (0, 1), 0.4, wide=False),
    Cut(B, 400, 540, (0, 1), 0.8, wide=False),
    Cut(B, 396, 550, (0, 1), 0.7, wide=False),
)
_A_NARROW = (
    Cut(A, 1030, 1165, (0, 1), 0.45, wide=False),
    Cut(A, 1035, 1160, (0, 1), 0.6, wide=False),
    Cut(A, 1020, 1200, (1, 2), 0.7, wide=False),
)


def genuine() -> list[Presentation]:
    """Each cut as filmed and mirrored, each in another way of recording; then once more every way."""
    rows = [
        presented(cut, WAYS[(4 * number + 7 * mirrored) % len(WAYS)], number, mirrored=bool(mirrored))
        for cuts in (_A_CUTS, _B_CUTS, _A_NARROW)
        for mirrored in (0, 1)
        for number, cut in enumerate(cuts)
    ]
    rows += [presented(_A_CUTS[(number + 1) % len(_A_CUTS)], way, number, mirrored=False) for number, way in enumerate(WAYS)]
    return rows


def presented(cut: Cut, way: Way, number: int, *, mirrored: bool, prefix: str = "genuine") -> Presentation:
    """The cut in that way of recording. number: which of the person's portraits, and of the camera's jitter."""
    actions = tuple(MIRRORED[action] for action in cut.actions) if mirrored else cut.actions
    side = "mirrored" if mirrored else "as filmed"
    return Presentation(
        id=f"{prefix}-{cut.person.name}-{cut.first}-{cut.last}-{side[0]}-{way.name}".replace(" ", "-").lower(),
        species=SPECIES,
        subject=cut.person.name,
        portrait=portraits_of(cut.person)[number % 2],
        clip=recorded(cut, way, mirrored=mirrored, seed=number),
        actions=actions,
        cues_at_s=cut.cues_at_s,
        clip_s=cut.length_s,
        counts=cut.wide,
        group=way.name,
    )


def portraits_of(person: Person) -> tuple[Make, ...]:
    """Pictures of that person from other takes."""
    if person is A:
        return (_still(A_PORTRAIT), _still(A_PORTRAIT_OTHER))
    return (_frame(*B_PORTRAIT), _frame(B_PORTRAIT[0], 70))


def recorded(cut: Cut, way: Way, *, mirrored: bool = False, seed: int = 1) -> Make:
    """The upload."""

    def make(media: Path) -> bytes:
        shot = changed(shot_of(media, cut.piece), mirror if mirrored else as_is)
        if way.rate_hz is not None:
            shot = resampled(shot, way.rate_hz)
        return record(changed(shot, _view(cut.person, way, mirrored=mirrored)), way.codec, bit_rate=way.bit_rate, seed=seed)

    return make


def _view(person: Person, way: Way, *, mirrored: bool) -> Change:
    """Size and light. B sits further off than A: where the picture gets smaller, the camera is nearer."""
    if way.size is None:
        return way.light
    width, height = way.size
    x, y = person.middle
    middle = ((360 if person is A else 400) - x, y) if mirrored else (x, y)
    near = framed(width, height, middle=middle, nearer=1.25 if person is B else 1.0)

    def view(frame: Image) -> Image:
        return way.light(near(frame))

    return view


def _still(name: str) -> Make:
    return lambda media: portrait(media, name)


def _frame(name: str, number: int) -> Make:
    return cache(lambda media: frame_as_portrait(media, name, number))
