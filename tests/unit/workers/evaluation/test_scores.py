"""Scores on the grid against counting by hand."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from workers.evaluation.scores import Scores, all_pairs, counts_of, fold_accuracies, rebinned

SIMILARITY = st.integers(-10_000, 10_000).map(lambda place: place / 10_000)
SIMILARITIES = st.lists(SIMILARITY, min_size=1, max_size=50)


@given(SIMILARITIES, SIMILARITIES, SIMILARITY)
def test_rates_at_a_threshold_are_what_counting_gives(mated: list[float], random: list[float], threshold: float) -> None:
    scores = Scores(mated=counts_of(mated), random=counts_of(random))
    assert scores.fmr(threshold).errors == sum(score >= threshold for score in random)
    assert scores.fnmr(threshold).errors == sum(score < threshold for score in mated)
    assert (scores.fmr(threshold).n, scores.fnmr(threshold).n) == (len(random), len(mated))


def test_a_threshold_for_an_fmr_is_the_lowest_that_keeps_it() -> None:
    scores = Scores(random=counts_of([0.1, 0.2, 0.3, 0.4]))
    assert scores.threshold_at(0.25) == 0.3001
    assert scores.fmr(0.3001).errors == 1
    assert scores.threshold_at(0.2) is None, "four comparisons cannot show 1 in 5"


def test_look_alikes_are_counted_apart() -> None:
    scores = Scores(mated=counts_of([0.9]), random=counts_of([0.0]), lookalike=counts_of([0.5, 0.6]))
    assert scores.fmr(0.4).errors == 0
    assert (scores.lookalike_fmr(0.55).errors, scores.lookalike_fmr(0.55).n) == (1, 2)


@example([0.0, *(sign * place / 10_000 for place in range(1, 9) for sign in (1, -1)), 0.0009, 0.001, 0.0011, 0.0011], [0.0])
@given(SIMILARITIES, SIMILARITIES)
def test_the_curve_falls_in_one_and_rises_in_the_other(mated: list[float], random: list[float]) -> None:
    curve = Scores(mated=counts_of(mated), random=counts_of(random)).curve(20)
    assert len(curve) <= 21
    for (at, fmr, fnmr), (later, less, more) in itertools.pairwise(curve):
        assert later > at
        assert less <= fmr
        assert more >= fnmr


@given(
    arrays.arrays(np.float32, (7, 3), elements=st.floats(-1, 1, width=32)),
    st.lists(st.sampled_from("abc"), min_size=7, max_size=7),
)
def test_all_pairs_compares_each_two_images_once(faces: np.ndarray, persons: list[str]) -> None:
    found = all_pairs(faces, persons, lambda ones, others: np.clip(ones @ others.T, -1, 1))
    same = sum(persons[i] == persons[j] for i in range(7) for j in range(i))
    assert (int(found.mated.sum()), int(found.random.sum())) == (same, 21 - same)


def test_all_pairs_goes_on_beyond_a_block() -> None:
    faces = np.eye(2, dtype=np.float32)[np.arange(1100) % 2]
    found = all_pairs(faces, ["one" if place % 2 else "other" for place in range(1100)], lambda a, b: a @ b.T)
    assert found.fnmr(0.5).errors == 0
    assert found.fmr(0.5).errors == 0
    assert (int(found.mated.sum()), int(found.random.sum())) == (2 * 550 * 549 // 2, 550 * 550)


def test_each_fold_is_judged_by_the_others_threshold() -> None:
    similarity = [0.9, 0.8, 0.1, 0.2, 0.9, 0.3, 0.1, 0.2]  # of the second fold one mated pair is hard
    mated = [True, True, False, False] * 2
    found = fold_accuracies(similarity, mated, [0] * 4 + [1] * 4)
    assert found is not None
    assert found.accuracies == [1.0, 0.75]
    assert (found.wrong, found.n) == (1, 8)
    assert fold_accuracies(similarity, mated, [0] * 8) is None


def test_bins_keep_every_count() -> None:
    counts = counts_of([-1.0, -0.01, 0.0, 0.999, 1.0])
    assert rebinned(counts, 2) == (2, 3)
    assert sum(rebinned(counts, 7)) == 5


def test_a_score_beyond_the_grid_counts_at_its_end() -> None:
    assert Scores(random=counts_of([1.00002, -1.3])).fmr(1.0).errors == 1
    assert Scores(random=counts_of([0.5])).fmr(0.5).errors == 1
