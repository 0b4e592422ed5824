"""What is done while nobody looks: frames are left out, the lens is covered, or the clip ends before the act does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.media import Image
from bench.presentations.attacks_replay import Shoot, held_shot, idled_shot, mirrored_in_place, piece, replayed
from bench.presentations.labels import A, B, Cut, Person
from bench.presentations.presentation import Presentation
from bench.presentations.shots import Shot, joined, sped_up
from realname.reasons import Reason

STALLED = (Reason.FRAME_RATE_TOO_LOW, Reason.FACE_FROZEN, Reason.CLIP_SPLICED)
COVER_LUMA, COVER_NOISE = 90.0, 25.0  # of what is held before the lens: a sleeve


def unwatched_attacks() -> list[Presentation]:
    """A stall hides a hold or a loop, a cover a cut, the clip's end how quick the turn was."""
    return [*_held_stalling(), *_idle_stalling(), *_cut_behind_cover(), *_ended_in_turn()]


def _held_stalling() -> list[Presentation]:
    """As held_until_cue, with a frame every so many seconds while it is held, as of a camera that stalls."""
    return [
        _stalling("held_stalling", person, cut, held_shot(person, stop, cut, seconds), stop, seconds, gap_s)
        for person, stop, cut in ((A, 1071, Cut(A, 1050, 1164, (0, 1))), (B, 470, Cut(B, 411, 530, (0, 1))))
        for seconds, gap_s in ((1.0, 0.12), (1.0, 0.16), (2.0, 0.16), (1.0, 0.3), (2.0, 0.45))
    ]


def _idle_stalling() -> list[Presentation]:
    """As idle_loop, stalling while it idles."""
    plans = ((A, (1069, 1073), Cut(A, 1050, 1164, (0, 1))), (B, (455, 485), Cut(B, 411, 530, (0, 1))))
    return [
        _stalling("idle_stalling", person, cut, idled_shot(person, quiet, cut, 2.0, way=way), quiet[1], 2.0, gap_s)
        for person, quiet, cut in plans
        for way in ("to and fro", "again")
        for gap_s in (0.12, 0.16, 0.3)
    ]


def _stalling(species: str, person: Person, cut: Cut, shoot: Shoot, stop: int, seconds: float, gap_s: float) -> Presentation:
    starts_s = (stop - cut.first) / person.rate_hz
    turn_s = (person.acts[1].first - cut.first) / person.rate_hz + seconds
    return replayed(
        species,
        person,
        lambda media: stalled(shoot(media), starts_s, starts_s + seconds, gap_s),
        actions=("blink", "turn_left"),
        cues_at_s=(0.05, turn_s - 0.6),
        clip_s=cut.length_s + seconds,
        layers=STALLED,
        group=f"{seconds:g} s, a frame every {gap_s:g} s",
    )


def stalled(shot: Shot, start_s: float, end_s: float, gap_s: float) -> Shot:
    """Without the frames that come sooner than gap_s after the last one, between two times."""
    frames: list[Image] = []
    at_s: list[float] = []
    for frame, time_s in zip(shot.frames, shot.at_s, strict=True):
        if at_s and start_s <= time_s <= end_s and time_s - at_s[-1] < gap_s - 1e-6:
            continue
        frames.append(frame)
        at_s.append(time_s)
    return Shot(tuple(frames), tuple(at_s))


def _cut_behind_cover() -> list[Presentation]:
    """A's one turn as filmed, then mirrored, with the lens covered between them for a few frames."""
    rows: list[Presentation] = []
    for frames in (1, 2, 4, 7):
        for first, second in ((1108, 1072), (1112, 1068)):
            rows.append(
                replayed(
                    "cut_behind_cover",
                    A,
                    lambda media, ends=(first, second), n=frames: _covered(media, *ends, n),
                    actions=("blink", "turn_left", "turn_right"),
                    cues_at_s=(0.1, 0.63, 2.4),
                    clip_s=5.6,
                    layers=(Reason.FACE_LOST, Reason.CLIP_SPLICED),
                    group=f"{first}/{second}, {frames} frames",
                )
            )
    return rows


def _covered(media: Path, first: int, second: int, frames: int) -> Shot:
    """The two halves of attacks_replay's left_and_right, a cover between."""
    one = piece(A, 1050, first)(media)
    other = piece(A, second, 1140, mirrored_in_place)(media)
    chance = np.random.default_rng(frames)
    sleeve = tuple(
        np.clip(chance.normal(COVER_LUMA, COVER_NOISE, one.frames[0].shape), 0, 255).astype(np.uint8) for _ in range(frames)
    )
    cover = Shot(sleeve, tuple(number * one.step_s for number in range(frames)))
    return joined(one, cover, other, dissolve=0)


def _ended_in_turn() -> list[Presentation]:
    """Played faster, and the clip ends with the turn: how long it would have lasted is not seen."""
    rows: list[Presentation] = []
    for person, start, end in ((A, 985, 1089), (B, 396, 514)):
        blink, turn = person.acts[0].first, person.acts[1].first
        for times in (1.5, 2.0, 2.5):
            turn_cue_s = (turn - start) / person.rate_hz / times - 0.1
            blink_cue_s = (blink - start) / person.rate_hz / times - 0.1
            rows.append(
                replayed(
                    "ended_in_turn",
                    person,
                    lambda media, who=person, ends=(start, end), x=times: sped_up(piece(who, *ends)(media), x, rate_hz=25),
                    actions=("blink", "turn_left"),
                    cues_at_s=(max(0.02, min(turn_cue_s - 1.8, blink_cue_s)), turn_cue_s),
                    clip_s=(end - start) / person.rate_hz / times,
                    layers=(Reason.CLIP_TOO_SHORT, Reason.CLIP_SPED_UP, Reason.TURN_FURTHER),
                    group=f"x {times:g}",
                )
            )
    return rows
