"""Pure: which face of an image of a document is the portrait, and whether what was found is a face that stands upright."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.detector import Face
from models.geometry import SMALLEST, Box, Points, area, eye_distance_px, five_points, iou
from workers.matching.card import Corners, area_of, holds, share_of

GHOST_AREA_MAX = 0.5  # of the largest: a second, smaller print of the same portrait, as documents carry it
CLOSE_UP_MARGIN = 1.0  # of the box's size on each side: a second look at the face with more pixels
CLOSE_UP_HEIGHT_MIN = 80.0  # px of the box in the detector's input, from which a second look gains nothing
HELD_SHARE_MAX = 0.5  # of an outline: a face that fills more of it is not printed on what it bounds
APART_IOU_MAX = 0.05  # two boxes that overlap more may be of one face
RIVAL_AREA_MIN = 0.02  # of the chosen face's: smaller ones are pictures in the background
STRAY_AREA_MIN = 0.08  # of the face's: a card beside a face at the same distance has .13 of its area (86 x 54 mm, 160 x 220 mm)
# Of upright faces, and how far they lie from it: eye distance to the root of the box's area, points' width to the box's width,
# eye-to-mouth height to eye distance, box height to width. Medians of 49 faces of nine people (docs/judgement.md).
UPRIGHT: NDArray[np.float64] = np.array([0.404, 1.061, 1.062, 1.487])
SPREAD: NDArray[np.float64] = np.array([0.022, 0.08, 0.08, 0.25])
UNSURE_WEIGHT = 20.0  # the detector is surer of upright faces: .998 and more


def select_portrait(faces: Sequence[Face]) -> Face | None:
    """The largest plausible face; None without any.

    A document shows its holder large, and perhaps once more as a ghost image or on a sticker; of faces of about the
    same size the surer one is taken.
    """
    if not faces:
        return None
    areas = area(np.stack([face.box for face in faces]))
    large = [face for face, size in zip(faces, areas, strict=True) if size >= GHOST_AREA_MAX * areas.max()]
    return max(large, key=lambda face: face.score)


def in_cards(faces: Sequence[Face], cards: Sequence[Corners]) -> list[Face]:
    """The faces that are printed on something with four sides."""
    return [face for face in faces if any(holds(card, face.box) and share_of(face.box, card) <= HELD_SHARE_MAX for card in cards)]


def stray_cards(face: Box, cards: Sequence[Corners]) -> list[Corners]:
    """The outlines large enough to be a document that somebody holds beside this face."""
    return [card for card in cards if not holds(card, face) and area_of(card) >= STRAY_AREA_MIN * float(area(face))]


def rivals(faces: Sequence[Face], chosen: Face) -> list[Face]:
    """The other faces that might as well be meant, the two largest."""
    boxes = np.stack([face.box for face in faces])
    apart = (area(boxes) >= RIVAL_AREA_MIN * area(chosen.box)) & (iou(chosen.box, boxes) <= APART_IOU_MAX)
    others = [face for face, rival in zip(faces, apart, strict=True) if rival]
    return sorted(others, key=lambda face: -float(area(face.box)))[:2]


def alike(faces: Sequence[Face], chosen: Face) -> list[Face]:
    """The rivals that are printed as large as the chosen one, by half or double its area; a ghost image is smaller."""
    size = float(area(chosen.box))
    large = [face for face in faces if GHOST_AREA_MAX <= float(area(face.box)) / size <= 1 / GHOST_AREA_MAX]
    return rivals(large, chosen) if large else []


def strangeness(points: Points, face: Face) -> float:
    """How far a face is from an upright one: about 1.3, and above 3 on its side or on its head.

    The detector finds those, too, and the landmarks distort them: the distance of their proportions from UPRIGHT in
    SPREADs, and what the detector lacks of being sure.
    """
    width, height = (max(float(side), 1.0) for side in face.box[2:] - face.box[:2])
    five, eyes = five_points(points), max(float(eye_distance_px(points)), SMALLEST)
    to_mouth = float(np.linalg.norm(five[:2].mean(axis=0) - five[3:].mean(axis=0)))
    seen = np.array([eyes / np.sqrt(width * height), float(np.ptp(points[:, 0])) / width, to_mouth / eyes, height / width])
    return float(np.linalg.norm((seen - UPRIGHT) / SPREAD)) + UNSURE_WEIGHT * (1 - face.score)


def needs_close_up(box: Box, *, width: int, height: int, input_width: int, input_height: int) -> bool:
    """Whether the face was so small in the detector's input that its box is coarse."""
    scale = min(input_width / width, input_height / height)
    return bool((box[3] - box[1]) * scale < CLOSE_UP_HEIGHT_MIN and scale < 1)


def close_up(box: Box, *, width: int, height: int) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the part of the image round a face, inside it."""
    x0, y0, x1, y1 = (float(value) for value in box)
    grow_x, grow_y = (x1 - x0) * CLOSE_UP_MARGIN, (y1 - y0) * CLOSE_UP_MARGIN
    return (
        max(0, int(x0 - grow_x)),
        max(0, int(y0 - grow_y)),
        min(width, int(x1 + grow_x) + 1),
        min(height, int(y1 + grow_y) + 1),
    )


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Four overlapping parts, for a document photographed from afar whose portrait the whole view is too coarse for."""
    part_w, part_h = round(width * 0.6), round(height * 0.6)
    return [(x, y, x + part_w, y + part_h) for y in (0, height - part_h) for x in (0, width - part_w)]
