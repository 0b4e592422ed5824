"""Thresholds and rules, versioned. Read from a TOML file; everything that judges takes it as a value.

A file may say `inherits = "production"` and name only what differs.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import msgspec
from msgspec import Meta, Struct

from realname.calibration import Calibration, Rate, load_calibration
from realname.drift import DriftRules
from realname.errors import SettingsWrong
from realname.messages import Unit
from realname.reasons import Reason
from realname.shipped import read_toml

INHERITS_MAX = 4  # policies in a row


class Effect(StrEnum):
    """What a layer's reason leads to. NOTE: the decision says it, and it decides nothing. OFF: not looked at."""

    REFUSED = "refused"
    RETRY = "retry"
    REVIEW = "review"
    NOTE = "note"
    OFF = "off"


# Every reason whose weight is the policy's to choose, the layers and the challenge, and what the shipped production policy
# makes of it. What is not here is fixed in verdicts.py: a bad capture is a retry, missing evidence a review, whatever a
# policy says. A policy that was activated before a reason was known says nothing of it: then this holds, so that a layer
# which is added takes nobody's policy away.
SHIPPED_EFFECTS: dict[Reason, Effect] = {
    Reason.PRESENTATION_ATTACK: Effect.REFUSED,
    Reason.FLAT_FACE: Effect.REFUSED,
    Reason.FACE_CHANGED: Effect.REFUSED,
    Reason.PORTRAIT_IS_COPY: Effect.REFUSED,
    Reason.NOT_THE_SAME_PERSON: Effect.REFUSED,
    Reason.FACE_FROZEN: Effect.RETRY,
    Reason.CLIP_SPLICED: Effect.RETRY,
    Reason.CLIP_SPED_UP: Effect.RETRY,
    Reason.CLIP_SEEN_BEFORE: Effect.REFUSED,
    Reason.MOTION_SEEN_BEFORE: Effect.REVIEW,
    Reason.DUPLICATE_CHECK_UNAVAILABLE: Effect.NOTE,
    Reason.RECORDER_UNLIKELY: Effect.REVIEW,
    Reason.BLINK_MISSING: Effect.RETRY,
    Reason.TURN_MISSING: Effect.RETRY,
    Reason.TURN_FURTHER: Effect.RETRY,
    Reason.WRONG_ORDER: Effect.RETRY,
    Reason.WRONG_SIDE: Effect.RETRY,
    Reason.EXTRA_TURN: Effect.RETRY,
    Reason.ACTION_EARLY: Effect.RETRY,
    Reason.ACTION_LATE: Effect.RETRY,
    Reason.CLIP_MIRRORED: Effect.RETRY,
    Reason.CLIP_OUTSIDE_VISIT: Effect.RETRY,
}
WEIGHED = frozenset(SHIPPED_EFFECTS)


class ClipRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What a clip must be to be judged."""

    duration_s_min: float
    duration_s_max: float
    frame_rate_hz_min: float
    process_hz_min: float  # frames are thinned by pts to at least this rate
    detect_every: int  # processed frames between detections; the box is carried by the landmarks
    faces_share_min: float  # share of judged frames that show the face
    several_share_max: float  # share of detections with a second face of comparable size
    face_gap_s_max: float  # longest time without the face, at the clip's ends too
    recorder_marks_min: int  # at and above: no recorder is likely to have made the file (workers/recording.py)
    # Unless a policy says so, longer than any clip: policies of before these rules go on as they were.
    hidden_s_max: float = 3600.0  # longest time without the face between two frames that show it
    frame_gap_s_max: float = 3600.0  # longest time between two judged frames


class QualityRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What the clip's face must look like; workers/quality.py says how each ISO/IEC 29794-5 component is measured.

    Held against the median over the frames that might be matched. What is not met ends in a retry, never worse.
    """

    inter_eye_distance_px_min: float
    luminance_mean_min: float  # 0..255
    luminance_mean_max: float
    under_exposure_prevention_min: Unit
    over_exposure_prevention_min: Unit
    illumination_uniformity_min: Unit
    sharpness_min: float
    eyes_visible_min: Unit
    head_pose_roll_deg_max: float
    contrast_min: float = 0.0


class BlinkRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Closedness = 1 - EAR / the clip's own median EAR."""

    closedness_min: float
    hysteresis: Unit  # a blink ends below hysteresis x closedness_min
    duration_s_max: float


class TurnRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Yaw = nose ratio x 36 degrees against the clip's own neutral; + is the nose nearer the image's right edge."""

    yaw_deg_min: float
    hysteresis: Unit
    parallax_min: float  # below it, where the yaw range suffices, the face is flat
    parallax_yaw_range_deg_min: float
    width_min: float = 0.0  # of a head, at the turn: below it, and less deep than deep_min, the face is flat
    deep_min: float = 0.0  # parallax from which on the width says nothing
    turned_s_min: float = 0.0  # beyond half its angle: a shorter turn is too quick to be told from a clip played faster


class TrackRules(Struct, frozen=True, forbid_unknown_fields=True):
    """One continuous track of one face."""

    overlap_min: Unit  # IoU of a detection with the carried box
    change_fmr: Rate  # above: what is seen along the track, or in the matched frames, is not one face
    face_drift_max: float  # change of the aligned face over a third of a second, from which on embeddings are asked
    face_leap_max: float  # the same from frame to frame, of one face: above it the recording was cut
    repeat_min: float  # unlikeness of the two most alike stretches: below it one was shown again
    drift_min: float = 0.0  # a stretch that drifts less is a held picture (workers/liveness/sameness.py)
    again_min: float = 0.0  # a stretch that is more alike to a later one was played again


class PadRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Passive PAD: median live probability of near-frontal frames."""

    live_min: Unit  # at and above: live
    review_min: Unit  # below: refused; between: review
    frames_min: int
    frontal_yaw_deg_max: float
    model: str  # as reports name it: the one that live_min and review_min were measured for


class CueRules(Struct, frozen=True, forbid_unknown_fields=True):
    """When an action answers its cue. Held only where the challenge had cues."""

    reaction_s_min: float  # a movement that peaks sooner after its cue was begun before it
    within_s: float  # after its cue an action's peak is late
    slack_s: float  # of the client's word on when the clip began: clocks, buffers, the network


class MatchRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds are false match rates; the calibration says which similarity each is."""

    calibration: str  # a shipped table or a file, made by `realname calibrate`
    accept_fmr: Rate  # at most: the same person
    review_fmr: Rate  # above: not the same person; between: review
    copy_correlation_max: float  # above: the portrait is the same photo as a frame
    portrait_eye_distance_px_min: float
    portrait_over_exposure_prevention_min: Unit  # below: a reflection lies on it
    portrait_sharpness_min: float
    frames: int
    # A portrait beyond any of these is compared, but where it is unlike, that is taken for the picture's fault: a retry.
    sure_strangeness_max: float = 1e9  # see workers/matching/selection.py
    sure_sharpness_min: float = 0.0
    sure_eye_distance_px_min: float = 0.0
    sure_eyes_visible_max: Unit = 1.0  # eyes as light as the cheeks below them are covered
    sure_contrast_min: float = 0.0
    sure_contrast_max: float = 1e9


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """What is allowed at all."""

    cues_required: bool  # True: a finished clip without cues is at most review
    lines_held_max: int  # lines at one document number and operator; at it, one more is refused
    portrait_sources: dict[str, str]  # source -> the best verdict it may lead to: approved | review


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of all thresholds. `version` is in every decision.

    effects:     what each weighed reason leads to; in a file all of WEIGHED and no other, in an old event what was known.
    calibration: the table that match.calibration names.
    """

    version: Annotated[str, Meta(min_length=1, max_length=40)]
    clip: ClipRules
    quality: QualityRules
    blink: BlinkRules
    turn: TurnRules
    track: TrackRules
    pad: PadRules
    match: MatchRules
    cues: CueRules
    rules: Rules
    effects: dict[Reason, Effect]
    calibration: Calibration
    drift: DriftRules = DriftRules()

    def effect_of(self, reason: Reason) -> Effect:
        """What the reason leads to; of one that this version does not know, a review: unknown is never approved."""
        return self.effects.get(reason) or SHIPPED_EFFECTS.get(reason, Effect.REVIEW)

    @property
    def accept_min(self) -> float:
        """The similarity that stands for match.accept_fmr."""
        return self.calibration.similarity_at(self.match.accept_fmr)

    @property
    def review_min(self) -> float:
        """The similarity that stands for match.review_fmr."""
        return self.calibration.similarity_at(self.match.review_fmr)

    @property
    def same_face_min(self) -> float:
        """The similarity that stands for track.change_fmr."""
        return self.calibration.similarity_at(self.track.change_fmr)


def load_policy(name_or_path: str) -> Policy:
    """A policy that ships with the code (`development`, `production`) or a TOML file.

    What a file names by a relative path, what it inherits and its calibration, lies beside it, wherever the process runs.
    Raises SettingsWrong, naming the field.
    """
    try:
        body, tables = _read(name_or_path)
        rules = msgspec.convert(body.get("match"), type=MatchRules)
        policy = msgspec.convert(body | {"calibration": load_calibration(rules.calibration, tables)}, type=Policy)
    except msgspec.ValidationError as error:
        raise SettingsWrong(f"policy {name_or_path!r}: {error}") from error
    wrong = sorted(WEIGHED.symmetric_difference(policy.effects))
    if wrong:
        raise SettingsWrong(f"policy {name_or_path!r}: effects must name every weighed reason and no other: {', '.join(wrong)}")
    insist_sound(policy, name_or_path)
    return policy


def insist_sound(policy: Policy, name: str) -> None:
    """Raises SettingsWrong where the fields are well formed and mean nothing, or do not fit each other.

    Asked of each event there ever was, too: nothing may be added here that an activated policy does not meet.
    """
    for section in policy.__struct_fields__:
        rules = getattr(policy, section)
        for field in rules.__struct_fields__ if isinstance(rules, Struct) and not isinstance(rules, Calibration) else ():
            _insist_sound_number(getattr(rules, field), f"policy {name!r}: {section}.{field}")
    try:
        if not policy.review_min < policy.accept_min:
            raise SettingsWrong(f"policy {name!r}: match.review_fmr must be above match.accept_fmr")
        _ = policy.same_face_min
    except ValueError as error:
        raise SettingsWrong(f"policy {name!r}: {error}") from None


def _insist_sound_number(value: object, place: str) -> None:
    """A NaN would switch a layer off in silence, since every comparison with it is false; so would most negative numbers."""
    if isinstance(value, float) and not (isfinite(value) and value >= 0):
        raise SettingsWrong(f"{place} is {value}: a finite number of at least 0 is needed")
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise SettingsWrong(f"{place} is {value}: a number of at least 1 is needed")


class _Read(NamedTuple):
    """A file's tables over those that it inherits. tables: where a calibration that does not ship lies."""

    body: dict[str, Any]
    tables: Path | None


def _read(name_or_path: str, beside: Path | None = None, depth: int = 0) -> _Read:
    """beside: the folder of the file that inherits from this one."""
    if depth > INHERITS_MAX:
        raise SettingsWrong(f"policy {name_or_path!r}: inherits more than {INHERITS_MAX} times, perhaps from itself")
    toml = read_toml("policy", "realname", "policies", name_or_path, beside)
    try:
        body = tomllib.loads(toml.text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsWrong(f"policy {name_or_path!r}: {error}") from error
    parent = body.pop("inherits", None)
    if parent is None:
        return _Read(body, toml.beside)
    below, match = _read(str(parent), toml.beside, depth + 1), body.get("match")
    names_table = isinstance(match, dict) and "calibration" in match
    return _Read(_laid_over(below.body, body), toml.beside if names_table else below.tables)


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under: Any = merged.get(key, {})
        merged[key] = _laid_over(under, cast("dict[str, Any]", value)) if isinstance(value, dict) else value
    return merged
