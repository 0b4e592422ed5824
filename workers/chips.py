"""Pure: face chips: aligned, packed without loss. The door to OpenCV of liveness and matching.

What looks at a chip as a picture takes it as ArcFace lays it, 112 x 112; what is packed is as the embedder wants it.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportReturnType=false, reportArgumentType=false, reportCallIssue=false
# (OpenCV's stubs know only "some numbers"; shapes are asserted where images come in)

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.alignment import ARCFACE_PX
from models.geometry import Affine
from models.pixels import Image, assert_colour

CORE = slice(20, 92)  # rows and columns of a chip that show skin on every face: no hair, no background
SHIFT_MAX = 3  # px: landmarks of the same photo at another size land that far off
SHIFTED = slice(CORE.start - SHIFT_MAX, CORE.stop + SHIFT_MAX)
FINE, COARSE = 1.0, 2.0  # sigma, px; of nine bands tried, this one best told the same photo from another of that person
DETAILS_REACH = 8  # px: OpenCV's kernel of the coarser one ends there
TO_CORE: Affine = np.array([[0, 0, CORE.start - DETAILS_REACH]] * 2, np.float32)  # a map's shift, less this
ROUNDING = 0.5  # grey levels squared: of 1, -2, 1 times numbers that are off by 1/12 each
SECOND: NDArray[np.float32] = np.array([[1, -2, 1]], np.float32)  # second difference along a row
CONTRAST_MIN = 4.0  # grey levels squared; an empty chip has no sharpness
PNG_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH]
WEBP_LOSSLESS = [cv2.IMWRITE_WEBP_QUALITY, 101]  # above 100: without loss

ECC_ENDS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-4)
ECC_GAUSS_PX = 1  # not smoothed: by 3 and 5 px fewer copies were found (bench.copied_frames)
LAID_PX_MAX = 8.0  # that far a corner of the core may move: a picture made 12 % taller or wider needs it

SMALL_FACE_PX = 28

Floats = NDArray[np.float32]


def gray_chip(gray: Image, way: Affine) -> Floats:
    """The aligned (112, 112) chip of a luma plane, 0..255. gray: video range, 16..235. way: as of geometry.arcface_map."""
    cut = cv2.warpAffine(gray, way, (ARCFACE_PX, ARCFACE_PX), flags=cv2.INTER_LINEAR)
    return full_range(cut.astype(np.float32))


def core_details(gray: Image, way: Affine) -> Floats:
    """details_of the gray chip's core alone, (72, 72): 0.1 ms. gray, way: as of gray_chip; of a scale of its own."""
    cut = way - TO_CORE
    wide = CORE.stop - CORE.start + 2 * DETAILS_REACH
    around = cv2.warpAffine(gray, cut, (wide, wide), flags=cv2.INTER_LINEAR).astype(np.float32)
    return details_of(around)[DETAILS_REACH:-DETAILS_REACH, DETAILS_REACH:-DETAILS_REACH]


def small_face(gray: Image, way: Affine) -> Floats:
    """The aligned face as (28, 28) of a luma plane: who it is hardly shows, that it is another one does. 0.06 ms."""
    cut = cv2.warpAffine(gray, way * np.float32(0.5), (ARCFACE_PX // 2, ARCFACE_PX // 2), flags=cv2.INTER_LINEAR)
    return cv2.resize(cut, (SMALL_FACE_PX, SMALL_FACE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)


def full_range(luma: Floats) -> Floats:
    """Luma of video range, 16..235, as 0..255."""
    return np.clip((luma - 16) * (255 / 219), 0, 255)


def luma_of(chip: Image) -> Floats:
    """The (112, 112) gray of a BGR chip, 0..255."""
    return cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY).astype(np.float32)


def sharpness_of(chip: Floats) -> float:
    """How much of a gray chip's contrast is fine detail, in the direction that has less of it; in thousandths.

    Variance of the second differences along rows and along columns, less what rounding to 8 bits makes of nothing, over
    the variance within each side of the face: neither gain nor light from one side moves it, and a blur in one direction
    lowers it as much as one in both. Ours; noise counts as detail.
    """
    core = chip[CORE, CORE]
    half = core.shape[1] // 2
    contrast = (float(core[:, :half].var()) + float(core[:, half:].var())) / 2
    finest = min(float(cv2.filter2D(core, -1, along).var()) for along in (SECOND, SECOND.T)) - ROUNDING
    return 1000 * max(finest, 0.0) / max(contrast, CONTRAST_MIN)


def details_of(chip: Floats) -> Floats:
    """What of a gray chip, or of a piece of one, is one to two pixels fine."""
    return cv2.GaussianBlur(chip, (0, 0), FINE) - cv2.GaussianBlur(chip, (0, 0), COARSE)


def laid_upon(still: Floats, moved: Floats, *, step_px: int, at: tuple[int, int]) -> Floats | None:
    """What of `moved` comes to lie on `still` under the affine map that makes both most alike; None where none is found nearby.

    still: (n, n), one value for every step_px pixels of moved. at: where still's first value lies on moved at first, x and y
    in pixels. Source: Evangelidis and Psarakis 2008, Parametric image alignment using enhanced correlation coefficient.
    """
    guess = np.array([[step_px, 0, at[0]], [0, step_px, at[1]]], np.float32)
    try:
        _, fitting = cv2.findTransformECC(still, moved, guess.copy(), cv2.MOTION_AFFINE, ECC_ENDS, None, ECC_GAUSS_PX)
    except cv2.error as error:
        if error.code != cv2.Error.StsNoConv:
            raise
        return None  # it strays from the picture, or sees nothing in it
    end = still.shape[0] - 1
    corners = np.array([[0, 0, 1], [end, 0, 1], [0, end, 1], [end, end, 1]], np.float32)
    if not np.abs(corners @ (fitting - guess).T).max() <= LAID_PX_MAX:
        return None  # what is left of a picture that was drawn together agrees with anything
    return cv2.warpAffine(moved, fitting, still.shape[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)


def pack_chip(chip: Image) -> bytes:
    """A BGR chip as PNG: without loss, so that its embedding is what it was."""
    assert_colour(chip)
    done, packed = cv2.imencode(".png", chip, PNG_FAST)
    assert done
    return packed.tobytes()


def pack_chip_tightly(chip: Image) -> bytes:
    """The same as WebP without loss: a third smaller for 15 times the CPU. For grainy chips that PNG leaves too large."""
    assert_colour(chip)
    done, packed = cv2.imencode(".webp", chip, WEBP_LOSSLESS)
    assert done
    return packed.tobytes()


def pack_best(chips: Sequence[Image], *, bytes_max: int, extra_bytes: int) -> list[bytes]:
    """As many as fit bytes_max together, each with extra_bytes for its sealing; the last ones go first.

    chips: best first. The best one is always kept: alone it is 38 kB at most at 112 x 112, 77 kB at 160 x 160.
    Of larger chips fewer fit: of three of 112 all nearly always do, of 150 two or three.
    """
    packed = [pack_chip(chip) for chip in chips]
    if _bytes_of(packed, extra_bytes) > bytes_max:
        packed = [pack_chip_tightly(chip) for chip in chips]
    while len(packed) > 1 and _bytes_of(packed, extra_bytes) > bytes_max:
        packed.pop()
    return packed


def unpack_chip(packed: bytes) -> Image:
    """The chip that was packed. Anything else than an image is a bug of the sender."""
    chip = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
    assert chip is not None, "not an image"
    assert_colour(chip)
    return chip


def _bytes_of(packed: Sequence[bytes], extra_bytes: int) -> int:
    return sum(len(chip) + extra_bytes for chip in packed)
