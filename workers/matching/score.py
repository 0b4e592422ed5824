"""Pure: how alike the portrait and the clip's faces are, as people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder


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
