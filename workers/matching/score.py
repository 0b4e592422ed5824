"""Pure: how alike the portrait and the clip's faces are, as people and as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.chips import correlation_of

LENGTH_MIN = 1e-6

Chip = NDArray[np.float32]  # (112, 112) gray


def similarity_of(portrait: NDArray[np.float32], frames: NDArray[np.float32]) -> tuple[float, tuple[float, ...]]:
    """Cosine of the portrait with the mean of the frames, and with each. portrait: (512,), frames: (n, 512), length 1."""
    mean = frames.mean(axis=0)
    together = float(portrait @ mean / max(float(np.linalg.norm(mean)), LENGTH_MIN))
    return together, tuple(float(value) for value in frames @ portrait)


def copy_correlation_of(portrait: Chip, frames: Sequence[Chip]) -> float:
    """The highest correlation of the portrait's details with a frame's, -1..1; about 1 for the same photo."""
    return max(correlation_of(portrait, frame) for frame in frames)
