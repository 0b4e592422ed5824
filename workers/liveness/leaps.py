"""Pure: moments at which the face suddenly looks different. Within one recording a face changes slowly.

Of each frame a small aligned face is compared with its neighbour, and with the one a third of a second later, by the
correlation of their luma. Light and pose move it a little; another person moves it much. Measured on the 73 genuine
cuts of bench/presentations (two people, four codecs, 12-30 Hz): at most .27 from frame to frame, .59 over a third of a
second. Another person: .47-1.13, and .85-1.17 (16 splices, some dissolved over 4 frames).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LAG_S = 0.35  # a dissolve of a few frames ends within it
STEP_S = 1 / 12  # neighbours are no further apart, unless the recording stalls or the face was not seen
PAIRS_MAX = 3  # pairs whose embeddings are compared: a limit, like on everything
SMALLEST = 1e-6

Faces = NDArray[np.float32]  # (T, h, w) gray, NaN where no face was seen


@dataclass(frozen=True, slots=True)
class Leaps:
    """step: the largest change from a frame that shows the face to the next that does, 0..2; None where fewer than two do.

    doubtful: pairs of frames a third of a second apart that look like two people, the most different first.
    """

    step: float | None
    doubtful: tuple[tuple[int, int], ...]


def leaps_of(faces: Faces, at_s: NDArray[np.float64], *, drift_max: float) -> Leaps:
    """faces: aligned, of one size. at_s: (T,) seconds. drift_max: change over LAG_S from which on a pair is doubtful."""
    normal = _normalised(faces)
    if len(at_s) < 2:  # noqa: PLR2004 - nothing to compare with
        return Leaps(None, ())
    lag = max(1, round(LAG_S / float(np.median(np.diff(at_s)))))
    return Leaps(_largest_step(normal, at_s), tuple(_largest(_changes(normal, lag), lag, drift_max)))


def _largest_step(normal: NDArray[np.float32], at_s: NDArray[np.float64]) -> float | None:
    """From each frame that shows the face to the next that does, so that nothing is cut behind a covered lens.

    Over more time a living face changes more, about as the root of it (of 131 genuine cuts .32, .47, .49 and .58 at most over
    1, 2, 3 and 4 frames), so a step of more than STEP_S counts as much less.
    """
    seen = np.flatnonzero(~np.isnan(normal[:, 0]))
    steps = _changes(normal[seen], 1)
    longer = np.maximum(np.diff(at_s[seen]) / STEP_S, 1.0)
    return float((steps / np.sqrt(longer)).max()) if len(steps) else None


def _normalised(faces: Faces) -> NDArray[np.float32]:
    """Each face as a vector of mean 0 and length 1."""
    flat = faces.reshape(len(faces), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), SMALLEST)


def _changes(normal: NDArray[np.float32], lag: int) -> NDArray[np.float32]:
    """1 - correlation of each face with the one `lag` frames later; NaN where one is missing."""
    return (1 - (normal[lag:] * normal[:-lag]).sum(axis=1)).astype(np.float32) if len(normal) > lag else np.zeros(0, np.float32)


def _largest(changes: NDArray[np.float32], lag: int, least: float) -> Sequence[tuple[int, int]]:
    """The largest changes, none within `lag` frames of a larger one."""
    left = np.where(np.isnan(changes), -1.0, changes)
    found: list[tuple[int, int]] = []
    while len(found) < PAIRS_MAX and len(left) and left.max() > least:
        place = int(np.argmax(left))
        found.append((place, place + lag))
        left[max(0, place - lag) : place + lag + 1] = -1.0
    return found
