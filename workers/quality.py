"""Pure: how good the picture of a face is: the components of ISO/IEC 29794-5, under its names.

As the standard measures them (its native measures, before any mapping to 0..100), on our own 68 points and aligned chip:
luminance_mean (here of 255), under- and over_exposure_prevention (the share of pixels outside 0..25 and 247..255),
inter_eye_distance_px, eyes_open (the smaller of the largest lid gaps over T, the distance from the eyes' middle to the
chin), mouth_closed (1 - the largest gap of the inner lips over T), single_face_present (1 - the root of the ratio of the
second largest face's area to the largest's).
Ours, since the standard's need models or masks that we do not have: illumination_uniformity (its overlap of the histograms of
both sides, here of whole halves in coarse bins), sharpness (see chips.sharpness_of), head_pose_*_deg (ratios between points;
pitch is unvalidated), eyes_visible (how light the eyes are against the cheeks), compression_artifacts (1 - the excess of
steps on the grid of 8 pixels), contrast (what lies between the darkest and the lightest twentieth of the face, in its means:
gain leaves it; fog, a greasy lens, a veil of light take it away). All but the luminance and the angles: the larger, the better.

Judged are those with a threshold in the policy's [quality]. The others are reported: eyes_open does not tell our landmarks'
shut eyes (.028-.040) from narrow open ones (.042 and more), the grid is gone where a codec smooths it, and nothing at hand
says when pitch or an open mouth does harm. Figures: docs/judgement.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from models.geometry import Box, Points, five_points
from realname.policy import MatchRules, QualityRules
from realname.reasons import Reason
from workers.chips import CORE, luma_of, sharpness_of

UNDER_EXPOSED_MAX, OVER_EXPOSED_MIN = 25, 247  # of 255; source: ISO/IEC 29794-5, exposure
HISTOGRAM_BINS = 32  # coarse, so that noise of one level does not count as uneven light
CONTRAST_PERCENTILES = (5, 95)  # of the core's pixels: neither pupils nor one reflection count
CHIN = 8
LID_PAIRS = (((37, 41), (38, 40)), ((43, 47), (44, 46)))  # upper and lower lid, image left and right
LIP_PAIRS = ((61, 67), (62, 66), (63, 65))  # inner upper and lower lip
# Zones of the aligned chip: rows, columns. The eyes lie at (38, 52) and (74, 52), see geometry.ARCFACE_POINTS.
EYE_ZONES = ((slice(47, 57), slice(31, 46)), (slice(47, 57), slice(66, 81)))
CHEEK_ZONES = ((slice(66, 80), slice(26, 42)), (slice(66, 80), slice(70, 86)))
# Of a generic head, in eye-to-mouth heights: where the nose tip lies below the eyes, and how far it stands out
NOSE_BELOW, NOSE_OUT = 0.58, 0.5
GRID_PX = 8  # transform blocks of JPEG, H.263, VP8
STEP_MIN = 0.5  # grey levels; keeps the ratio of an almost flat picture finite
LYING_WIDTH_MAX = 0.8  # of the box's: the points of a face on its side are squeezed to .3-.65, upright they span .87-1.15
LYING_DEG = 90.0
SMALLEST = 1e-6
# A recording that is none, then light, position, and at last what spoils details. All that makes a clip unfit.
WORST_FIRST = (
    Reason.CLIP_TOO_SHORT,
    Reason.CLIP_TOO_LONG,
    Reason.FRAME_RATE_TOO_LOW,
    Reason.TOO_DARK,
    Reason.TOO_BRIGHT,
    Reason.HAZY,
    Reason.HEAD_TILTED,
    Reason.NO_FACE,
    Reason.SEVERAL_FACES,
    Reason.FACE_LOST,
    Reason.FACE_TOO_SMALL,
    Reason.UNEVEN_LIGHT,
    Reason.BLURRED,
    Reason.EYES_COVERED,
)

Chip = NDArray[np.float32]  # (112, 112) gray, 0..255


@dataclass(frozen=True, slots=True)
class Quality:
    """Components of one face. luminance_mean: 0..255; px and deg by their names; sharpness, contrast: from 0; the others 0..1."""

    illumination_uniformity: float
    luminance_mean: float
    under_exposure_prevention: float
    over_exposure_prevention: float
    sharpness: float
    inter_eye_distance_px: float
    head_pose_yaw_deg: float
    head_pose_pitch_deg: float
    head_pose_roll_deg: float
    eyes_open: float
    mouth_closed: float
    eyes_visible: float
    compression_artifacts: float
    single_face_present: float
    contrast: float


def quality_of(chip: Chip, points: Points, box: Box, *, yaw_deg: float, compression: float = 1.0, single: float = 1.0) -> Quality:
    """The components of one face.

    chip: aligned. points: (68, 2), box: (4,), both in pixels of the picture. yaw_deg, compression (see compression_of)
    and single (see single_face_of) are measured elsewhere: on the track, on the whole picture.
    """
    face, five = chip[CORE, CORE], five_points(points)
    chin_px = max(float(np.linalg.norm(points[CHIN] - (five[0] + five[1]) / 2)), SMALLEST)
    return Quality(
        illumination_uniformity=_uniformity(chip),
        luminance_mean=float(chip.mean()),
        under_exposure_prevention=float((face > UNDER_EXPOSED_MAX).mean()),
        over_exposure_prevention=float((face < OVER_EXPOSED_MIN).mean()),
        sharpness=sharpness_of(chip),
        inter_eye_distance_px=float(np.linalg.norm(five[1] - five[0])),
        head_pose_yaw_deg=yaw_deg,
        head_pose_pitch_deg=_pitch_deg(five),
        head_pose_roll_deg=_roll_deg(points, five, box),
        eyes_open=min(_widest(points, pairs) for pairs in LID_PAIRS) / chin_px,
        mouth_closed=1 - _widest(points, LIP_PAIRS) / chin_px,
        eyes_visible=_eyes_visible(chip),
        compression_artifacts=compression,
        single_face_present=single,
        contrast=_contrast(face),
    )


def typical(qualities: Sequence[Quality]) -> dict[str, float]:
    """The median of each component, by its name; rounded, since more digits mean nothing."""
    assert qualities
    return {each.name: round(float(np.median([getattr(one, each.name) for one in qualities])), 4) for each in fields(Quality)}


def portrait_faults(looks: Quality, rules: MatchRules) -> list[Reason]:
    """What makes a document's portrait unfit, worst first."""
    faults = [
        (looks.inter_eye_distance_px < rules.portrait_eye_distance_px_min, Reason.PORTRAIT_TOO_SMALL),
        (looks.over_exposure_prevention < rules.portrait_over_exposure_prevention_min, Reason.PORTRAIT_GLARE),
        (looks.sharpness < rules.portrait_sharpness_min, Reason.PORTRAIT_BLURRED),
    ]
    return [reason for holds, reason in faults if holds]


def portrait_doubts(looks: Quality, strange: float, rules: MatchRules) -> list[Reason]:
    """Why a low similarity may be the fault of a portrait that is fit. strange: see selection.strangeness."""
    is_sure = (
        strange <= rules.sure_strangeness_max
        and looks.sharpness >= rules.sure_sharpness_min
        and looks.inter_eye_distance_px >= rules.sure_eye_distance_px_min
        and looks.eyes_visible <= rules.sure_eyes_visible_max
        and rules.sure_contrast_min <= looks.contrast <= rules.sure_contrast_max
    )
    return [] if is_sure else [Reason.PORTRAIT_POOR]


def scene_faults(luminance_mean: float, rules: QualityRules) -> list[Reason]:
    """Why a face may have gone unseen: the whole picture is dark or glaring. luminance_mean: of the picture, 0..255."""
    if luminance_mean < rules.luminance_mean_min:
        return [Reason.TOO_DARK]
    return [Reason.TOO_BRIGHT] if luminance_mean > rules.luminance_mean_max else []


def worst_first(faults: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each fault once; what must be changed before the others can be seen comes first."""
    return tuple(sorted(set(faults), key=WORST_FIRST.index))


def scores_of(qualities: Sequence[Quality]) -> list[float]:
    """How well each would do for the match: sharp, frontal, well exposed. 0..1, comparable within one clip only."""
    sharpest = max((one.sharpness for one in qualities), default=0.0) or 1.0
    return [
        (one.sharpness / sharpest)
        * float(np.cos(np.radians(min(abs(one.head_pose_yaw_deg) * 3, 90.0))))
        * one.under_exposure_prevention
        * one.over_exposure_prevention
        for one in qualities
    ]


def capture_faults(typically: dict[str, float], rules: QualityRules) -> list[Reason]:
    """What makes the pictures unfit, in the order of WORST_FIRST."""
    luminance = typically["luminance_mean"]
    dark = typically["under_exposure_prevention"] < rules.under_exposure_prevention_min
    glaring = typically["over_exposure_prevention"] < rules.over_exposure_prevention_min
    bright = glaring or luminance > rules.luminance_mean_max
    faults = [
        (dark or luminance < rules.luminance_mean_min, Reason.TOO_DARK),
        (bright, Reason.TOO_BRIGHT),
        (not bright and typically["contrast"] < rules.contrast_min, Reason.HAZY),  # too much light takes contrast, too
        (abs(typically["head_pose_roll_deg"]) > rules.head_pose_roll_deg_max, Reason.HEAD_TILTED),
        (typically["inter_eye_distance_px"] < rules.inter_eye_distance_px_min, Reason.FACE_TOO_SMALL),
        (typically["illumination_uniformity"] < rules.illumination_uniformity_min, Reason.UNEVEN_LIGHT),
        (typically["sharpness"] < rules.sharpness_min, Reason.BLURRED),
        (typically["eyes_visible"] < rules.eyes_visible_min, Reason.EYES_COVERED),
    ]
    return [reason for holds, reason in faults if holds]


def compression_of(gray: NDArray[np.uint8], box: Box) -> float:
    """1 - how much steeper the steps across the borders of 8 x 8 blocks are than those inside, held in 0..1.

    gray: (h, w) as it was decoded, not scaled: the grid begins in its corner. box: the face. 1 where the face is
    smaller than a few blocks. Source: the idea of Wang, Sheikh and Bovik 2002 (blockiness), in the simplest form.
    """
    x0, y0, x1, y1 = _inside(box, gray.shape[1], gray.shape[0])
    face = gray[y0:y1, x0:x1].astype(np.float32)
    if min(face.shape) < 3 * GRID_PX:
        return 1.0
    steps = np.abs(np.diff(face, axis=1)).mean(axis=0), np.abs(np.diff(face, axis=0)).mean(axis=1)
    excess = [_excess(along, start) for along, start in zip(steps, (x0, y0), strict=True)]
    return 1 - float(np.clip(np.mean(excess), 0, 1))


def compression_of_picture(picture: NDArray[np.uint8], box: Box) -> float:
    """As compression_of, of a BGR picture. One that was scaled or turned since has lost its grid: 1 says nothing then."""
    x0, y0, x1, y1 = _inside(box, picture.shape[1], picture.shape[0])
    left, top = x0 // GRID_PX * GRID_PX, y0 // GRID_PX * GRID_PX
    if min(x1 - left, y1 - top) < GRID_PX:
        return 1.0
    part = luma_of(picture[top:y1, left:x1]).astype(np.uint8)
    return compression_of(part, box - np.array([left, top, left, top], np.float32))


def single_face_of(areas: Sequence[float]) -> float:
    """1 alone, 0 where the second largest face is as large as the largest. areas: of all faces, at least one."""
    largest = sorted(areas, reverse=True)
    return 1 - float(np.sqrt(largest[1] / max(largest[0], SMALLEST))) if len(largest) > 1 else 1.0


def _excess(steps: NDArray[np.float32], start: int) -> float:
    """steps[i]: between pixel start + i and the next one; those across a border end at a multiple of the grid."""
    across = (np.arange(len(steps)) + start + 1) % GRID_PX == 0
    inside = max(float(steps[~across].mean()), STEP_MIN)
    return float(steps[across].mean()) / inside - 1


def _inside(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (int(value) for value in box)
    return max(0, x0), max(0, y0), min(width, x1), min(height, y1)


def _uniformity(chip: Chip) -> float:
    """How alike the light is on both halves: the overlap of their histograms, 0..1."""
    levels = (chip * (HISTOGRAM_BINS / 256)).astype(np.int64)
    half = chip.shape[1] // 2
    left, right = (
        np.bincount(side.ravel(), minlength=HISTOGRAM_BINS) / side.size for side in (levels[:, :half], levels[:, -half:])
    )
    return float(np.minimum(left, right).sum())


def _contrast(face: NDArray[np.float32]) -> float:
    dark, light = np.percentile(face, CONTRAST_PERCENTILES)
    return float(light - dark) / max(float(face.mean()), 1.0)


def _eyes_visible(chip: Chip) -> float:
    """How light the darker eye's zone is against the cheek below it, held in 0..1."""
    ratios = [chip[eye].mean() / max(float(chip[cheek].mean()), 1.0) for eye, cheek in zip(EYE_ZONES, CHEEK_ZONES, strict=True)]
    return float(min(*ratios, 1.0))


def _widest(points: Points, pairs: Sequence[tuple[int, int]]) -> float:
    uppers, lowers = points[[upper for upper, _ in pairs]], points[[lower for _, lower in pairs]]
    return float(np.sqrt(((uppers - lowers) ** 2).sum(axis=1).max()))


def _roll_deg(points: Points, five: Points, box: Box) -> float:
    """How far the line through the eyes leans, + clockwise; 90 for a face on its side, whose points say no angle."""
    if float(np.ptp(points[:, 0])) < LYING_WIDTH_MAX * float(box[2] - box[0]):
        return LYING_DEG
    across = five[1] - five[0]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _pitch_deg(five: Points) -> float:
    """Up is +. From where the nose tip stands between eyes and mouth, on a head of generic proportions."""
    eyes, mouth = (five[0] + five[1]) / 2, (five[3] + five[4]) / 2
    down = mouth - eyes
    below = float((five[2] - eyes) @ down) / max(float(down @ down), SMALLEST)
    return float(np.degrees(np.arctan2(NOSE_BELOW - below, NOSE_OUT)))
