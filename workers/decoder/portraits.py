"""A portrait's bytes to BGR pixels on a canvas. Runs in the child only."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.decoder.image_header import size_of
from workers.decoder.limits import DecoderLimits
from workers.decoder.wire import Because, Picture, Undecodable

_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
_LINEAR_MIN = 0.5  # from this factor on, linear scaling does not alias, and costs a tenth of averaging


def decode_portrait(image: bytes | bytearray, limits: DecoderLimits, canvas: NDArray[np.uint8]) -> Picture:
    """Decode, turn upright by EXIF, scale down to portrait_side_px_max; grey, alpha and 16 bits become plain BGR.

    canvas: flat. Raises Undecodable, cv2.error, MemoryError.
    """
    size = size_of(image)
    if size is None:
        raise Undecodable(Because.MAGIC)
    if size[0] * size[1] > limits.portrait_pixels_max:
        raise Undecodable(Because.PIXELS)
    pixels = _scaled(_decoded(image, max(size), limits), limits.portrait_side_px_max)
    if pixels.size > canvas.size:
        raise Undecodable(Because.BYTES)
    canvas[: pixels.size] = pixels.reshape(-1)
    return Picture(height=pixels.shape[0], width=pixels.shape[1])


def _decoded(image: bytes | bytearray, side: int, limits: DecoderLimits) -> NDArray[np.uint8]:
    """(H, W, 3). A JPEG much larger than wanted is decoded at a half, a quarter or an eighth: a third of the CPU."""
    fits = (divisor for divisor in _REDUCED if side // divisor >= limits.portrait_side_px_max)
    divisor = next(fits, 1)
    try:
        pixels = cv2.imdecode(np.frombuffer(image, np.uint8), _REDUCED.get(divisor, cv2.IMREAD_COLOR))
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from None
        raise
    if pixels is None:  # pyright: ignore[reportUnnecessaryComparison] - the stub leaves it out
        raise Undecodable(Because.CORRUPT)
    return np.asarray(pixels, np.uint8)


def _scaled(pixels: NDArray[np.uint8], side_px_max: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if max(height, width) <= side_px_max:
        return pixels
    factor = side_px_max / max(height, width)
    target = (max(1, round(width * factor)), max(1, round(height * factor)))
    way = cv2.INTER_LINEAR if factor >= _LINEAR_MIN else cv2.INTER_AREA
    return np.asarray(cv2.resize(pixels, target, interpolation=way), np.uint8)
