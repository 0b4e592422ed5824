"""Pure: whether it is one face all along. The box says where it went; embeddings say that it is still the same.

The frames that are matched are taken from the actions, and the matching stage holds them against each
other. So a comparison here is only needed where the box jumped, or where not all chips could be handed on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

JUMPS_MAX = 4  # both sides of so many jumps are compared: a limit, like on everything


def sides_of(jumps: Sequence[int], seen: NDArray[np.bool_]) -> list[int]:
    """The last followed frame before each jump and the first from it on. seen: (T,), with at least one."""
    followed = np.flatnonzero(seen)
    places = np.searchsorted(followed, list(jumps)[:JUMPS_MAX])
    sides = np.concatenate([np.maximum(places - 1, 0), np.minimum(places, len(followed) - 1)])
    return np.unique(followed[sides]).tolist()


def constancy(similarities: NDArray[np.float32]) -> float | None:
    """The least similarity of any two, -1..1; None of one alone. similarities: (n, n), of each with each."""
    if len(similarities) < 2:  # noqa: PLR2004 - one face is like itself
        return None
    return float(similarities.min())
