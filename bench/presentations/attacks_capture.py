"""Captures that hide what must be seen: dark, glaring, blurred, tiny, two faces, a face that leaves the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.media import Image, Piece
from bench.presentations.attacks_replay import piece, replayed
from bench.presentations.labels import A, B, Cut
from bench.presentations.optics import far_away, grain, light, out_of_focus, resized, shifted, wall
from bench.presentations.presentation import Presentation
from bench.presentations.shots import Change, Shot, changed, each_changed, resampled, shot_of
from realname.reasons import Reason

_CUTS = (Cut(A, 1050, 1180, (1, 2)), Cut(B, 405, 545, (0, 1)))
GONE = (Reason.FACE_LOST, Reason.NO_FACE)


def capture_attacks() -> list[Presentation]:
    """Each spoils a genuine clip so far that nobody could say whose face it is, or that there is only one."""
    return [*_spoilt(), *_two_people(), *_leaves(), *_nobody()]


def _spoilt() -> list[Presentation]:
    ways: dict[str, tuple[tuple[Change, ...], tuple[Reason, ...]]] = {
        "low_light": ((light(0.12), light(0.08), _noisy(light(0.1))), (Reason.TOO_DARK,)),
        "glare": ((light(3.5, 0.5), light(6.0, 0.6)), (Reason.TOO_BRIGHT,)),
        "blur": ((out_of_focus(5.0), out_of_focus(7.0), _smeared(21)), (Reason.BLURRED,)),
        "tiny_face": ((far_away(0.45), far_away(0.3), far_away(0.2)), (Reason.FACE_TOO_SMALL,)),
    }
    return [
        _row(species, cut, lambda shot, change=change: changed(shot, change), layers)
        for species, (changes, layers) in ways.items()
        for change in changes
        for cut in _CUTS
    ]


def _row(species: str, cut: Cut, spoil: Callable[[Shot], Shot], layers: tuple[Reason, ...]) -> Presentation:
    return replayed(
        species,
        cut.person,
        lambda media: spoil(piece(cut.person, cut.first, cut.last)(media)),
        actions=cut.actions,
        cues_at_s=cut.cues_at_s,
        clip_s=cut.length_s,
        layers=layers,
    )


def _noisy(change: Change) -> Change:
    return lambda frame: grain(change(frame), 6.0, int(frame[0, 0, 0]))


def _smeared(length: int) -> Change:
    """The camera is moved while it exposes."""
    rows = range(-(length // 2), length // 2 + 1)

    def smear(frame: Image) -> Image:
        return np.mean([np.roll(frame, step, axis=1) for step in rows], axis=0).astype(np.uint8)

    return smear


def _two_people() -> list[Presentation]:
    """Side by side; and the second one over the shoulder, smaller."""

    def beside(media: Path, cut: Cut, share: float) -> Shot:
        other = _CUTS[1] if cut is _CUTS[0] else _CUTS[0]
        own = resampled(piece(cut.person, cut.first, cut.last)(media), 24)
        second = resampled(shot_of(media, Piece(other.person.file, other.first, other.last)), 24)

        def together(number: int, frame: Image) -> Image:
            guest = second.frames[min(number, len(second.frames) - 1)]
            guest = resized(guest, round(320 * share), round(240 * share))
            canvas = wall(320, 240).copy()
            canvas[240 - guest.shape[0] :, : guest.shape[1]] = guest
            return np.hstack([resized(frame, 320, 240), canvas])

        return each_changed(own, together)

    return [
        replayed(
            "two_people",
            cut.person,
            lambda media, cut=cut, share=share: beside(media, cut, share),
            actions=cut.actions,
            cues_at_s=cut.cues_at_s,
            clip_s=cut.length_s,
            layers=(Reason.SEVERAL_FACES, Reason.FACE_TOO_SMALL),
            group=f"second at {share:g}",
        )
        for cut in _CUTS
        for share in (1.0, 0.75)
    ]


def _leaves() -> list[Presentation]:
    """The face goes out of the picture between the actions and comes back, or is covered for a while."""
    spoils: dict[str, Callable[[int, Image], Image]] = {
        "walks out": lambda number, frame: shifted(frame, 400 * _away(number, 34, 60), 0),
        "covered": lambda number, frame: wall(frame.shape[1], frame.shape[0]) if _away(number, 34, 60) else frame,
        "leaves at the end": lambda number, frame: shifted(frame, 400 * (number > 70), 0),  # noqa: PLR2004 - a frame
    }
    return [
        _row("face_leaves", cut, lambda shot, spoil=spoil: each_changed(shot, spoil), GONE)
        for cut in _CUTS
        for spoil in spoils.values()
    ]


def _nobody() -> list[Presentation]:
    """The camera looks at a wall."""
    return [
        _row("nobody", cut, lambda shot: changed(shot, lambda frame: wall(frame.shape[1], frame.shape[0])), (Reason.NO_FACE,))
        for cut in _CUTS
    ]


def _away(number: int, first: int, last: int) -> float:
    return float(first <= number <= last)
