"""Pure: what comparisons of all images with all are worth: as many independent ones as their spread over persons says.

Such pairs share images and people, so an interval over them as if each stood for itself covers far too little (of 200
people with 4 photos each 27 % in place of 95 %, by simulation). The spread over persons is what other persons would show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.evaluation.rates import CONFIDENCE, Rate, beta_quantile, short
from workers.evaluation.scores import BLOCK_ROWS, Compare


class Spread(NamedTuple):
    """Standard deviations over persons, at each threshold that was asked for.

    persons:      whose images were compared. mated: how many of them have two images or more.
    person_pairs: pairs of two different persons: more than that no FMR is worth, however many images each has.
    """

    fmr: list[float]
    fnmr: list[float]
    persons: int
    mated: int

    @property
    def person_pairs(self) -> int:
        """Each two persons once."""
        return pairs_among(self.persons)


Spreads = Callable[[Sequence[float]], Spread]  # of thresholds


def pairs_among(persons: int) -> int:
    """How many pairs of two different persons there are."""
    return persons * (persons - 1) // 2


def spread_of(embeddings: NDArray[np.float32], persons: Sequence[str], compare: Compare, thresholds: Sequence[float]) -> Spread:
    """How much FMR and FNMR at each threshold would move with other persons; pairs of one person are taken to go together.

    A non-mated pair has two persons, and all pairs of either may err together. The variance of errors / n is then the sum
    over persons of (their errors - FMR x their pairs)^2, over n^2; a mated pair has one person. Of few persons
    (operating_points.PERSONS_MIN) it comes out far too small.
    Source: Aronow, Samii and Assenova 2015, Political Analysis 23, 564-577 (dyadic clusters), without its subtraction of
    what counts twice, so a little too wide.
    """
    _, labels = np.unique(np.array(persons), return_inverse=True)
    people = int(labels.max()) + 1
    others_n, own_n = np.zeros(people), np.zeros(people)
    false_matches, misses = np.zeros((len(thresholds), people)), np.zeros((len(thresholds), people))
    for start in range(0, len(labels), BLOCK_ROWS):
        rows = labels[start : start + BLOCK_ROWS]
        alike = compare(embeddings[start : start + BLOCK_ROWS], embeddings)
        others = rows[:, None] != labels[None]
        own = ~others
        own[np.arange(len(rows)), start + np.arange(len(rows))] = False  # an image with itself
        others_n += np.bincount(rows, others.sum(axis=1), people)
        own_n += np.bincount(rows, own.sum(axis=1), people)
        for place, threshold in enumerate(thresholds):
            false_matches[place] += np.bincount(rows, ((alike >= threshold) & others).sum(axis=1), people)
            misses[place] += np.bincount(rows, ((alike < threshold) & own).sum(axis=1), people)
    # Each pair was met from both sides: a non-mated one counts for either person, a mated one twice for the same.
    fmr = [_deviation(errors, others_n, others_n.sum() / 2) for errors in false_matches]
    fnmr = [_deviation(errors / 2, own_n / 2, own_n.sum() / 2) for errors in misses]
    return Spread(fmr, fnmr, people, int((own_n > 0).sum()))


def over_persons(rate: Rate, deviation: float, most: int) -> Rate:
    """The rate with intervals for as many independent comparisons as would spread so much; at most `most`.

    most: persons of an FNMR, pairs of persons of an FMR. Where no error was seen nothing spreads, and `most` is what they
    are worth. Clopper and Pearson's interval with that number in place of n.
    Source: Korn and Graubard 1998, Survey Methodology 24, 193-201, without its correction for degrees of freedom.
    """
    if rate.n == 0 or most == 0:
        return rate
    share = rate.errors / rate.n
    spread = share * (1 - share) / deviation**2 if deviation else float("inf")
    n = max(1.0, min(float(most), float(rate.n), spread))
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if rate.errors == 0 else beta_quantile(tail, share * n, n - share * n + 1)
    high, upper = (
        1.0 if rate.errors == rate.n else beta_quantile(confidence, share * n + 1, n - share * n)
        for confidence in (1 - tail, CONFIDENCE)
    )
    return Rate(rate.errors, rate.n, rate.value, short(low), short(high), short(upper), short(n))


def _deviation(errors: NDArray[np.float64], pairs: NDArray[np.float64], n: float) -> float:
    """errors, pairs: of each person. n: pairs in all."""
    if n == 0:
        return 0.0
    # Over persons a non-mated pair is summed twice, and so are its errors: their ratio is the rate all the same.
    return float(np.sqrt(((errors - errors.sum() / pairs.sum() * pairs) ** 2).sum()) / n)
