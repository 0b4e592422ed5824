"""Recordings that are played otherwise: mirrored, to both sides, backwards, too fast."""

from __future__ import annotations

from bench.media import mirror
from bench.presentations.attacks_replay import left_and_right, piece, replayed
from bench.presentations.labels import A, B, Cut
from bench.presentations.presentation import Presentation
from bench.presentations.shots import changed, reversed_in_time, sped_up
from realname.reasons import Reason

MIRROR = (Reason.CLIP_MIRRORED, Reason.WRONG_SIDE)


def played_attacks() -> list[Presentation]:
    """Mirrored, to both sides, backwards, too fast."""
    return [*_mirrored(), *_sides(), *_reversed(), *_sped_up()]


def _mirrored() -> list[Presentation]:
    """Recorded as a mirror shows it: each turn goes to the other side."""
    cuts = (
        Cut(A, 1050, 1180, (1, 2)),
        Cut(A, 1048, 1160, (0, 1), 0.45),
        Cut(A, 1050, 1222, (0, 1, 2), 0.45),
        Cut(B, 405, 545, (0, 1)),
    )
    return [
        replayed(
            "mirrored",
            cut.person,
            piece(cut.person, cut.first, cut.last, mirror),
            actions=cut.actions,
            cues_at_s=cut.cues_at_s,
            clip_s=cut.length_s,
            layers=MIRROR,
        )
        for cut in cuts
    ]


def _sides() -> list[Presentation]:
    """Turns to both sides: where one was asked, and mirrored where both were. Made of one turn, since nobody turns twice."""
    return [
        replayed(
            species,
            A,
            shot,
            actions=actions,
            cues_at_s=cues,
            clip_s=5.5,
            layers=(layer,),
        )
        for species, shot, actions, cues, layer in (
            ("extra_turn", left_and_right, ("blink", "turn_left"), (0.1, 0.63), Reason.EXTRA_TURN),
            (
                "mirrored_both",
                lambda media: changed(left_and_right(media), mirror),
                ("blink", "turn_left", "turn_right"),
                (0.1, 0.63, 2.4),
                Reason.CLIP_MIRRORED,
            ),
        )
    ]


def _reversed() -> list[Presentation]:
    """Played backwards: the actions come in the other order. Backwards to fit is a clip of another challenge."""
    rows: list[Presentation] = []
    for first, last in ((411, 545), (405, 535), (415, 555)):
        ends = [(last - frame) / B.rate_hz for frame in (525, 430)]
        rows.append(
            replayed(
                "reversed",
                B,
                lambda media, first=first, last=last: reversed_in_time(piece(B, first, last)(media)),
                actions=("blink", "turn_left"),
                cues_at_s=(max(ends[0] - 0.6, 0), ends[1] - 0.6),
                clip_s=(last - first) / B.rate_hz,
                layers=(Reason.WRONG_ORDER, Reason.ACTION_EARLY, Reason.ACTION_LATE, Reason.BLINK_MISSING),
            )
        )
    return rows


def _sped_up() -> list[Presentation]:
    """Played faster, so that more fits between cues. At a recorder's rate: only the motion is too quick."""
    cuts = (
        Cut(A, 1035, 1175, (0, 1), 0.9),
        Cut(A, 1050, 1222, (0, 1, 2), 0.5),
        Cut(A, 1050, 1200, (1, 2)),
        Cut(B, 405, 560, (0, 1)),
    )
    return [
        replayed(
            "sped_up",
            cut.person,
            lambda media, cut=cut, times=times: sped_up(piece(cut.person, cut.first, cut.last)(media), times, rate_hz=25),
            actions=cut.actions,
            cues_at_s=[cue / times for cue in cut.cues_at_s],
            clip_s=cut.length_s / times,
            layers=(Reason.CLIP_SPED_UP,),
            group=f"x {times:g}",
        )
        for cut in cuts
        for times in (1.5, 2.0, 3.0)
    ]
