"""What makes a face that person's, as 512 numbers. fr_feature. Embeddings live in memory only, never on a wire."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.detector import RunsItems
from models.geometry import Points, five_points
from models.pixels import CHIP_PX, Image, Planes, align_112, assert_colour, to_rgb_planes
from models.session import Floats

NUMBERS = 512
LENGTH_MIN = 1e-6


@dataclass(frozen=True, slots=True)
class Embedder:
    """Embeds aligned chips; shares its model with all other callers."""

    model: RunsItems

    def cut(self, image: Image, points: Points) -> Image:
        """The aligned chip of one face, (112, 112, 3) uint8 BGR. points: (68, 2) pixels of the image."""
        return align_112(image, five_points(points))

    def compare(self, ones: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, numbers) and (m, numbers) -> (n, m) similarities, -1..1; the larger the more alike."""
        return ones @ others.T

    def embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, 112, 112, 3) uint8 BGR, as of pixels.align_112 -> (n, 512) float32, each of length 1.

        The scalar product of two is their similarity, -1..1.
        """
        outputs = self.model.run([prepare(chip) for chip in chips])
        if not outputs:
            return np.zeros((0, NUMBERS), np.float32)
        return np.stack([read(numbers) for (numbers,) in outputs])


def prepare(chip: Image) -> Planes:
    """A chip -> (3, 112, 112) RGB, (x - 127) / 128."""
    assert_colour(chip)
    assert chip.shape[:2] == (CHIP_PX, CHIP_PX), chip.shape
    return to_rgb_planes(chip)


def read(numbers: Floats) -> NDArray[np.float32]:
    """The model's answer, (512,), divided by its length."""
    length = float(np.linalg.norm(numbers))
    assert length > LENGTH_MIN, "an embedding of length 0"
    return (numbers / length).astype(np.float32)
