"""Whether a face is live or a picture of one (passive PAD). fr_liveness. Never the only barrier: see MODEL_CARD.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detector import RunsItems
from models.geometry import Box
from models.pixels import Image, Planes, assert_colour, crop_round, to_bgr_planes
from models.session import Floats

SIDE_PX = 128
CROP_SCALE = 2.0  # of the square of the box's height; measured better than the package's 2.7 (facts, section 5)
LIVE = 0  # the class


@dataclass(frozen=True, slots=True)
class Spoof:
    """Scores faces; shares its model with all other callers."""

    model: RunsItems

    def score(self, image: Image, box: Box) -> float:
        """Chance that the face is live, 0..1. image: uint8, h x w x 3, BGR (RGB ruins it: AUC .94 -> .72)."""
        return self.score_many([(image, box)])[0]

    def score_many(self, faces: Sequence[tuple[Image, Box]]) -> list[float]:
        """The same for many faces in one go. Take the median of five near-frontal frames, not one."""
        outputs = self.model.run([prepare(image, box) for image, box in faces])
        return [read(logits) for (logits,) in outputs]


def prepare(image: Image, box: Box) -> Planes:
    """A face -> (3, 128, 128) BGR 0..255, twice the square of the box's height."""
    assert_colour(image)
    return to_bgr_planes(crop_round(image, box, scale=CROP_SCALE, size=SIDE_PX))


def read(logits: Floats) -> float:
    """The model's answer, (3,) -> the softmax of the class `live`."""
    powers = np.exp(logits - logits.max())
    return float(powers[LIVE] / powers.sum())
