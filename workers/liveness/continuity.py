"""Pure: whether it is one face all along. The box says where it went; embeddings say that it is still the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.liveness.challenge import Answer

JUMPS_MAX = 4  # both sides of so many jumps are compared: a limit, like on everything


def frames_to_compare(best: int, answer: Answer, seen: NDArray[np.bool_], jumps: Sequence[int]) -> list[int]:
    """The frames whose faces must be one: the one that is matched, and each that answered the challenge.

    best: the first chip's frame. An action is compared at its start: eyes still open, head hardly turned.
    Both sides of a jump are compared, too. Where nothing was answered, the first and the last seen frame stand in.
    """
    followed = np.flatnonzero(seen)
    wanted = {best}
    for event in answer.taken:
        if event is not None:
            wanted.add(_last_of(followed, event.first))
    for jump in list(jumps)[:JUMPS_MAX]:
        wanted.update((_last_of(followed, jump), int(followed[min(np.searchsorted(followed, jump), len(followed) - 1)])))
    if len(wanted) == 1:
        wanted.update((int(followed[0]), int(followed[-1])))
    return sorted(wanted)


def _last_of(followed: NDArray[np.intp], before: int) -> int:
    """The last followed frame before a frame; the first of all where there is none."""
    return int(followed[max(int(np.searchsorted(followed, before)) - 1, 0)])


def constancy(embeddings: NDArray[np.float32]) -> float | None:
    """The least similarity of any two, -1..1; None of one alone. embeddings: (n, 512), each of length 1."""
    if len(embeddings) < 2:  # noqa: PLR2004 - one face is like itself
        return None
    return float((embeddings @ embeddings.T).min())
