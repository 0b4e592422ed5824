"""Pure: in what a policy is weaker than another. It is asked when one is activated, never of an old event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from realname.policy import Effect, Policy

Way = Literal["more", "less", "kept"]  # which of two numbers is the stricter one; kept: any other may weaken something
SEVERITY = {Effect.REFUSED: 3, Effect.RETRY: 2, Effect.REVIEW: 2, Effect.NOTE: 1, Effect.OFF: 0}  # no approval from 2 on

# Every number of a policy by its section; tests/unit/cli/test_strictness.py fails where one is missing.
STRICTER: dict[str, dict[str, Way]] = {
    "clip": {
        "duration_s_min": "more",
        "duration_s_max": "less",
        "frame_rate_hz_min": "more",
        "process_hz_min": "more",
        "detect_every": "less",
        "faces_share_min": "more",
        "several_share_max": "less",
        "face_gap_s_max": "less",
        "hidden_s_max": "less",
        "frame_gap_s_max": "less",
        "recorder_marks_min": "less",
    },
    "quality": {
        "inter_eye_distance_px_min": "more",
        "luminance_mean_min": "more",
        "luminance_mean_max": "less",
        "under_exposure_prevention_min": "more",
        "over_exposure_prevention_min": "more",
        "illumination_uniformity_min": "more",
        "sharpness_min": "more",
        "eyes_visible_min": "more",
        "head_pose_roll_deg_max": "less",
        "contrast_min": "more",
    },
    "blink": {"closedness_min": "more", "hysteresis": "kept", "duration_s_max": "less"},
    "turn": {
        "yaw_deg_min": "more",
        "hysteresis": "kept",
        "parallax_min": "more",
        "parallax_yaw_range_deg_min": "less",  # beyond it a flat face is one; below it a wider turn is asked for
        "width_min": "more",
        "deep_min": "more",
        "turned_s_min": "more",
    },
    "track": {
        "overlap_min": "more",
        "change_fmr": "less",
        "face_drift_max": "less",
        "face_leap_max": "less",
        "repeat_min": "more",
        "drift_min": "more",
        "again_min": "more",
    },
    "pad": {"live_min": "more", "review_min": "more", "frames_min": "more", "frontal_yaw_deg_max": "less"},
    "match": {
        "accept_fmr": "less",
        "review_fmr": "less",
        "copy_correlation_max": "less",
        "portrait_eye_distance_px_min": "more",
        "portrait_over_exposure_prevention_min": "more",
        "portrait_sharpness_min": "more",
        "frames": "more",
        "sure_strangeness_max": "more",  # the surer of a portrait, the sooner an unlike one refuses
        "sure_sharpness_min": "less",
        "sure_eye_distance_px_min": "less",
        "sure_eyes_visible_max": "more",
        "sure_contrast_min": "less",
        "sure_contrast_max": "more",
    },
    "cues": {"reaction_s_min": "more", "within_s": "less", "slack_s": "less"},
    "rules": {"lines_held_max": "less"},
    "drift": {"box_px_max": "less", "landmarks_px_max": "less", "pad_max": "less", "similarity_max": "less"},
}


def weaker(policy: Policy, strict: Policy) -> list[str]:
    """Each field in which the policy lets through more than the strict one, as a person reads it; empty where none does.

    A number is weaker by its direction alone, however little: whether that matters is for the one who signs.
    """
    return [*_numbers(policy, strict), *_similarities(policy, strict), *_rules(policy, strict), *_effects(policy, strict)]


def _numbers(policy: Policy, strict: Policy) -> Iterator[str]:
    for section, ways in STRICTER.items():
        for field, way in ways.items():
            own, least = (float(getattr(getattr(each, section), field)) for each in (policy, strict))
            if own != least and (way == "kept" or (own < least) == (way == "more")):
                yield f"{section}.{field} {own:g} instead of {least:g}"


def _similarities(policy: Policy, strict: Policy) -> Iterator[str]:
    """Where both are calibrated for one embedder, whose similarities can be compared; another one's table says its own FMRs."""
    if policy.calibration.embedder != strict.calibration.embedder:
        return
    for name in ("accept_min", "review_min", "same_face_min"):
        own, least = (float(getattr(each, name)) for each in (policy, strict))
        if own < least:
            yield f"match.calibration {policy.match.calibration}: {name} is a similarity of {own:g} instead of {least:g}"


def _rules(policy: Policy, strict: Policy) -> Iterator[str]:
    if strict.rules.cues_required and not policy.rules.cues_required:
        yield "rules.cues_required: clips without cues may be approved"
    for source, best in policy.rules.portrait_sources.items():
        if best == "approved" != strict.rules.portrait_sources.get(source, "review"):
            yield f"rules.portrait_sources.{source} may be approved"


def _effects(policy: Policy, strict: Policy) -> Iterator[str]:
    for reason in sorted({*policy.effects, *strict.effects}):
        own, least = policy.effect_of(reason), strict.effect_of(reason)
        if SEVERITY[own] < SEVERITY[least]:
            yield f"effects.{reason} {own} instead of {least}"
