"""Pure: how good the picture of a face is, in the words of ISO/IEC 29794-5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from realname.policy import ClipRules
from realname.reasons import Reason
from workers.chips import sharpness_of

UNDER_EXPOSED_MAX, OVER_EXPOSED_MIN = 25, 247  # of 255; source: ISO/IEC 29794-5, exposure
HISTOGRAM_BINS = 32  # coarse, so that noise of one level does not count as uneven light
CANDIDATES = 9  # frames looked at for quality, PAD and chips: three for each chip

Chip = NDArray[np.float32]  # (h, w) gray, 0..255


@dataclass(frozen=True, slots=True)
class Quality:
    """Components of one face. luminance_mean: 0..255. Exposure and uniformity: shares, 0..1. Distance in pixels."""

    luminance_mean: float
    under_exposure: float
    over_exposure: float
    illumination_uniformity: float
    sharpness: float
    inter_eye_distance_px: float
    head_pose_yaw_deg: float


def quality_of(chip: Chip, *, eye_distance_px: float, yaw_deg: float) -> Quality:
    """The components of an aligned gray chip. sharpness: variance of its Laplacian."""
    return Quality(
        luminance_mean=float(chip.mean()),
        under_exposure=float((chip <= UNDER_EXPOSED_MAX).mean()),
        over_exposure=float((chip >= OVER_EXPOSED_MIN).mean()),
        illumination_uniformity=_uniformity(chip),
        sharpness=sharpness_of(chip),
        inter_eye_distance_px=eye_distance_px,
        head_pose_yaw_deg=yaw_deg,
    )


def typical(qualities: Sequence[Quality]) -> dict[str, float]:
    """The median of each component, by its name; rounded, since more digits mean nothing."""
    assert qualities
    return {each.name: round(float(np.median([getattr(one, each.name) for one in qualities])), 4) for each in fields(Quality)}


def capture_faults(typically: dict[str, float], rules: ClipRules) -> list[Reason]:
    """What makes the pictures unfit, worst first."""
    luminance = typically["luminance_mean"]
    faults = [
        (typically["inter_eye_distance_px"] < rules.eye_distance_px_min, Reason.FACE_TOO_SMALL),
        (luminance < rules.luminance_mean_min, Reason.TOO_DARK),
        (luminance > rules.luminance_mean_max, Reason.TOO_BRIGHT),
        (typically["sharpness"] < rules.sharpness_min, Reason.BLURRED),
    ]
    return [reason for holds, reason in faults if holds]


def scores_of(qualities: Sequence[Quality]) -> list[float]:
    """How well each would do for the match: sharp, frontal, well exposed. 0..1, comparable within one clip only."""
    sharpest = max((one.sharpness for one in qualities), default=0.0) or 1.0
    return [
        (one.sharpness / sharpest)
        * float(np.cos(np.radians(min(abs(one.head_pose_yaw_deg) * 3, 90.0))))
        * (1 - one.under_exposure)
        * (1 - one.over_exposure)
        for one in qualities
    ]


def _uniformity(chip: Chip) -> float:
    """How alike the light is on both halves: the overlap of their histograms, 0..1."""
    levels = (chip * (HISTOGRAM_BINS / 256)).astype(np.int64)
    half = chip.shape[1] // 2
    left, right = (
        np.bincount(side.ravel(), minlength=HISTOGRAM_BINS) / side.size for side in (levels[:, :half], levels[:, -half:])
    )
    return float(np.minimum(left, right).sum())
