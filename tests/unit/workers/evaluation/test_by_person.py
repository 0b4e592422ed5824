"""What comparisons of all images with all are worth, against what other persons would have shown."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation_rows import POLICY
from workers.evaluation.by_person import over_persons, pairs_among, spread_of
from workers.evaluation.rates import Rate, rate_of
from workers.evaluation.scores import all_pairs
from workers.evaluation.summary import match_rates


def people(count: int, photos: int, *, seed: int) -> tuple[np.ndarray, list[str]]:
    """Embeddings of length 1; each person has one of three looks, so some persons are alike to many."""
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(3, 16))
    faces = looks[rng.integers(0, 3, count)] * 0.6 + rng.normal(size=(count, 16))
    all_faces = np.repeat(faces, photos, axis=0) + rng.normal(size=(count * photos, 16)) * 0.2
    unit = all_faces / np.linalg.norm(all_faces, axis=1, keepdims=True)
    return unit.astype(np.float32), [str(person) for person in range(count) for _ in range(photos)]


def compare(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    return ones @ others.T


def test_the_spread_over_persons_is_what_other_persons_would_have_shown():
    """Drawn anew 60 times, the rate moves about as much as one sample says of itself; pairs alone say far less."""
    rates, claimed = [], []
    for seed in range(60):
        faces, persons = people(25, 4, seed=seed)
        pairs = all_pairs(faces, persons, compare)
        rates.append(pairs.fmr(0.5).value)
        claimed.append(spread_of(faces, persons, compare, [0.5]).fmr[0])
    n = int(pairs.random.sum())
    independent = np.sqrt(np.mean(rates) * (1 - np.mean(rates)) / n)
    assert 0.6 < np.mean(claimed) / np.std(rates) < 2.0
    assert np.mean(claimed) > 2 * independent


def test_the_intervals_over_persons_cover_what_those_over_pairs_do_not():
    """Of 60 draws of other persons, at most a tenth may miss the truth; pairs taken as independent miss it in a third."""
    drawn, naive = [], []
    for seed in range(60):
        faces, persons = people(25, 4, seed=seed)
        pairs, spread = all_pairs(faces, persons, compare), spread_of(faces, persons, compare, [0.5])
        naive.append((pairs.fmr(0.5), pairs.fnmr(0.5)))
        drawn.append(
            (
                over_persons(pairs.fmr(0.5), spread.fmr[0], spread.person_pairs),
                over_persons(pairs.fnmr(0.5), spread.fnmr[0], spread.mated),
            )
        )
    for place, most_naive in ((0, 0.85), (1, 1.0)):
        truth = np.mean([each[place].value for each in drawn])
        assert np.mean([each[place].low <= truth <= each[place].high for each in drawn]) >= 0.9
        assert np.mean([each[place].low <= truth <= each[place].high for each in naive]) <= most_naive


def test_the_spread_is_what_counting_person_by_person_gives():
    faces, persons = people(4, 3, seed=3)
    alike, names = compare(faces, faces), np.array(persons)
    found = spread_of(faces, persons, compare, [0.4, 0.9])
    for place, threshold in enumerate((0.4, 0.9)):
        wrong = {"fmr": np.zeros(4), "fnmr": np.zeros(4)}
        for one in range(12):
            for other in range(one):
                if names[one] == names[other]:
                    wrong["fnmr"][int(names[one])] += alike[one, other] < threshold
                else:
                    wrong["fmr"][[int(names[one]), int(names[other])]] += alike[one, other] >= threshold
        misses, matches = wrong["fnmr"], wrong["fmr"]
        assert found.fnmr[place] == pytest.approx(np.sqrt(((misses - misses.sum() / 12 * 3) ** 2).sum()) / 12)
        assert found.fmr[place] == pytest.approx(np.sqrt(((matches - matches.sum() / 108 * 27) ** 2).sum()) / 54)
    assert (found.persons, found.mated, found.person_pairs) == (4, 4, 6)


def test_many_photos_of_two_people_are_one_comparison_of_people():
    faces, persons = people(2, 20, seed=1)
    scores = all_pairs(faces, persons, compare)
    found = match_rates(
        scores,
        POLICY,
        of="all_pairs",
        failed=Rate(0, 0),
        spreads=lambda thresholds: spread_of(faces, persons, compare, thresholds),
    )
    assert found is not None
    assert found.persons == 2
    assert [(point.fmr.n, point.fmr.worth, point.fnmr.worth) for point in found.points[:2]] == [(400, 1, 2)] * 2
    assert found.points[0].fmr.high == 0.975, "of one comparison nothing is known"


def test_without_an_error_the_pairs_of_persons_count_and_never_more_than_the_comparisons():
    rate = over_persons(rate_of(0, 102_400), 0.0, pairs_among(25))
    assert (rate.errors, rate.n, rate.worth, rate.high) == (0, 102_400, 300, rate_of(0, 300).high)
    assert over_persons(rate_of(0, 10), 0.0, 300).worth == 10
    assert over_persons(rate_of(0, 0), 0.0, 300) == Rate(0, 0)
    assert over_persons(rate_of(7, 10), 0.0, 0) == rate_of(7, 10), "where nobody knows the persons"


def test_what_spreads_as_independent_comparisons_do_is_worth_as_many():
    plain = rate_of(30, 1000)
    found = over_persons(plain, (0.03 * 0.97 / 1000) ** 0.5, 10**6)
    assert found.worth == pytest.approx(1000)
    assert (found.low, found.high, found.upper) == pytest.approx((plain.low, plain.high, plain.upper))
    wider = over_persons(plain, 2 * (0.03 * 0.97 / 1000) ** 0.5, 10**6)
    assert wider.worth == pytest.approx(250)
    assert wider.low < plain.low < plain.high < wider.high
    everything = over_persons(rate_of(50, 50), 0.0, 10)
    assert (everything.high, everything.low) == (1.0, rate_of(10, 10).low)
