"""Pure: from counted similarities to a calibration: at which similarity which false match rate was seen.

Points stand at FMR 1e-1, 1e-2 ... 1e-6, as far as the data carries them. Look-alike impostors are no part of an FMR:
what they reach at each point stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import NamedTuple

from realname.calibration import Calibration, Point
from realname.errors import RealnameError
from workers.evaluation.by_person import pairs_among
from workers.evaluation.rates import INTERVAL
from workers.evaluation.scores import Scores

FMRS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
# A point needs so many false matches: with fewer its 95 % interval is wider than a factor of two to either side (10 of
# 100,000: 4.8e-5 to 1.8e-4). ISO/IEC 19795-1's rule of 30 asks for more, and gives +-30 % at 90 %.
FALSE_MATCHES_MIN = 10
PERSON_PAIRS_MIN = 1  # x FMR: of fewer pairs of persons one that is alike is already more than the rate
POINTS_MIN = 2  # a threshold is read between two
PERSONS_MIN = 20  # whose spread says something of others'; source: Cameron and Miller 2015, few clusters
NORMAL_95 = 1.959964  # quantile .975 of the normal distribution


class TooFewPairs(RealnameError):
    """The data carries no calibration; the message says how many pairs it takes."""


class Origin(NamedTuple):
    """What was compared, for the file.

    images_failed: no face was found, or they do not read. persons: whose the others are; 0 where nobody knows.
    """

    name: str
    embedder: str
    dataset: str
    images: int
    images_failed: int
    persons: int = 0


def calibration_of(scores: Scores, origin: Origin, deviations: Sequence[float] | None = None) -> Calibration:
    """The table. deviations: of the FMR at each of `thresholds_of`, over persons. Raises TooFewPairs."""
    n = int(scores.random.sum())
    found = thresholds_of(scores, origin.persons)
    if len(found) < POINTS_MIN:
        people, coarse = pairs_among(origin.persons), FMRS[POINTS_MIN - 1]
        if origin.persons and people * coarse < PERSON_PAIRS_MIN:
            raise TooFewPairs(
                f"{origin.persons} persons make {people} pairs of two persons, however many photos each has: "
                f"take at least {persons_needed(coarse)} persons, and {persons_needed(1e-4)} for FMR 1e-4"
            )
        needed = round(FALSE_MATCHES_MIN / FMRS[POINTS_MIN - 1])
        raise TooFewPairs(
            f"{n} non-mated pairs carry {len(found)} points and {POINTS_MIN} are needed: compare at least {needed} non-mated "
            "pairs, of people who are not all alike to the model"
        )
    wide = [None] * len(found) if deviations is None else list(deviations)
    return Calibration(
        name=origin.name,
        embedder=origin.embedder,
        dataset=origin.dataset,
        interval=_words(by_person=deviations is not None),
        mated=int(scores.mated.sum()),
        non_mated=n,
        points=tuple(_point(scores, fmr, similarity, each) for (fmr, similarity), each in zip(found, wide, strict=True)),
        lookalikes=int(scores.lookalike.sum()),
        images=origin.images,
        images_failed=origin.images_failed,
        persons=origin.persons,
    )


def persons_needed(fmr: float) -> int:
    """The fewest persons who make enough pairs of persons for a point at this FMR."""
    persons = 2
    while pairs_among(persons) * fmr < PERSON_PAIRS_MIN:
        persons += 1
    return persons


def thresholds_of(scores: Scores, persons: int = 0) -> list[tuple[float, float]]:
    """(FMR, the similarity that stands for it), by falling FMR, where enough false matches were seen at it.

    persons: how many the images are of; no rate is finer than one of their pairs. 0 where nobody knows.
    The similarity is the lowest whose share of non-mated pairs is at most the FMR. Two rates that fall on one similarity,
    as where a model gives many pairs the same, are one point: the stricter.
    """
    n, found = int(scores.random.sum()), dict[float, float]()
    for fmr in FMRS:
        if persons and pairs_among(persons) * fmr < PERSON_PAIRS_MIN:
            break  # a million photos of two people say nothing of a third
        similarity = scores.threshold_at(fmr)
        if similarity is not None and scores.fmr(similarity).errors >= FALSE_MATCHES_MIN and fmr * n >= FALSE_MATCHES_MIN:
            found[similarity] = fmr
    return [(fmr, similarity) for similarity, fmr in found.items()]


def around(share: float, deviation: float) -> tuple[float, float]:
    """A 95 % interval of a rate above 0 from its standard deviation, symmetric in its logarithm, at most 1."""
    factor = exp(NORMAL_95 * deviation / share)
    return _short(share / factor), _short(min(1.0, share * factor))


def _point(scores: Scores, fmr: float, similarity: float, deviation: float | None) -> Point:
    seen, missed = scores.fmr(similarity), scores.fnmr(similarity)
    assert seen.value is not None
    assert seen.low is not None
    assert seen.high is not None
    wide = None if deviation is None else around(seen.value, deviation)
    alike = scores.lookalike_fmr(similarity)
    return Point(
        fmr=fmr,
        similarity=similarity,
        low=seen.low,
        high=seen.high,
        tar=None if missed.value is None else _short(1 - missed.value),
        tar_low=None if missed.high is None else _short(1 - missed.high),
        tar_high=None if missed.low is None else _short(1 - missed.low),
        by_person=wide,
        lookalike_fmr=alike.value,
        lookalike_low=alike.low,
        lookalike_high=alike.high,
    )


def _words(*, by_person: bool) -> str:
    """How the intervals were drawn, and what they leave out."""
    words = (
        f"low and high: {INTERVAL}, pairs taken as independent, which they are not: they share images and people, so too narrow"
    )
    if by_person:
        words += "; by_person: 95 %, normal in the logarithm, variance over persons (Aronow, Samii and Assenova 2015)"
    return words


def _short(value: float) -> float:
    return float(f"{value:.4g}")
