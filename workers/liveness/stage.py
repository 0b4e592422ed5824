"""The liveness stage: asks the models, hands arrays to pure modules, returns a report. Measures and never decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.geometry import Affine, arcface_map, five_points
from models.pixels import Image
from models.registry import Models
from realname.messages import Challenge, LivenessReport
from realname.policy import Policy, TrackRules
from realname.reasons import Reason
from realname.stages import CHIPS_BYTES_MAX
from workers.chips import SMALL_FACE_PX, core_details, full_range, gray_chip, pack_best, small_face
from workers.clip import Clip
from workers.glimpses import CORE_PX, GLIMPSE_BYTES, GLIMPSES_MAX, MARK, pack_glimpses
from workers.liveness.choice import best_of, candidate_groups, fit_frames, spread
from workers.liveness.continuity import constancy, sides_of
from workers.liveness.leaps import Leaps, leaps_of
from workers.liveness.sameness import Sameness
from workers.liveness.signals import Motion, motion_of
from workers.liveness.spoof_score import pad_frames, pad_live
from workers.liveness.stalls import longest_stall_s, said_again
from workers.liveness.track import Track, longest_gap_s, longest_hidden_s
from workers.quality import Quality, capture_faults, compression_of, quality_of, scene_faults, scores_of, typical, worst_first
from workers.recording import facts_of, signs_of
from workers.stopwatch import Stopwatch

SEALING_BYTES = 400  # a sealed chip is at most this much longer: header, key id (<= 80), wrapped key, nonce, tag


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """What the report was drawn from, for a person who wants to look. Never on the wire.

    boxes: (T, 4), NaN where no face was followed. pad_scores: of pad_frames. chip_frames: best first.
    """

    motion: Motion
    boxes: NDArray[np.float32]
    pad_frames: list[int] = field(default_factory=list[int])
    pad_scores: list[float] = field(default_factory=list[float])
    chip_frames: list[int] = field(default_factory=list[int])


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """chips: packed faces for the match, best first, then glimpses (workers/glimpses.py); none where the capture is bad."""

    report: LivenessReport
    chips: list[bytes]
    signals: Signals


def judge_liveness(clip: Clip, challenge: Challenge, models: Models, policy: Policy) -> Judged:
    """Measure one clip. The same clip gives the same report, but for its times.

    A clip that is unfit to be judged (`capture`) ends early: PAD, constancy and chips would not be looked at.
    """
    watch = Stopwatch()
    track = _follow(clip, models, policy, watch)
    with watch.step("signals"):
        motion = motion_of(track.points, clip.at_s, challenge, policy, askew=track.askew)
    report = _described(clip, track, motion, policy)
    if not track.seen.any():
        return Judged(_timed(report, models, watch), [], Signals(motion, track.boxes))
    scene = _Scene(clip, track, motion, models, policy, watch)
    groups, looks = scene.look()
    quality = typical(list(looks.values()))
    capture = worst_first((*report.capture, *capture_faults(quality, policy.quality)))
    report = msgspec.structs.replace(report, quality=quality, capture=capture)
    if capture:
        return Judged(_timed(report, models, watch), [], Signals(motion, track.boxes))
    best = best_of(groups, dict(zip(looks, scores_of(list(looks.values())), strict=True)))
    report, chips, signals = _examined(report, best, scene)
    return Judged(_timed(report, models, watch), chips, signals)


def _follow(clip: Clip, models: Models, policy: Policy, watch: Stopwatch) -> Track:
    """Detect now and then, locate on every frame; the luma plane is enough for landmarks."""
    track = Track(len(clip), clip.width, clip.height, policy.clip.detect_every, policy.track.overlap_min)
    for index in range(len(clip)):
        due = track.detection_due(index)
        if due:
            with watch.asking("detect"):
                faces = models.detector.detect(clip.bgr(index))
            track.meet(index, [face.box for face in faces])
        if track.box is not None:
            with watch.asking("landmarks"):
                if due:
                    points, mirrored = models.landmarks.locate_both_ways(clip.gray(index), track.box)
                    track.compare(index, points, mirrored)
                else:
                    points = models.landmarks.locate(clip.gray(index), track.box)
            track.follow(index, points)
    return track


def _described(clip: Clip, track: Track, motion: Motion, policy: Policy) -> LivenessReport:
    """What the track alone says."""
    several = track.crowded > policy.clip.several_share_max * track.detections
    answer, depth = motion.answer, motion.depth
    return LivenessReport(
        capture=_clip_faults(clip, track, policy, several=several, cut_off=motion.cut_off),
        challenge_unmet=answer.unmet,
        duration_s=round(clip.duration_s, 3),
        frames=clip.frames_decoded,
        frames_judged=len(clip),
        frames_with_face=int(track.seen.sum()),
        frame_rate_hz=round(clip.frame_rate_hz, 2),
        parallax=None if depth is None else round(depth.parallax, 4),
        yaw_range_deg=None if depth is None else round(depth.yaw_range_deg, 2),
        several_faces=several,
        actions=answer.actions,
        extra_blinks=answer.extra_blinks,
        extra_turns=answer.extra_turns,
        blinks_at_s=tuple(round(blink.at_s, 3) for blink in motion.blinks),
        turns_at_s=tuple(round(turn.at_s, 3) for turn in motion.turns),
        turns_deg=tuple(round(turn.deg if turn.side == "left" else -turn.deg, 2) for turn in motion.turns),
        turn_width=None if motion.width is None else round(motion.width, 4),
        turned_s=None if motion.turned_s is None else round(motion.turned_s, 3),
        signs=(
            *signs_of(clip.recording, policy.clip.recorder_marks_min),
            *([Reason.CLIP_SPED_UP] if _is_quick(motion, policy) else []),
        ),
        recording=facts_of(clip.recording),
    )


def _is_quick(motion: Motion, policy: Policy) -> bool:
    """Whether a turn is too short to be told from one that is played faster."""
    return motion.turned_s is not None and motion.turned_s < policy.turn.turned_s_min


def _clip_faults(clip: Clip, track: Track, policy: Policy, *, several: bool, cut_off: bool) -> tuple[Reason, ...]:
    """What makes the clip unfit, before its pictures are looked at. Worst first.

    cut_off: of Motion. How quick a turn is cannot be told then, and a clip that is played faster would pass by ending in it.
    """
    rules, seen = policy.clip, track.seen
    hidden = rules.hidden_s_max < longest_hidden_s(seen, clip.at_s, track.jumps)
    lost = hidden or seen.mean() < rules.faces_share_min or longest_gap_s(seen, clip.at_s) > rules.face_gap_s_max
    stalled = rules.frame_gap_s_max < longest_stall_s(clip.at_s)
    faults: list[tuple[bool, Reason]] = [
        (clip.duration_s < rules.duration_s_min or cut_off, Reason.CLIP_TOO_SHORT),
        (clip.duration_s > rules.duration_s_max, Reason.CLIP_TOO_LONG),
        (clip.frame_rate_hz < rules.frame_rate_hz_min or stalled, Reason.FRAME_RATE_TOO_LOW),
        (not seen.any(), Reason.NO_FACE),
        (bool(seen.any()) and bool(lost), Reason.FACE_LOST),
        (several, Reason.SEVERAL_FACES),
    ]
    if lost:  # the light may be why
        middle = clip.gray(len(clip) // 2).mean()
        faults += [(True, reason) for reason in scene_faults(float(full_range(middle)), policy.quality)]
    return worst_first(reason for holds, reason in faults if holds)


@dataclass(frozen=True, eq=False)  # without slots, in which nothing can be kept
class _Scene:
    """What is known of one clip that shows a face."""

    clip: Clip
    track: Track
    motion: Motion
    models: Models
    policy: Policy
    watch: Stopwatch

    def chip(self, frame: int) -> Image:
        """The aligned face of one frame."""
        return self.models.embedder.cut(self.clip.bgr(frame), self.track.points[frame])

    @cached_property
    def ways(self) -> dict[int, Affine]:
        """Of each frame that shows the face, in time: how it is laid into a chip. Three layers ask for it."""
        return {frame: arcface_map(five_points(self.track.points[frame])) for frame in np.flatnonzero(self.track.seen).tolist()}

    def continuity(self) -> tuple[Leaps, float | None, Sameness]:
        """Where the face suddenly changes, how unlike the two most alike stretches are, and what was held or came again."""
        faces = np.full((len(self.clip), SMALL_FACE_PX, SMALL_FACE_PX), np.nan, np.float32)
        for frame in self.ways:
            faces[frame] = small_face(self.clip.gray(frame), self.ways[frame])
        at_s = self.clip.at_s
        leaps = leaps_of(faces, at_s, drift_max=self.policy.track.face_drift_max)
        return leaps, *said_again(self.clip.small, self.details, at_s)

    @cached_property
    def details(self) -> NDArray[np.float32]:
        """(T, CORE_PX * CORE_PX) of each frame the finest of the aligned face's core; NaN where it was not seen."""
        found = np.full((len(self.clip), CORE_PX * CORE_PX), np.nan, np.float32)
        for frame in self.ways:
            found[frame] = core_details(self.clip.gray(frame), self.ways[frame]).reshape(-1)
        return found

    def packed(self, best: Sequence[int]) -> list[bytes]:
        """The chips of these frames, as many as leave room for the glimpses: whose clip is grainy must not escape those."""
        glimpses = min(GLIMPSES_MAX, int(self.track.seen.sum())) * GLIMPSE_BYTES + len(MARK) + SEALING_BYTES
        chips = [self.chip(frame) for frame in best]
        return pack_best(chips, bytes_max=CHIPS_BYTES_MAX - glimpses, extra_bytes=SEALING_BYTES)

    def glimpses(self, chips: Sequence[bytes]) -> list[bytes]:
        """Of every frame, but where a single chip is so large: then evenly over the clip, as there is room beside it."""
        room = CHIPS_BYTES_MAX - sum(len(chip) + SEALING_BYTES for chip in chips) - SEALING_BYTES - len(MARK)
        seen = np.flatnonzero(self.track.seen).tolist()
        frames = spread(seen, min(GLIMPSES_MAX, max(0, room) // GLIMPSE_BYTES))
        return [pack_glimpses(self.details[frames])] if frames else []

    def look(self) -> tuple[list[list[int]], dict[int, Quality]]:
        """The frames from which chips may be taken, in groups, and how good each is."""
        rules, motion = self.policy, self.motion
        acted = [event for event in motion.answer.taken if event is not None]
        with self.watch.step("quality"):
            fit = fit_frames(
                motion.yaw_deg, motion.closedness, frontal_yaw_deg_max=rules.pad.frontal_yaw_deg_max, blink=rules.blink
            )
            groups = candidate_groups(fit, acted, rules.match.frames)
            candidates = [frame for group in groups for frame in group]
            once = self._compression(candidates[len(candidates) // 2])
            looks = {frame: self._quality(frame, once) for frame in candidates}
        return groups, looks

    def _compression(self, frame: int) -> float:
        """Of one frame: a clip has one encoder."""
        return compression_of(self.clip.gray(frame), self.track.boxes[frame])

    def _quality(self, frame: int, compression: float) -> Quality:
        gray, points, box = self.clip.gray(frame), self.track.points[frame], self.track.boxes[frame]
        return quality_of(
            gray_chip(gray, self.ways[frame]),
            points,
            box,
            yaw_deg=float(self.motion.yaw_deg[frame]),
            compression=compression,
            single=float(np.median(self.track.singles)),
        )


def _examined(report: LivenessReport, best: list[int], scene: _Scene) -> tuple[LivenessReport, list[bytes], Signals]:
    """PAD, chips and constancy of the face of a clip that is fit to be judged. best: the chips' frames, best first."""
    policy, track, watch = scene.policy, scene.track, scene.watch
    frontal = pad_frames(scene.motion.yaw_deg, policy.pad)
    with watch.asking("pad"):
        scores = scene.models.spoof.score_many([(scene.clip.bgr(frame), track.boxes[frame]) for frame in frontal])
    with watch.step("chips"):
        chips = scene.packed(best)
    with watch.step("continuity"):
        leaps, repeat, same_picture = scene.continuity()
    doubtful = [frame for pair in leaps.doubtful for frame in pair]
    same = None
    if track.jumps or doubtful or len(chips) < len(best):
        with watch.asking("constancy"):
            compared = sorted({*best, *sides_of(track.jumps, track.seen), *doubtful})
            faces = scene.models.embedder.embed(np.stack([scene.chip(frame) for frame in compared]))
            same = constancy(scene.models.embedder.compare(faces, faces))
    calibrated = scene.models.digests["embedder"] == policy.calibration.embedder  # else its likeness says nothing
    changed = same is not None and calibrated and same < policy.same_face_min
    live = pad_live(scores, policy.pad)
    lost = bool(track.jumps) and not changed  # the same face, but not followed: its motion is not to be trusted
    examined = msgspec.structs.replace(
        report,
        capture=(Reason.FACE_LOST,) if lost else (),
        pad_live=None if live is None else round(live, 4),
        pad_frames=len(scores),
        face_changed=changed,
        track_similarity_min=None if same is None else round(same, 4),
        face_leap=None if leaps.step is None else round(leaps.step, 4),
        repeat=None if repeat is None else round(repeat, 4),
        drift=None if same_picture.drift is None else round(same_picture.drift, 3),
        again=None if same_picture.again is None else round(same_picture.again, 3),
        signs=(*report.signs, *_signs_of_continuity(leaps, repeat, same_picture, policy.track)),
    )
    if not lost:
        with watch.step("chips"):
            chips += scene.glimpses(chips)
    return examined, [] if lost else chips, Signals(scene.motion, track.boxes, frontal, scores, best)


def _signs_of_continuity(leaps: Leaps, repeat: float | None, same: Sameness, rules: TrackRules) -> list[Reason]:
    """What says that this is not one recording of a living face, played once and forwards."""
    leapt = leaps.step is not None and leaps.step > rules.face_leap_max
    looped = (repeat is not None and repeat < rules.repeat_min) or (same.again is not None and same.again < rules.again_min)
    held = same.drift is not None and same.drift < rules.drift_min
    return [reason for fires, reason in ((held, Reason.FACE_FROZEN), (leapt or looped, Reason.CLIP_SPLICED)) if fires]


def _timed(report: LivenessReport, models: Models, watch: Stopwatch) -> LivenessReport:
    return msgspec.structs.replace(report, models=dict(models.digests), cpu_ms=watch.cpu_ms, device_ms=watch.device_ms)
