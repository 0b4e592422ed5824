"""Pure: which face of an image of a document is the portrait."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.detector import Face
from models.geometry import Box, area

GHOST_AREA_MAX = 0.5  # of the largest: a second, smaller print of the same portrait, as documents carry it
CLOSE_UP_MARGIN = 1.0  # of the box's size on each side: a second look at the face with more pixels
CLOSE_UP_HEIGHT_MIN = 80.0  # px of the box in the detector's input, from which a second look gains nothing


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
