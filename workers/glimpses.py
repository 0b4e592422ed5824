"""Pure: of many frames of the clip, so much as tells whether the portrait is one of them, and no more of the face.

Of each aligned face's core the sign of its finest details, one bit a pixel. The frames that are matched travel as pictures,
three of them; but anybody may hand in another one as the document's portrait.
"""

from __future__ import annotations

from math import pi, sin

import numpy as np
from numpy.typing import NDArray

from workers.chips import CORE, SHIFTED, details_of

GLIMPSES_MAX = 32  # frames: in a clip of 5 s every second that is judged
SIDE = CORE.stop - CORE.start
GLIMPSE_BYTES = SIDE * SIDE // 8
MARK = b"glimpses"  # before the bits: it tells them from packed chips, which begin as PNG or WebP do

Floats = NDArray[np.float32]


def pack_glimpses(details: Floats) -> bytes:
    """details: (n, SIDE * SIDE), as of chips.core_details."""
    return MARK + np.packbits(details > 0, axis=1).tobytes()


def are_glimpses(packed: bytes) -> bool:
    """Whether this is not a chip but what pack_glimpses made."""
    return packed.startswith(MARK)


def glimpsed(portrait: Floats, packed: bytes) -> float | None:
    """The highest correlation of the portrait's details with a glimpsed frame's at small shifts, -1..1; None of no frame.

    portrait: its (112, 112) gray chip. Of two pictures whose details correlate by r, the signs correlate by 2 / pi * asin(r):
    the arcsine law (Van Vleck and Middleton 1966; of Gaussian noise). What is given is r, to be held against a chip's threshold.
    """
    bits = np.frombuffer(packed, np.uint8, offset=len(MARK)).reshape(-1, GLIMPSE_BYTES)
    if not len(bits):
        return None
    frames = _signs(np.unpackbits(bits, axis=1))
    own = _signs(details_of(portrait)[SHIFTED, SHIFTED] > 0)
    shifted = np.lib.stride_tricks.sliding_window_view(own, (SIDE, SIDE)).reshape(-1, SIDE * SIDE)
    return sin(pi / 2 * float((shifted @ frames.T).max()) / (SIDE * SIDE))


def _signs(bits: NDArray[np.bool_] | NDArray[np.uint8]) -> Floats:
    return bits.astype(np.float32) * 2 - 1
