"""From similarities to a calibration: where its points stand, and what it admits not to know."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from realname.calibration import Calibration
from workers.evaluation.calibration_file import to_toml
from workers.evaluation.operating_points import (
    PERSONS_MIN,
    Origin,
    TooFewPairs,
    around,
    calibration_of,
    deviations_of,
    thresholds_of,
)
from workers.evaluation.scores import Scores, all_pairs, counts_of

ORIGIN = Origin("ours", "net.onnx:0123456789abcdef", 'shop "one", 2026\n', images=150, images_failed=3)


def evenly(count: int) -> np.ndarray:
    """Similarities 0 .. just below 1."""
    return np.arange(count) / count


def scores(random: int, *, mated: int = 0, lookalike: int = 0) -> Scores:
    return Scores(counts_of(0.5 + evenly(mated) / 2), counts_of(evenly(random)), counts_of(0.4 + 0.6 * evenly(lookalike)))


def test_a_point_is_the_similarity_that_its_share_of_the_impostors_reaches():
    points = calibration_of(scores(10_000), ORIGIN).points
    assert [point.fmr for point in points] == [1e-1, 1e-2, 1e-3]
    assert [point.similarity for point in points] == pytest.approx([0.9, 0.99, 0.999], abs=2e-4)


@pytest.mark.parametrize(("pairs", "strictest"), [(1000, 1e-2), (9_999, 1e-2), (10_000, 1e-3)])
def test_a_point_needs_ten_false_matches(pairs, strictest):
    assert calibration_of(scores(pairs), ORIGIN).points[-1].fmr == strictest


def test_no_point_lets_more_impostors_through_than_it_says():
    tied = Scores(random=counts_of(np.round(evenly(20_000), 2)))  # a coarse model: many share one similarity
    for fmr, similarity in thresholds_of(tied):
        assert tied.fmr(similarity).errors <= fmr * 20_000


def test_too_few_pairs_say_how_many_it_takes():
    with pytest.raises(TooFewPairs, match="at least 1000 non-mated pairs"):
        calibration_of(scores(999), ORIGIN)
    with pytest.raises(TooFewPairs, match="0 non-mated pairs carry 0 points"):
        calibration_of(Scores(), ORIGIN)


def test_a_model_to_which_all_are_alike_gives_no_calibration():
    with pytest.raises(TooFewPairs):
        calibration_of(Scores(random=counts_of(np.ones(50_000))), ORIGIN)


def test_mated_pairs_and_look_alikes_stand_beside_each_point_with_their_intervals():
    found = calibration_of(scores(1000, mated=100, lookalike=60), ORIGIN)
    assert (found.mated, found.non_mated, found.lookalikes) == (100, 1000, 60)
    first = found.points[0]  # at .9
    assert first.tar == pytest.approx(0.2, abs=0.02)
    assert first.tar_low < first.tar < first.tar_high
    assert first.lookalike_fmr == pytest.approx(1 / 6, abs=0.02)
    assert first.lookalike_low < first.lookalike_fmr < first.lookalike_high
    assert first.low < first.fmr < first.high


def test_what_was_not_compared_has_no_rate():
    point = calibration_of(scores(1000), ORIGIN).points[0]
    assert (point.tar, point.lookalike_fmr, point.by_person) == (None, None, None)


def test_the_file_reads_as_what_was_written_and_warns():
    found = calibration_of(scores(10_000, mated=50, lookalike=20), ORIGIN, [0.01, 0.001, 0.0001])
    text = to_toml(found)
    assert msgspec.toml.decode(text, type=Calibration) == found
    assert "narrower than the truth" in text
    bare = calibration_of(scores(1000), ORIGIN)
    assert msgspec.toml.decode(to_toml(bare), type=Calibration) == bare


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
        claimed.append(deviations_of(faces, persons, compare, [0.5])[0])
    n = int(pairs.random.sum())
    independent = np.sqrt(np.mean(rates) * (1 - np.mean(rates)) / n)
    assert 0.6 < np.mean(claimed) / np.std(rates) < 2.0
    assert np.mean(claimed) > 2 * independent


def test_an_interval_holds_its_rate_and_never_passes_one():
    low, high = around(0.01, 0.004)
    assert 0 < low < 0.01 < high < 0.03
    assert around(0.5, 0.9)[1] == 1.0


def test_of_two_people_the_spread_says_nothing():
    """Each pair is of both, so neither differs from the other: why a calibration of few people has no such interval."""
    faces, persons = people(2, 20, seed=1)
    assert deviations_of(faces, persons, compare, [0.0]) == [0.0]
    assert PERSONS_MIN > 2
