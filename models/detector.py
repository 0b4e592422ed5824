"""Where the faces are. fr_detect (of the size and shape of Ultra-Light RFB-320)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.geometry import Box, suppress
from models.pixels import Image, Planes, assert_colour, letterbox, to_rgb_planes
from models.session import Floats

WIDTH_PX, HEIGHT_PX = 320, 240
SCORE_MIN = 0.65  # below it is no face; source: facts on models, section 1
IOU_MAX = 0.4  # two boxes that overlap more are one face; same source
FACES_MAX = 32  # a crowd beyond this says no more, and costs


@dataclass(frozen=True, slots=True)
class Face:
    """box: (4,) float32 x0 y0 x1 y1 in image pixels, may reach past the border. score: 0..1."""

    box: Box
    score: float


class RunsItems(Protocol):
    """A model behind models.batcher or models.inline, or a fake: (*input_shape) each in, (*output_shape) tuples out, in order."""

    def run(self, items: Sequence[Floats]) -> list[tuple[Floats, ...]]:
        """One tuple of outputs for each item."""
        ...


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds faces; shares its model with all other callers."""

    model: RunsItems

    def detect(self, image: Image) -> list[Face]:
        """Faces of one image (uint8, h x w x 3, BGR), best score first, at most FACES_MAX."""
        return self.detect_many([image])[0]

    def detect_many(self, images: Sequence[Image]) -> list[list[Face]]:
        """The same for many images, of any sizes, in one go."""
        prepared = [prepare(image) for image in images]
        outputs = self.model.run([planes for planes, _ in prepared])
        return [read(scores, boxes, scale) for (scores, boxes), (_, scale) in zip(outputs, prepared, strict=True)]


def prepare(image: Image) -> tuple[Planes, float]:
    """An image -> (3, 240, 320) RGB letterboxed, (x - 127) / 128; and the scale."""
    assert_colour(image)
    canvas, scale = letterbox(image, WIDTH_PX, HEIGHT_PX)
    return to_rgb_planes(canvas), scale


def read(scores: Floats, boxes: Floats, scale: float) -> list[Face]:
    """The model's answer -> faces in image pixels.

    scores: (4420, 2), class 1 = face. boxes: (4420, 4) in 0..1 of the model's input and already decoded:
    decoding them again with priors, as the package's own code does, gives wrong boxes.
    """
    sure = scores[:, 1] > SCORE_MIN
    chances = scores[sure, 1]
    found = (boxes[sure] * (np.array([WIDTH_PX, HEIGHT_PX] * 2) / scale)).astype(np.float32)
    kept = suppress(found, chances, IOU_MAX)[:FACES_MAX]
    return [Face(box=found[i], score=float(chances[i])) for i in kept]
