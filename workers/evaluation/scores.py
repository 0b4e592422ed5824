"""Pure: similarities of mated and non-mated faces, counted on a fine grid, and the error rates at any threshold.

Counts, not scores: 29.6 million impostor pairs take 160 kB. A similarity is held to 4 digits, as in a match report.
FMR: the share of non-mated comparisons at or above the threshold. FNMR: of mated ones below it (ISO/IEC 19795-1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.evaluation.rates import Rate, rate_of

STEPS = 10_000  # of the grid, a unit of similarity
GRID = 2 * STEPS + 1  # -1..1, both ends in
BLOCK_ROWS = 512  # of all-pairs: a block of scores is at most this x images, in memory at once
FOLDS_MIN = 2

Counts = NDArray[np.int64]  # (GRID,)
Compare = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


def no_counts() -> Counts:
    """Nothing counted yet."""
    return np.zeros(GRID, np.int64)


def counts_of(similarities: Iterable[float]) -> Counts:
    """How often each grid value occurs."""
    return _counted(np.fromiter(similarities, np.float64))


@dataclass(slots=True, eq=False)
class Scores:
    """All comparisons of one kind. lookalike: non-mated pairs that were chosen because they look alike."""

    mated: Counts = field(default_factory=no_counts)
    random: Counts = field(default_factory=no_counts)
    lookalike: Counts = field(default_factory=no_counts)

    def fmr(self, similarity: float) -> Rate:
        """Of random impostors."""
        return _at_least(self.random, similarity)

    def lookalike_fmr(self, similarity: float) -> Rate:
        """Of look-alikes: what a person who picked the document by its face would see."""
        return _at_least(self.lookalike, similarity)

    def fnmr(self, similarity: float) -> Rate:
        """Of mated comparisons."""
        n = int(self.mated.sum())
        return rate_of(n - _at_least(self.mated, similarity).errors, n)

    def threshold_at(self, fmr: float) -> float | None:
        """The lowest grid value whose share of random impostors is at most fmr; None where n < 1 / fmr cannot show it."""
        n = int(self.random.sum())
        if n * fmr < 1:
            return None
        tails = np.cumsum(self.random[::-1])[::-1]  # at and above each grid value
        fitting = np.flatnonzero(tails <= fmr * n)
        return similarity_of(int(fitting[0])) if len(fitting) else None

    def curve(self, points: int) -> list[tuple[float, float, float]]:
        """(similarity, FMR, FNMR) from permissive to strict, at most so many, where either changes.

        They lie evenly over the logarithm of the FMR and over the FNMR, so that both arms of the curve are drawn.
        """
        mated, random = int(self.mated.sum()), int(self.random.sum())
        if not mated or not random:
            return []
        fmr = np.cumsum(self.random[::-1])[::-1] / random
        fnmr = 1 - np.cumsum(self.mated[::-1])[::-1] / mated
        changes = np.flatnonzero((np.diff(fmr, prepend=2.0) != 0) | (np.diff(fnmr, prepend=-1.0) != 0))
        if len(changes) > points:
            changes = changes[_evenly(fmr[changes], fnmr[changes], points)]
        return [(similarity_of(int(place)), float(fmr[place]), float(fnmr[place])) for place in changes]


def _evenly(fmr: NDArray[np.float64], fnmr: NDArray[np.float64], points: int) -> NDArray[np.intp]:
    """Which of the points to keep."""
    length = np.abs(np.diff(np.log10(np.maximum(fmr, 1e-9)), prepend=0.0)) + 4 * np.abs(np.diff(fnmr, prepend=0.0))
    along: NDArray[np.float64] = np.cumsum(length)
    wanted = np.linspace(float(along[0]), float(along[-1]), points + 1)  # ends on the last one; a sum of steps goes beyond
    return np.unique(np.searchsorted(along, wanted))


def similarity_of(place: int) -> float:
    """The similarity at a place of the grid."""
    return round(place / STEPS - 1, 4)


def rebinned(counts: Counts, bins: int) -> tuple[int, ...]:
    """The counts in so many equal bins over -1..1; 1 itself is in the last one."""
    places = np.minimum(np.arange(GRID) * bins // (GRID - 1), bins - 1)
    return tuple(int(value) for value in np.bincount(places, weights=counts, minlength=bins))


def all_pairs(embeddings: NDArray[np.float32], persons: Sequence[str], compare: Compare) -> Scores:
    """Every image with every other, once. embeddings: (n, numbers). compare: as models.embedder.compare, symmetric."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(persons))}
    labels = np.array([numbers[name] for name in persons])
    scores = Scores()
    for start in range(0, len(labels), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(labels))
        block = compare(embeddings[start:stop], embeddings[start:])
        later = np.triu(np.ones(block.shape, np.bool_), 1)
        same = labels[start:stop, None] == labels[None, start:]
        scores.mated += _counted(block[later & same])
        scores.random += _counted(block[later & ~same])
    return scores


class FoldResult(NamedTuple):
    """accuracies, thresholds: of each fold. wrong: pairs judged wrongly, of n."""

    accuracies: list[float]
    thresholds: list[float]
    wrong: int
    n: int


def fold_accuracies(similarity: Sequence[float], mated: Sequence[bool], fold: Sequence[int]) -> FoldResult | None:
    """Each fold at the threshold that is most accurate on the others; None for fewer than two folds.

    Source: Huang et al. 2007, Labeled Faces in the Wild, section IV.B (10-fold, view 2). Of equally good thresholds
    the middle one is taken.
    """
    folds = sorted(set(fold))
    if len(folds) < FOLDS_MIN:
        return None
    values, truth, of = np.asarray(similarity), np.asarray(mated, np.bool_), np.asarray(fold)
    result = FoldResult([], [], 0, len(values))
    wrong = 0
    for each in folds:
        ours = of == each
        threshold = _best_threshold(values[~ours], truth[~ours])
        right = (values[ours] >= threshold) == truth[ours]
        result.accuracies.append(float(right.mean()))
        result.thresholds.append(threshold)
        wrong += int((~right).sum())
    return result._replace(wrong=wrong)


def _best_threshold(values: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    mated, other = _counted(values[truth]), _counted(values[~truth])
    # Right at grid value i: mated at and above it, others below it.
    right = np.cumsum(mated[::-1])[::-1] + np.concatenate([[0], np.cumsum(other)[:-1]])
    best = np.flatnonzero(right == right.max())
    return similarity_of(int(best[len(best) // 2]))


def _counted(similarities: NDArray[np.floating]) -> Counts:
    places = np.clip(np.rint((similarities.astype(np.float64) + 1) * STEPS), 0, GRID - 1).astype(np.int64)
    return np.bincount(places, minlength=GRID)


def _at_least(counts: Counts, similarity: float) -> Rate:
    place = int(np.clip(np.ceil((similarity + 1) * STEPS - 1e-6), 0, GRID))
    return rate_of(int(counts[place:].sum()), int(counts.sum()))
