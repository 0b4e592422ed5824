"""Pure: how good the picture of a face is, in the words of ISO/IEC 29794-5; and which frames are worth a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from realname.policy import BlinkRules, ClipRules
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


def candidates(
    yaw_deg: NDArray[np.float32], closedness: NDArray[np.float32], *, frontal_yaw_deg_max: float, blink: BlinkRules
) -> list[int]:
    """Up to CANDIDATES frames, spread evenly over those that show the face from the front with open eyes.

    yaw_deg, closedness: (T,), NaN where no face was seen. Where too few are frontal, the least turned ones join.
    """
    open_eyed = np.flatnonzero(closedness < blink.hysteresis * blink.closedness_min)
    frontal = open_eyed[np.abs(yaw_deg[open_eyed]) <= frontal_yaw_deg_max]
    if len(frontal) < CANDIDATES:
        seen = np.flatnonzero(~np.isnan(yaw_deg))
        frontal = np.sort(seen[np.argsort(np.abs(yaw_deg[seen]), kind="stable")][:CANDIDATES])
    return spread(frontal.tolist(), CANDIDATES)


def spread(frames: Sequence[int], count: int) -> list[int]:
    """So many of the frames (fewer if there are fewer), evenly over them: the first and the last are in."""
    if len(frames) <= count:
        return list(frames)
    return [frames[position] for position in np.linspace(0, len(frames) - 1, count).round().astype(int)]


def best_frames(frames: Sequence[int], qualities: Sequence[Quality], count: int) -> list[int]:
    """The frames for the match, best first: the best of each of `count` parts of time.

    Spread in time, so that a moment's glare or another face cannot speak for the whole clip.
    """
    scores = dict(zip(frames, _scores(qualities), strict=True))
    in_time = sorted(scores)
    parts = [in_time[len(in_time) * part // count : len(in_time) * (part + 1) // count] for part in range(count)]
    best = [max(part, key=scores.__getitem__) for part in parts if part]
    return sorted(best, key=lambda frame: (-scores[frame], frame))


def _scores(qualities: Sequence[Quality]) -> list[float]:
    """Sharp, frontal, well exposed: 0..1, comparable within one clip only."""
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
