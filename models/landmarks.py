"""Where eyes, nose, mouth and jaw are. fr_landmark: 68 points in iBUG order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detector import RunsItems
from models.geometry import MIRRORED, POINTS, Box, Points, square_of_height
from models.pixels import Image, Planes, assert_colour_or_gray, gray_square
from models.session import Floats

SIDE_PX = 64


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Finds the points of a face that is known to be there; shares its model with all other callers."""

    model: RunsItems

    def locate(self, image: Image, box: Box) -> Points:
        """(68, 2) float32 in image pixels. image: uint8, BGR (h, w, 3) or gray (h, w), as a clip's Y plane.

        box: a face, as the detector gives it or as carried by an earlier frame's points.
        """
        return self.locate_many([(image, box)])[0]

    def locate_both_ways(self, image: Image, box: Box) -> tuple[Points, Points]:
        """As locate says, and as it says of the mirrored picture, brought back: the model does not see both alike."""
        square = square_of_height(box)
        item = prepare(image, square)
        (plain,), (mirrored,) = self.model.run([item, np.ascontiguousarray(item[..., ::-1])])
        return read(plain, square), read(unmirrored(mirrored), square)

    def locate_many(self, faces: Sequence[tuple[Image, Box]]) -> list[Points]:
        """The same for many faces in one go."""
        squares = [square_of_height(box) for _, box in faces]
        items = [prepare(image, square) for (image, _), square in zip(faces, squares, strict=True)]
        outputs = self.model.run(items)
        return [read(found, square) for (found,), square in zip(outputs, squares, strict=True)]


def prepare(image: Image, square: Box) -> Planes:
    """A face -> (1, 64, 64) gray, x / 256, of the square of the box's height."""
    assert_colour_or_gray(image)
    return gray_square(image, square, SIDE_PX)


def unmirrored(found: Floats) -> Floats:
    """The model's answer on a mirrored square -> what it is on the square. (136,) both: pixel i was pixel SIDE_PX - 1 - i."""
    points = found.reshape(POINTS, 2)[MIRRORED]
    return np.column_stack([(SIDE_PX - 1) / SIDE_PX - points[:, 0], points[:, 1]]).reshape(-1).astype(np.float32)


def read(found: Floats, square: Box) -> Points:
    """The model's answer, (136,) in 0..1 of the square -> (68, 2) image pixels."""
    side = square[2] - square[0]
    return (found.reshape(POINTS, 2) * side + square[:2]).astype(np.float32)
