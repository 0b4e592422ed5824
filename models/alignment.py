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

# The mean of four persons' near-frontal faces (A, B, W, P of the manifest, 41 frames), 68 points in ArcFace's chip of
# 112 px; they differ by up to 3.7 px (standard deviation).
MEAN_FACE: Points = _read(
    """
    14.0 56.1  14.3 66.8  15.6 77.6  17.5 88.3  21.2 98.3  27.4 107.0
    35.6 114.0  45.2 119.2  56.3 120.6  67.0 118.8  76.0 113.0  83.2 105.5
    88.4 96.5  91.3 86.4  92.9 76.0  94.0 65.6  94.0 55.1  21.6 45.0
    26.5 38.9  34.3 36.5  42.4 37.3  50.0 40.4  62.7 40.7  69.8 37.7
    77.4 36.9  84.6 39.0  88.7 44.9  56.2 50.1  56.3 56.8  56.5 63.2
    56.7 70.1  47.9 76.6  52.1 77.7  56.5 78.8  60.7 77.7  64.8 76.6
    30.3 53.2  34.7 50.9  39.8 50.8  44.6 53.6  39.7 54.5  34.5 54.6
    66.7 53.7  71.4 51.0  76.4 51.1  80.6 53.4  76.6 54.8  71.6 54.7
    40.4 91.7  46.4 88.2  52.3 86.3  56.6 87.4  60.7 86.4  66.4 88.4
    71.8 92.0  66.5 97.3  60.9 99.6  56.4 100.0  51.9 99.5  46.1 97.1
    43.0 91.8  52.3 90.6  56.6 91.0  60.7 90.6  69.3 92.1  60.6 94.0
    56.4 94.4  52.1 93.9
    """
).astype(np.float32)


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

    @property
    def is_arcface(self) -> bool:
        """Whether the chip is ArcFace's own of 112 x 112."""
        return self.landmarks == FIVE and self.width == self.height == ARCFACE_PX and np.array_equal(self.targets, ARCFACE_POINTS)

    def to_arcface(self) -> Affine:
        """The map from this chip to ArcFace's of 112 x 112, of the mean face.

        It is right for a face whose points lie as in the template, and moves others by the same few pixels in each of
        their photos: good enough to hold two chips against each other as pictures.
        """
        forth = self.map_of(MEAN_FACE).astype(np.float64)
        back = np.linalg.inv(forth[:, :2])
        return np.column_stack([back, -back @ forth[:, 2]]).astype(np.float32)


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
