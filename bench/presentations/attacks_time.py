"""Clips that were handed in before, or were recorded for another challenge, or at another time than they say."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.media import Image, as_is
from bench.presentations.attacks_replay import Shoot, piece, replayed
from bench.presentations.labels import A, B, Cut
from bench.presentations.optics import framed, light
from bench.presentations.presentation import Make, Presentation
from bench.presentations.recorder import Codec, from_a_file_tool, record
from bench.presentations.shots import Shot, changed, part, resampled
from realname.messages import Action
from realname.policy import load_policy
from realname.reasons import Reason
from services.intake.cues import bounds_of, draw_plan

# A clip that does not answer what is asked, or not when it is asked.
UNASKED = (
    Reason.WRONG_ORDER,
    Reason.WRONG_SIDE,
    Reason.CLIP_MIRRORED,
    Reason.ACTION_EARLY,
    Reason.ACTION_LATE,
    Reason.TURN_MISSING,
    Reason.TURN_FURTHER,
    Reason.BLINK_MISSING,
    Reason.EXTRA_TURN,
    Reason.CLIP_OUTSIDE_VISIT,
)
_CUT_A, _CUT_B = Cut(A, 1050, 1180, (1, 2)), Cut(B, 405, 545, (0, 1))
_VISITS = 8  # plans drawn for other visits, a clip


def time_attacks() -> list[Presentation]:
    """The same clip again, the clip of another challenge, of another time, and a file that no recorder made."""
    return [*_same_again(), *_other_challenge(), *_incomplete(), *_ill_timed(), *_other_visit(), *_outside_visit(), *_file_tool()]


def _same_again() -> list[Presentation]:
    """Under another id, with cues as its thief would wish them: nothing else can tell. The bytes, or the motion."""
    rows: list[Presentation] = []
    for cut in (_CUT_A, _CUT_B):
        shoot = piece(cut.person, cut.first, cut.last)
        first = _recorded(shoot)
        for group, again in _again(cut, shoot).items():
            row = replayed(
                "same_clip_again" if group == "file" else "same_motion_again",
                cut.person,
                shoot,
                actions=cut.actions,
                cues_at_s=cut.cues_at_s,
                clip_s=cut.length_s,
                layers=(Reason.CLIP_SEEN_BEFORE,) if group == "file" else (Reason.MOTION_SEEN_BEFORE, Reason.CLIP_SEEN_BEFORE),
                modes=("cues",),
                group=group,
                clip=first if group == "file" else again,
            )
            rows.append(replace(row, earlier=(first,)))
    return rows


def _again(cut: Cut, shoot: Shoot) -> dict[str, Make]:
    """What a thief does to a clip so that its bytes differ."""
    wide = framed(640, 480, middle=cut.person.middle)
    return {
        "file": _recorded(shoot),
        "re-encoded": _recorded(shoot, seed=9, bit_rate=600_000),
        "as VP8": _recorded(shoot, codec="vp8"),
        "640x480, brighter": _recorded(shoot, change=lambda frame: light(1.25)(wide(frame))),
        "15 Hz": _recorded(lambda media: resampled(shoot(media), 15)),
        "end cut off": _recorded(lambda media: part(shoot(media), 0, len(shoot(media).frames) - 16)),
        "start cut off": _recorded(lambda media: part(shoot(media), 2, len(shoot(media).frames) - 1)),
    }


def _recorded(
    shoot: Shoot, *, codec: Codec = "h264", seed: int = 1, bit_rate: int = 1_300_000, change: Callable[[Image], Image] = as_is
) -> Make:
    def make(media: Path) -> bytes:
        shot: Shot = changed(shoot(media), change)
        return record(shot, codec, bit_rate=bit_rate, seed=seed)

    return make


def _other_challenge() -> list[Presentation]:
    """Another order, side or number of actions than the clip shows."""
    asked: tuple[tuple[Cut, tuple[Action, ...], tuple[float, ...]], ...] = (
        (_CUT_B, ("turn_left", "blink"), (0.4, 2.6)),
        (_CUT_B, ("blink", "turn_right"), (0.2, 3.2)),
        (_CUT_B, ("blink", "turn_left", "blink"), (0.2, 3.2, 5.0)),
        (_CUT_B, ("turn_left", "turn_right", "blink"), (0.2, 2.2, 4.2)),
        (_CUT_A, ("turn_right", "blink"), (0.4, 2.6)),
        (_CUT_A, ("turn_left", "blink", "turn_right"), (0.4, 2.6, 4.6)),
        (_CUT_A, ("blink", "turn_right", "turn_left"), (0.1, 1.9, 4.0)),
    )
    return [
        replayed(
            "other_challenge",
            cut.person,
            piece(cut.person, cut.first, cut.last),
            actions=actions,
            cues_at_s=cues,
            clip_s=cut.length_s,
            layers=UNASKED,
            group=" ".join(actions),
        )
        for cut, actions, cues in asked
    ]


def _incomplete() -> list[Presentation]:
    """One action is missing, too small, or one too many: each stopped by its own reason alone."""
    rows = (
        (Cut(B, 440, 545, (1,)), ("blink", "turn_left"), (0.2, 1.9), Reason.BLINK_MISSING),
        (Cut(A, 1100, 1200, ()), ("blink", "turn_left"), (0.4, 2.2), Reason.TURN_MISSING),
        (Cut(B, 530, 600, ()), ("turn_left", "blink"), (0.6, 2.0), Reason.TURN_FURTHER),
    )
    return [
        replayed(
            "incomplete",
            cut.person,
            piece(cut.person, cut.first, cut.last),
            actions=actions,
            cues_at_s=cues,
            clip_s=cut.length_s,
            layers=(layer,),
            group=str(layer),
        )
        for cut, actions, cues, layer in rows
    ]


def _ill_timed() -> list[Presentation]:
    """The right actions, but one of them before its cue, or too long after it: a clip that runs on by itself."""
    rows = (
        (_CUT_A, (0.4, 4.6), Reason.ACTION_EARLY),  # the last blink begins at 4.3 s
        (_CUT_B, (1.6, 3.28), Reason.ACTION_EARLY),  # the blink is at 0.8 s
        (_CUT_B, (0.2, 4.85), Reason.ACTION_EARLY),  # the turn begins at 3.9 s
        (Cut(A, 1051, 1236, (1, 4)), (0.0, 0.1), Reason.ACTION_LATE),
        (Cut(B, 398, 545, (0, 1)), (0.0, 0.1), Reason.ACTION_LATE),  # the turn peaks at 4.6 s
    )
    return [
        replayed(
            "ill_timed",
            cut.person,
            piece(cut.person, cut.first, cut.last),
            actions=cut.actions,
            cues_at_s=cues,
            clip_s=cut.length_s,
            layers=(layer,),
            modes=("cues",),
            group=str(layer),
        )
        for cut, cues, layer in rows
    ]


def _other_visit() -> list[Presentation]:
    """A finished clip that is started with the challenge, under cues drawn as the server draws them.

    Drawn by fixed seeds, in order, none left out. How often one passes by luck: bench/presentations/luck.py.
    """
    bounds = bounds_of(load_policy("production"), digest_within_s=5.0)
    rows: list[Presentation] = []
    for number in range(_VISITS):
        plan = draw_plan(random.Random(number), bounds)
        cut = (_CUT_A, _CUT_B)[number % 2]
        rows.append(
            replayed(
                "other_visit",
                cut.person,
                piece(cut.person, cut.first, cut.last),
                actions=plan.actions,
                cues_at_s=plan.at_s,
                clip_s=cut.length_s,
                layers=UNASKED,
                modes=("cues",),
                group=" ".join(plan.actions),
            )
        )
    return rows


def _outside_visit() -> list[Presentation]:
    """Longer than the time from its start to its digest: it was not recorded in this visit."""
    row = replayed(
        "outside_visit",
        A,
        piece(A, _CUT_A.first, 1222),
        actions=_CUT_A.actions,
        cues_at_s=_CUT_A.cues_at_s,
        clip_s=7.2,
        layers=(Reason.CLIP_OUTSIDE_VISIT,),
        modes=("cues",),
    )
    late_start = replace(row, cues_at_s=tuple(cue - 0.6 for cue in row.cues_at_s), group="begun after the first cue")
    return [replace(row, digest_after_s=-wait, group=f"digest {wait:g} s before its end") for wait in (1.0, 2.0)] + [late_start]


def _file_tool() -> list[Presentation]:
    """A genuine clip as a converter writes it: only how the file is made tells, so it may at most be looked at."""
    return [
        replayed(
            "file_tool",
            cut.person,
            piece(cut.person, cut.first, cut.last),
            actions=cut.actions,
            cues_at_s=cut.cues_at_s,
            clip_s=cut.length_s,
            layers=(Reason.RECORDER_UNLIKELY,),
            modes=("cues",),
            clip=lambda media, cut=cut: from_a_file_tool(piece(cut.person, cut.first, cut.last)(media)),
        )
        for cut in (_CUT_A, _CUT_B)
    ]
