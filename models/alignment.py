"""Pure: how a face is laid into an embedder's chip: which of its points go where.

Coordinates as in models/geometry.py: pixels, iBUG-68, "left" is the image's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.geometry import (
    ARCFACE_POINTS,
    LIDS_LEFT,
    LIDS_RIGHT,
    MIRRORED,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    NOSE_TIP,
    POINTS,
    Affine,
    Points,
    similarity,
)
from models.manifest import Alignment

ARCFACE_PX = 112  # side of the chip that ARCFACE_POINTS are given in
FIVE = (LIDS_LEFT, LIDS_RIGHT, (NOSE_TIP,), MOUTH_LEFT, MOUTH_RIGHT)  # as geometry.five_points takes them


def _read(text: str) -> NDArray[np.float64]:
    """Numbers, x and y by turns -> (n, 2)."""
    return np.array(text.split(), np.float64).reshape(-1, 2)


# Outer and inner corner of each eye and the nose's base, and where dlib's chip without padding has them, 0..1.
# Source: dlib, image_transforms/interpolation.h, get_face_chip_details for 5 points.
DLIB_LANDMARKS = ((45,), (42,), (36,), (39,), (33,))
DLIB_POINTS = _read(
    """
    0.8595674595992 0.2134981538014  0.6460604764104 0.2289674387677  0.1205750620789 0.2137274526848
    0.3340850613712 0.2290642403242  0.4901123135679 0.6277975316475
    """
)
# Of iBUG-68, what is left in the image, and right; the middle line is neither.
IMAGE_LEFT = frozenset({*range(8), *range(17, 22), 31, 32, *range(36, 42), *range(48, 51), *range(58, 62), 67})
IMAGE_RIGHT = frozenset(MIRRORED[sorted(IMAGE_LEFT)].tolist())
EXTENT_MIN = 0.1  # of the chip's side: the templates in use spread over .37 (ArcFace) and .49 (dlib's with its padding)


class AlignmentWrong(ValueError):
    """An entry's alignment does not fit its chip; the message says how."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """landmarks: k groups of iBUG-68 indices. targets: (k, 2), where the middle of each goes, in pixels of the chip."""

    landmarks: tuple[tuple[int, ...], ...]
    targets: NDArray[np.float64]
    width: int
    height: int

    def map_of(self, points: Points) -> Affine:
        """The map from image pixels to the chip, by least squares. points: (68, 2). Raises ValueError where they coincide."""
        assert points.shape == (POINTS, 2), points.shape
        return similarity(np.stack([points[list(group)].mean(axis=0) for group in self.landmarks]), self.targets)


def template_of(alignment: Alignment, *, width: int, height: int) -> Template:
    """The template of a chip of width x height pixels. Raises AlignmentWrong."""
    if alignment.template != "points":
        if alignment.points or alignment.landmarks:
            raise AlignmentWrong(f"template {alignment.template} has its own points: leave points and landmarks out")
        if width != height:
            raise AlignmentWrong(f"template {alignment.template} is square, the input is {width} x {height}: give points")
    if alignment.template == "arcface":
        return Template(FIVE, ARCFACE_POINTS * (width / ARCFACE_PX), width, height)
    if alignment.template == "dlib":
        placed = (DLIB_POINTS + alignment.padding) / (1 + 2 * alignment.padding) * width
        return Template(DLIB_LANDMARKS, placed, width, height)
    landmarks = alignment.landmarks or FIVE
    if len(landmarks) != len(alignment.points) or len(landmarks) < 2:  # noqa: PLR2004 - one point gives no scale
        raise AlignmentWrong(f"{len(alignment.points)} points for {len(landmarks)} groups of landmarks; at least 2 of each")
    template = Template(landmarks, np.array(alignment.points, np.float64), width, height)
    wrong = _fault_of_points(template)
    if wrong is not None:
        raise AlignmentWrong(wrong)
    return template


def _fault_of_points(template: Template) -> str | None:
    """Why a face that is laid so would not come to lie upright in the chip; None where it would."""
    groups, targets = [frozenset(group) for group in template.landmarks], template.targets
    if not all(groups) or len(set(groups)) < len(groups):
        return "each group of landmarks needs at least one point, and no two groups are the same"
    if not ((targets >= 0) & (targets <= (template.width, template.height))).all():  # a NaN is nowhere inside
        return f"each point must lie inside the {template.width} x {template.height} chip"
    extent = float(np.ptp(targets, axis=0).max())
    if extent < EXTENT_MIN * max(template.width, template.height):
        return f"the points lie within {extent:.3g} pixels: of a face so small nothing would be seen"
    left, right = (targets[[group <= side for group in groups], 0] for side in (IMAGE_LEFT, IMAGE_RIGHT))
    if left.size and right.size and left.mean() >= right.mean():
        return "what is left in the image must be left in the chip: the faces would come mirrored or upside down"
    return None
