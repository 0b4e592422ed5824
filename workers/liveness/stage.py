"""The liveness stage: asks the models, hands arrays to pure modules, returns a report. Measures and never decides."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.geometry import eye_distance_px, five_points
from models.pixels import Image, align_112
from models.registry import Models
from realname.messages import Challenge, LivenessReport
from realname.policy import Policy
from realname.reasons import Reason
from realname.stages import CHIPS_BYTES_MAX
from workers.chips import gray_chip, pack_chip
from workers.clip import Clip
from workers.liveness.continuity import constancy, frames_to_compare
from workers.liveness.quality import Quality, best_frames, candidates, capture_faults, quality_of, typical
from workers.liveness.signals import Motion, motion_of
from workers.liveness.spoof_score import pad_frames, pad_live
from workers.liveness.track import Track, longest_gap_s
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
    """chips: packed faces for the match, best first; empty where the capture is bad. Sealed by the caller."""

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
        motion = motion_of(track.points, clip.at_s, challenge, policy)
    report = _described(clip, track, motion, policy)
    signals = Signals(motion=motion, boxes=track.boxes)
    if track.seen.any():
        looks = _look(clip, track, motion, policy, watch)
        quality = typical(list(looks.values()))
        capture = (*report.capture, *capture_faults(quality, policy.clip))
        report = msgspec.structs.replace(report, quality=quality, capture=capture)
        if not capture:
            report, chips, signals = _examined(report, looks, _Scene(clip, track, motion, models, policy, watch))
            return Judged(_timed(report, models, watch), chips, signals)
    return Judged(_timed(report, models, watch), [], signals)


def _follow(clip: Clip, models: Models, policy: Policy, watch: Stopwatch) -> Track:
    """Detect now and then, locate on every frame; the luma plane is enough for landmarks."""
    track = Track(len(clip), clip.width, clip.height, policy.clip.detect_every, policy.track.overlap_min)
    for index in range(len(clip)):
        if track.detection_due(index):
            with watch.asking("detect"):
                faces = models.detector.detect(clip.bgr(index))
            track.meet(index, [face.box for face in faces])
        if track.box is not None:
            with watch.asking("landmarks"):
                points = models.landmarks.locate(clip.gray(index), track.box)
            track.follow(index, points)
    return track


def _described(clip: Clip, track: Track, motion: Motion, policy: Policy) -> LivenessReport:
    """What the track alone says."""
    several = track.crowded > policy.clip.several_share_max * track.detections
    answer, depth = motion.answer, motion.depth
    return LivenessReport(
        capture=tuple(_clip_faults(clip, track, policy, several=several)),
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
    )


def _clip_faults(clip: Clip, track: Track, policy: Policy, *, several: bool) -> list[Reason]:
    """What makes the clip unfit, before its pictures are looked at. Worst first."""
    rules, seen = policy.clip, track.seen
    lost = seen.mean() < rules.faces_share_min or longest_gap_s(seen, clip.at_s) > rules.face_gap_s_max
    faults = [
        (clip.duration_s < rules.duration_s_min, Reason.CLIP_TOO_SHORT),
        (clip.duration_s > rules.duration_s_max, Reason.CLIP_TOO_LONG),
        (clip.frame_rate_hz < rules.frame_rate_hz_min, Reason.FRAME_RATE_TOO_LOW),
        (not seen.any(), Reason.NO_FACE),
        (bool(seen.any()) and bool(lost), Reason.FACE_LOST),
        (several, Reason.SEVERAL_FACES),
    ]
    return [reason for holds, reason in faults if holds]


def _look(clip: Clip, track: Track, motion: Motion, policy: Policy, watch: Stopwatch) -> dict[int, Quality]:
    """The quality of the frames from which chips are taken."""
    looks: dict[int, Quality] = {}
    with watch.step("quality"):
        frames = candidates(
            motion.yaw_deg, motion.closedness, frontal_yaw_deg_max=policy.pad.frontal_yaw_deg_max, blink=policy.blink
        )
        for frame in frames:
            points = track.points[frame]
            looks[frame] = quality_of(
                gray_chip(clip.gray(frame), five_points(points)),
                eye_distance_px=float(eye_distance_px(points)),
                yaw_deg=float(motion.yaw_deg[frame]),
            )
    return looks


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    clip: Clip
    track: Track
    motion: Motion
    models: Models
    policy: Policy
    watch: Stopwatch

    def chip(self, frame: int) -> Image:
        """The aligned face of one frame."""
        return align_112(self.clip.bgr(frame), five_points(self.track.points[frame]))


def _examined(report: LivenessReport, looks: dict[int, Quality], scene: _Scene) -> tuple[LivenessReport, list[bytes], Signals]:
    """PAD, constancy of the face and chips of a clip that is fit to be judged."""
    policy, track, watch = scene.policy, scene.track, scene.watch
    best = best_frames(list(looks), list(looks.values()), policy.match.frames)
    frontal = pad_frames(scene.motion.yaw_deg, policy.pad)
    with watch.asking("pad"):
        scores = scene.models.spoof.score_many([(scene.clip.bgr(frame), track.boxes[frame]) for frame in frontal])
    with watch.asking("constancy"):
        compared = frames_to_compare(best[0], scene.motion.answer, track.seen, track.jumps)
        same = constancy(scene.models.embedder.embed(np.stack([scene.chip(frame) for frame in compared])))
    changed = same is not None and same < policy.track.similarity_min
    with watch.step("chips"):
        chips = _within_limit([pack_chip(scene.chip(frame)) for frame in best])
    live = pad_live(scores, policy.pad)
    lost = bool(track.jumps) and not changed  # the same face, but not followed: its motion is not to be trusted
    examined = msgspec.structs.replace(
        report,
        capture=(Reason.FACE_LOST,) if lost else (),
        pad_live=None if live is None else round(live, 4),
        pad_frames=len(scores),
        face_changed=changed,
        track_similarity_min=None if same is None else round(same, 4),
    )
    return examined, [] if lost else chips, Signals(scene.motion, track.boxes, frontal, scores, best)


def _within_limit(chips: list[bytes]) -> list[bytes]:
    """The best chips that fit one matching message when sealed. A chip always fits: 112 x 112 x 3 bytes at most."""
    kept: list[bytes] = []
    room = CHIPS_BYTES_MAX
    for chip in chips:
        room -= len(chip) + SEALING_BYTES
        if room < 0:
            break
        kept.append(chip)
    return kept


def _timed(report: LivenessReport, models: Models, watch: Stopwatch) -> LivenessReport:
    return msgspec.structs.replace(report, models=dict(models.digests), cpu_ms=watch.cpu_ms, device_ms=watch.device_ms)
