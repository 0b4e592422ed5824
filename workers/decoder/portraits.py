"""A portrait's bytes to BGR pixels on a canvas. Runs in the child only."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.decoder.image_header import has_alpha, is_animated, size_of
from workers.decoder.limits import DecoderLimits
from workers.decoder.wire import Because, Picture, Undecodable

_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
ALPHA_NDIM, ALPHA_CHANNELS = 3, 4  # BGRA, of 8 or 16 bits
_LINEAR_MIN = 0.5  # from this factor on, linear scaling does not alias, and costs a tenth of averaging


def decode_portrait(image: bytes | bytearray, limits: DecoderLimits, canvas: NDArray[np.uint8]) -> Picture:
    """Decode, turn upright by EXIF, scale down to portrait_side_px_max; grey and 16 bits become plain BGR.

    What is matched must be what a clerk is shown. An animation shows other frames than the first, and what shines through
    a picture is up to the page behind it: both are refused, for no camera, scanner or chip makes them. An alpha channel that
    is opaque throughout, as a browser's canvas writes it, is dropped.
    canvas: flat. Raises Undecodable, cv2.error, MemoryError.
    """
    size = size_of(image)
    if size is None:
        raise Undecodable(Because.MAGIC)
    if size[0] * size[1] > limits.portrait_pixels_max:
        raise Undecodable(Because.PIXELS)
    if is_animated(image):
        raise Undecodable(Because.ANIMATED)
    if has_alpha(image) and not _is_opaque(image):
        raise Undecodable(Because.TRANSPARENT)
    pixels = _scaled(_decoded(image, max(size), limits), limits.portrait_side_px_max)
    if pixels.size > canvas.size:
        raise Undecodable(Because.BYTES)
    canvas[: pixels.size] = pixels.reshape(-1)
    return Picture(height=pixels.shape[0], width=pixels.shape[1])


def _decoded(image: bytes | bytearray, side: int, limits: DecoderLimits) -> NDArray[np.uint8]:
    """(H, W, 3). A JPEG much larger than wanted is decoded at a half, a quarter or an eighth: a third of the CPU."""
    fits = (divisor for divisor in _REDUCED if side // divisor >= limits.portrait_side_px_max)
    divisor = next(fits, 1)
    return np.asarray(_read(image, _REDUCED.get(divisor, cv2.IMREAD_COLOR)), np.uint8)


def _is_opaque(image: bytes | bytearray) -> bool:
    """Whether no pixel of a picture with alpha lets anything through. False where the decoder finds none."""
    pixels = _read(image, cv2.IMREAD_UNCHANGED)
    if pixels.ndim != ALPHA_NDIM or pixels.shape[2] != ALPHA_CHANNELS:
        return False
    return bool(pixels[..., -1].min() == np.iinfo(pixels.dtype).max)


def _read(image: bytes | bytearray, way: int) -> NDArray[np.uint8 | np.uint16]:
    try:
        pixels = cv2.imdecode(np.frombuffer(image, np.uint8), way)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from None
        raise
    if pixels is None:  # pyright: ignore[reportUnnecessaryComparison] - the stub leaves it out
        raise Undecodable(Because.CORRUPT)
    return cast("NDArray[np.uint8 | np.uint16]", pixels)


def _scaled(pixels: NDArray[np.uint8], side_px_max: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if max(height, width) <= side_px_max:
        return pixels
    factor = side_px_max / max(height, width)
    target = (max(1, round(width * factor)), max(1, round(height * factor)))
    way = cv2.INTER_LINEAR if factor >= _LINEAR_MIN else cv2.INTER_AREA
    return np.asarray(cv2.resize(pixels, target, interpolation=way), np.uint8)
