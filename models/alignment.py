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
    return Template(landmarks, np.array(alignment.points, np.float64), width, height)
