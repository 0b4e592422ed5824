"""Pure: of every frame of the clip, so much as tells whether the portrait is one of them, and no more of the face.

Of each aligned face's core the sign of its finest details, one bit for every second pixel of every second row. The frames
that are matched travel as pictures, three of them; but anybody may hand in another one as the document's portrait.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from workers.chips import CORE, SHIFT_MAX, SHIFTED, Floats, details_of, laid_upon

GLIMPSES_MAX = 128  # frames: in a clip of 5 s every one that is judged
CORE_PX = CORE.stop - CORE.start
STEP_PX = 2  # all pixels tell no more: neighbours of such details are alike
SIDE = CORE_PX // STEP_PX
GLIMPSE_BYTES = SIDE * SIDE // 8
MARK = b"glimpses-2:"  # before the bits: it tells them from packed chips, which begin as PNG or WebP do, and from older ones
_ANY_MARK = b"glimpses"

ALIKE_FROM = 0.5  # a frame made 12 % taller begins at .71 and is brought to .99; strangers' portraits reach .5
LAID_BETTER = 3  # frames; 3 to 8 ms together


def pack_glimpses(details: Floats) -> bytes:
    """details: (n, CORE_PX * CORE_PX), as of chips.core_details."""
    return MARK + np.packbits(_thinned(details) > 0, axis=1).tobytes()


def are_glimpses(packed: bytes) -> bool:
    """Whether this is not a chip but what pack_glimpses made, here or in a worker of another version."""
    return packed.startswith(_ANY_MARK)


def unpack_glimpses(packed: bytes) -> Floats:
    """(n, SIDE * SIDE) of 1 and -1; none of what another version packed."""
    bits = packed.removeprefix(MARK) if packed.startswith(MARK) else b""
    return _signs(np.unpackbits(np.frombuffer(bits, np.uint8).reshape(-1, GLIMPSE_BYTES), axis=1))


def glimpsed(portrait: Floats, frames: Floats) -> float:
    """The highest correlation of the portrait's details with a frame's, -1..1; about 1 where it is that frame.

    portrait: its (112, 112) gray chip. frames: (n, SIDE * SIDE) as of unpack_glimpses, n >= 1. Of two Gaussian signals x and y
    that correlate by r, E[x sign(y)] = r E|x| (Bussgang 1952), so the mean of the portrait's details under the frame's signs,
    over the mean of their sizes, is r: fine noise, which compression takes first, weighs as little as in a correlation of both.

    Landmarks of a picture and of its copy at another size or compression differ by some pixels, so small shifts are tried, and
    where that finds a frame that is much alike, the portrait is laid on it anew, by what both show.
    """
    details = details_of(portrait)
    shifted = np.lib.stride_tricks.sliding_window_view(details[SHIFTED, SHIFTED], (CORE_PX, CORE_PX))
    shifts = _correlations(shifted.reshape(-1, CORE_PX, CORE_PX)[:, ::STEP_PX, ::STEP_PX].reshape(-1, SIDE * SIDE), frames)
    best = float(shifts.max())
    if best < ALIKE_FROM:
        return best
    alike = np.argsort(-shifts.max(axis=0), kind="stable")[:LAID_BETTER].tolist()
    return max([best, *_laid_better(details, ((frames[frame], int(shifts[:, frame].argmax())) for frame in alike))])


def _laid_better(details: Floats, frames: Iterable[tuple[Floats, int]]) -> list[float]:
    """The correlation with each frame after laying the portrait's details on it. frames: and the number of the best shift."""
    found: list[float] = []
    for signs, shift in frames:
        down, right = (CORE.start - SHIFT_MAX + steps for steps in divmod(shift, 2 * SHIFT_MAX + 1))
        laid = laid_upon(signs.reshape(SIDE, SIDE), details, step_px=STEP_PX, at=(right, down))
        if laid is not None:
            found.append(float(_correlations(laid.reshape(1, -1), signs[None])[0, 0]))
    return found


def _correlations(details: Floats, signs: Floats) -> Floats:
    """(m, n) of m rows of details with n rows of signs."""
    sizes = np.abs(details).sum(axis=1, keepdims=True)
    return details @ signs.T / np.maximum(sizes, np.finfo(np.float32).tiny)


def _thinned(details: Floats) -> Floats:
    whole = details.reshape(-1, CORE_PX, CORE_PX)
    return whole[:, ::STEP_PX, ::STEP_PX].reshape(-1, SIDE * SIDE)


def _signs(bits: NDArray[np.bool_] | NDArray[np.uint8]) -> Floats:
    return bits.astype(np.float32) * 2 - 1
