"""Cutting, scaling and ordering of pixels for the models. Pure; the door to OpenCV of this package.

Images are uint8, (h, w, 3) in BGR order or (h, w) gray. What a model gets is float32 (channels, h, w).
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportReturnType=false, reportArgumentType=false, reportCallIssue=false
# (OpenCV's stubs know only "some numbers"; types and shapes are asserted where images come in)

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from models.geometry import Affine, Box, square_map, square_of_height
from models.manifest import ModelEntry, Pixels

Image: TypeAlias = NDArray[np.uint8]
Planes: TypeAlias = NDArray[np.float32]  # (channels, h, w)

COLOUR_NDIM, GRAY_NDIM, CHANNELS = 3, 2, 3
MEAN, SCALE = 127.0, 1 / 128  # detector and embedder: (x - 127) / 128, exact in float32


def letterbox(image: Image, width: int, height: int) -> tuple[Image, float]:
    """The whole image, scaled to fit, in the top left corner of a black width x height one; and the scale.

    Divide coordinates in the result by the scale to get the image's own.
    """
    image_h, image_w = image.shape[:2]
    scale = min(width / image_w, height / image_h)
    to_w, to_h = max(1, round(image_w * scale)), max(1, round(image_h * scale))
    canvas = np.zeros((height, width, CHANNELS), np.uint8)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR  # area: no aliasing when shrinking
    canvas[:to_h, :to_w] = cv2.resize(image, (to_w, to_h), interpolation=way)
    return canvas, scale


def gray_square(image: Image, square: Box, size: int) -> Planes:
    """The square cut out as gray size x size, values / 256: (1, size, size). Outside the image it is black.

    A gray image (a clip's Y plane) is taken as it is.
    """
    cut = cv2.warpAffine(image, square_map(square, size), (size, size), flags=cv2.INTER_LINEAR)
    gray = cut if cut.ndim == GRAY_NDIM else cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY)
    return (gray.astype(np.float32) / 256)[None]


def crop_round(image: Image, box: Box, *, scale: float, size: int) -> Image:
    """The square of the box's height, grown by scale, as size x size pixels.

    Where it would leave the image it is first made smaller, then pushed inside: the PAD model was
    trained that way, and a black border is a sign of a photo to it.
    """
    image_h, image_w = image.shape[:2]
    square = square_of_height(box)
    middle_x, middle_y = float(square[0] + square[2]) / 2, float(square[1] + square[3]) / 2
    side = max(float(square[3] - square[1]), 1.0)
    side *= min((image_h - 1) / side, (image_w - 1) / side, scale)
    x0 = max(min(middle_x - side / 2, image_w - 1 - side), 0.0)
    y0 = max(min(middle_y - side / 2, image_h - 1 - side), 0.0)
    cut = image[int(y0) : int(y0 + side) + 1, int(x0) : int(x0 + side) + 1]
    return cv2.resize(cut, (size, size))


def lay(image: Image, way: Affine, *, width: int, height: int) -> Image:
    """The (height, width) image that the map makes of a BGR one. Outside of it is black."""
    assert_colour(image)
    return cv2.warpAffine(image, way, (width, height), flags=cv2.INTER_LINEAR)


def to_numbers(image: Image, entry: ModelEntry) -> NDArray[np.float32]:
    """BGR pixels of the input's size -> what the entry says that the model reads, of its input_shape."""
    assert_colour(image)
    pixels = entry.pixels or Pixels(mean=(0.0,), scale=(1.0,))
    mean, scale = (values * CHANNELS if len(values) == 1 else values for values in (pixels.mean, pixels.scale))
    if entry.colour == "gray":
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
        planes = ((gray - np.float32(mean[0])) * np.float32(scale[0]))[None]
    else:
        is_uniform = len(set(scale)) == 1
        one = scale[0] if is_uniform else 1.0  # OpenCV takes one scale for all channels
        planes = cv2.dnn.blobFromImage(image, one, mean=mean, swapRB=entry.colour == "RGB")[0]
        if not is_uniform:
            planes *= np.array(scale, np.float32)[:, None, None]
    return planes if entry.layout == "NCHW" else np.ascontiguousarray(planes.transpose(1, 2, 0))


def size_of(entry: ModelEntry) -> tuple[int, int]:
    """(height, width) of an image model's input."""
    shape = entry.input_shape
    return (shape[1], shape[2]) if entry.layout == "NCHW" else (shape[0], shape[1])


def to_rgb_planes(image: Image) -> Planes:
    """BGR pixels -> (3, h, w) RGB, (x - 127) / 128."""
    return cv2.dnn.blobFromImage(image, SCALE, mean=(MEAN, MEAN, MEAN), swapRB=True)[0]


def assert_colour(image: Image) -> None:
    """A wrong shape or type here is a bug of the caller."""
    assert image.dtype == np.uint8, image.dtype
    assert image.ndim == COLOUR_NDIM, image.shape
    assert image.shape[2] == CHANNELS, image.shape
    assert image.size > 0, image.shape


def assert_colour_or_gray(image: Image) -> None:
    """As assert_colour, and (h, w) gray is as good."""
    if image.ndim == GRAY_NDIM:
        assert image.dtype == np.uint8, image.dtype
        assert image.size > 0, image.shape
    else:
        assert_colour(image)
