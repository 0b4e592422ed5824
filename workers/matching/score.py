"""Pure: how alike the portrait and the clip's faces are, as people and as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder
from workers.chips import correlation_of

Chip = NDArray[np.float32]  # (112, 112) gray


def similarity_of(
    embedder: Embedder, portrait: NDArray[np.float32], frames: NDArray[np.float32]
) -> tuple[float, tuple[float, ...]]:
    """How alike the portrait is to the mean of the frames, and to each. portrait: (1, numbers), frames: (n, numbers).

    The plain mean: which frames are fused is chosen by quality already (liveness/choice.py). Weighing them by it as well,
    by its root or its square, the mean or the best of the scores separated no better on registry clips as they are,
    blurred, moved, at 0.1 Mbit/s, dark and at a third of their size (docs/adr/0007-one-embedding-or-two.md).
    """
    mean = embedder.fuse(frames, np.ones(len(frames), np.float32))
    together = float(embedder.compare(portrait, mean)[0, 0])
    return together, tuple(float(value) for value in embedder.compare(portrait, frames)[0])


def copy_correlation_of(portrait: Chip, frames: Sequence[Chip]) -> float:
    """The highest correlation of the portrait's details with a frame's, -1..1; about 1 for the same photo."""
    return max(correlation_of(portrait, frame) for frame in frames)
