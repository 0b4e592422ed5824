"""Boxes, points and the maps between them. Pure: numpy only.

Coordinates are pixels, x to the right and y down; a box is (x0, y0, x1, y1). Points are iBUG-68.
"Left" and "right" are the image's, not the person's.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = NDArray[np.float32]  # (4,)
Points: TypeAlias = NDArray[np.float32]  # (n, 2)
Affine: TypeAlias = NDArray[np.float32]  # (2, 3), as OpenCV's warpAffine takes it

POINTS = 68
EYE_IMAGE_LEFT = slice(36, 42)
EYE_IMAGE_RIGHT = slice(42, 48)
EYE_OUTER_LEFT, EYE_OUTER_RIGHT, NOSE_TIP = 36, 45, 30
# Corners, upper and lower lid of each eye without its corners; source: facts on models, section 3
LIDS_LEFT, LIDS_RIGHT = (37, 38, 40, 41), (43, 44, 46, 47)
MOUTH_LEFT, MOUTH_RIGHT = (48, 60), (54, 64)  # outer and inner corner
# Which point of a mirrored face each point is: jaw, brows, nose, eyes, mouth outside and inside
MIRRORED: NDArray[np.intp] = np.array(
    [
        *(*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)),
        *(*range(45, 41, -1), 47, 46, *range(39, 35, -1), 41, 40),
        *(*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65),
    ]
)
FIVE_OF_68: NDArray[np.float64] = np.zeros((5, POINTS))  # a row's mean of some of the points
for _row, _group in zip(FIVE_OF_68, (LIDS_LEFT, LIDS_RIGHT, (NOSE_TIP,), MOUTH_LEFT, MOUTH_RIGHT), strict=True):
    _row[list(_group)] = 1 / len(_group)
# Where ArcFace's 112 x 112 chip wants eyes, nose and mouth corners; source: InsightFace's alignment
ARCFACE_POINTS: NDArray[np.float64] = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
)
SMALLEST = 1e-6  # px; keeps ratios of degenerate faces finite


def area(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Areas of (..., 4) boxes; 0 for an inside-out one."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], np.float32(0))
    return sides[..., 0] * sides[..., 1]


def iou(box: Box, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box with each of (n, 4): (n,) in 0..1."""
    corners_min = np.maximum(box[:2], boxes[:, :2])
    corners_max = np.minimum(box[2:], boxes[:, 2:])
    shared = area(np.concatenate([corners_min, corners_max], axis=1))
    return (shared / np.maximum(area(box) + area(boxes) - shared, SMALLEST)).astype(np.float32)


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], iou_max: float) -> list[int]:
    """Non-maximum suppression: indices of the boxes kept, best score first.

    boxes: (n, 4), scores: (n,). A box goes when it overlaps a better one by iou_max or more.
    """
    kept: list[int] = []
    order = np.argsort(-scores, kind="stable")
    while len(order):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        order = order[iou(boxes[best], boxes[order]) < iou_max]
    return kept


def square_of_height(box: Box) -> Box:
    """The square of the box's height round its centre: what landmarks and PAD were trained on."""
    x0, y0, x1, y1 = (float(value) for value in box)
    middle, half = (x0 + x1) / 2, (y1 - y0) / 2
    return np.array([middle - half, y0, middle + half, y1], np.float32)


def largest_central(boxes: NDArray[np.float32], width: int, height: int) -> int | None:
    """Index of the face a selfie is of: large, and near the middle; None of none.

    Its area counts, less twice the squared distance from the image's middle.
    """
    if not len(boxes):
        return None
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 - np.array([width / 2, height / 2], np.float32)
    return int(np.argmax(area(boxes) - 2 * (centres**2).sum(axis=1)))


def five_points(points: Points) -> Points:
    """(68, 2) -> (5, 2): eye centres (from the lids), nose tip, mouth corners, image left before right."""
    assert points.shape == (POINTS, 2), points.shape
    return (FIVE_OF_68 @ points).astype(np.float32)


def similarity(source: Points, target: NDArray[np.float64]) -> Affine:
    """The rotation, scale and shift (no mirror) that best takes source to target, by least squares.

    Both (n, 2), n >= 2. Raises ValueError where all source points coincide.
    As Umeyama 1991, eq. 34-43, in the plane: with points as complex numbers, rotation and scale are the one factor of a
    linear least-squares fit. A tenth of the time of the singular value decomposition.
    """
    points, aims = _complex(np.asarray(source, np.float64)), _complex(target)
    middle, aim = complex(points.sum()) / len(points), complex(aims.sum()) / len(aims)
    points -= middle
    spread = complex(np.vdot(points, points)).real
    if spread < len(points) * SMALLEST**2:
        raise ValueError("all points coincide")
    turn = complex(np.vdot(points, aims - aim)) / spread
    shift = aim - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float32)


def _complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    """(n, 2) -> (n,)."""
    return points[:, 0] + 1j * points[:, 1]


def arcface_map(five: Points) -> Affine:
    """The map from image pixels to the 112 x 112 chip of the embedder. five: as of five_points."""
    return similarity(five, ARCFACE_POINTS)


def square_map(square: Box, size: int) -> Affine:
    """The map from image pixels into a size x size cut-out of the square."""
    scale = size / max(float(square[2] - square[0]), SMALLEST)
    return np.array([[scale, 0, -square[0] * scale], [0, scale, -square[1] * scale]], np.float32)


def eye_aspect_ratios(points: Points) -> NDArray[np.float32]:
    """(..., 68, 2) -> (..., 2): height over width of the image-left and image-right eye.

    About .3 open and .1 shut, and different from face to face: compare with the person's own median.
    Source: Soukupova and Cech 2016.
    """
    eyes = np.stack([points[..., EYE_IMAGE_LEFT, :], points[..., EYE_IMAGE_RIGHT, :]], axis=-3)
    heights = _gap(eyes, 1, 5) + _gap(eyes, 2, 4)
    return (heights / (2 * np.maximum(_gap(eyes, 0, 3), SMALLEST))).astype(np.float32)


def nose_ratio(points: Points) -> NDArray[np.float32]:
    """(..., 68, 2) -> (...): where the nose tip stands between the outer eye corners, -1..1 and beyond.

    0 is the middle; larger is nearer the image's right. Times 36 it follows yaw in degrees to within
    2 up to about 20 (facts on models, section 4). Rolling the head does not move it.
    """
    along = points[..., EYE_OUTER_RIGHT, :] - points[..., EYE_OUTER_LEFT, :]
    nose = points[..., NOSE_TIP, :] - points[..., EYE_OUTER_LEFT, :]
    share = (nose * along).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), SMALLEST)
    return ((share - 0.5) * 2).astype(np.float32)


def eye_distance_px(points: Points) -> NDArray[np.float32]:
    """(..., 68, 2) -> (...): between the eye centres, in pixels (ISO/IEC 29794-5 inter-eye distance)."""
    left = points[..., list(LIDS_LEFT), :].mean(axis=-2)
    right = points[..., list(LIDS_RIGHT), :].mean(axis=-2)
    return np.linalg.norm(right - left, axis=-1).astype(np.float32)


def _gap(points: Points, a: int, b: int) -> NDArray[np.float32]:
    return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1)
