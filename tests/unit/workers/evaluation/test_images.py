"""Pairs of images -> rates, on made embeddings of two numbers, whose similarity is the cosine that one sees."""

from __future__ import annotations

from math import cos, radians, sin
from pathlib import Path

import numpy as np
import pytest

from realname.policy import load_policy
from workers.evaluation.dataset import Dataset, Pair, Portrayed
from workers.evaluation.images import Compared, Embeddings, compared
from workers.evaluation.report import MatchRates

POLICY = load_policy("production")  # accepts from 0.412, which is 65.7 degrees
NEAR, FAR = 10, 90  # degrees: a similarity of .985, and of 0


def at(degrees: float) -> np.ndarray:
    return np.array([cos(radians(degrees)), sin(radians(degrees))], np.float32)


FACES: dict[str, float | None] = {"zero": 0, "near": NEAR, "far": FAR, "none": None}
IMAGES: Embeddings = {Path(name): None if degrees is None else at(degrees) for name, degrees in FACES.items()}


def pair(other: str, *, mated: bool, lookalike: bool = False, fold: int | None = None, **groups: str) -> Pair:
    return Pair(Path("zero"), Path(other), mated, lookalike, fold, groups)


def rates_of(*pairs: Pair, portrayed: tuple[Portrayed, ...] = (), everything: bool = True) -> Compared:
    dataset = Dataset("made", pairs=pairs, portrayed=portrayed)
    return compared(dataset, IMAGES, lambda a, b: a @ b.T, POLICY, everything=everything)


def accept_of(found: MatchRates) -> list[tuple[int, int]]:
    point = found.points[0]
    assert point.name == "accept"
    return [(rate.errors, rate.n) for rate in (point.fmr, point.fnmr, point.lookalike_fmr)]


def test_false_matches_false_non_matches_and_look_alikes_are_told_apart() -> None:
    (found,) = rates_of(
        *[pair("near", mated=True)] * 5,
        *[pair("far", mated=True)] * 2,
        *[pair("near", mated=False)],
        *[pair("far", mated=False)] * 3,
        *[pair("near", mated=False, lookalike=True)] * 4,
        *[pair("far", mated=False, lookalike=True)] * 2,
    ).matching
    assert (found.of, found.mated, found.random, found.lookalike) == ("pairs", 7, 4, 6)
    assert accept_of(found) == [(1, 4), (2, 7), (4, 6)]
    assert (found.failed.errors, found.failed.n) == (0, 17)
    assert found.folds is None


def test_a_pair_without_a_face_is_in_no_rate_but_counted() -> None:
    compared_pairs = rates_of(pair("near", mated=True), pair("none", mated=True), pair("none", mated=False))
    (found,) = compared_pairs.matching
    assert accept_of(found) == [(0, 0), (0, 1), (0, 0)]
    assert (found.failed.errors, found.failed.n) == (2, 3)
    assert [(row.number, row.mated, row.similarity) for row in compared_pairs.rows] == [
        (1, True, pytest.approx(0.9848)),
        (2, True, None),
        (3, False, None),
    ]


def test_groups_count_the_pairs_that_bear_their_label() -> None:
    found = rates_of(
        pair("far", mated=True, age="60+"),
        pair("near", mated=True, age="60+"),
        pair("near", mated=False, age="60+"),
        pair("near", mated=True, age="18-30"),
        pair("far", mated=False, age="18-30", region="x"),
        pair("near", mated=False, lookalike=True, age="18-30"),
        pair("near", mated=False),
    ).groups
    counted = {(one.column, one.value): (one.fnmr.errors, one.fnmr.n, one.fmr.errors, one.fmr.n) for one in found}
    assert counted == {("age", "18-30"): (0, 1, 0, 1), ("age", "60+"): (1, 2, 1, 1), ("region", "x"): (0, 0, 0, 1)}
    assert {one.of for one in found} == {"pairs"}


def test_in_folds_a_missing_face_is_no_match() -> None:
    """Both folds separate their pairs; a mated pair without a face is then wrong, one of two people is right."""
    folds = [pair(other, mated=mated, fold=fold) for fold in (0, 1) for other, mated in (("near", True), ("far", False))]
    (found,) = rates_of(*folds, pair("none", mated=True, fold=0), pair("none", mated=False, fold=1)).matching
    assert found.folds is not None
    assert (found.folds.folds, found.folds.wrong.errors, found.folds.wrong.n) == (2, 1, 6)
    assert found.folds.mean == pytest.approx((2 / 3 + 1) / 2, abs=1e-6)
    assert found.folds.deviation == pytest.approx(2**0.5 / 6, abs=1e-6)


def test_all_images_are_compared_with_all_by_whose_they_are() -> None:
    people = (("zero", "a"), ("near", "a"), ("far", "b"), ("none", "b"))
    portrayed = tuple(Portrayed(Path(image), person) for image, person in people)
    (found,) = rates_of(portrayed=portrayed).matching
    assert (found.of, found.mated, found.random, found.lookalike) == ("all_pairs", 1, 2, 0)
    assert accept_of(found)[:2] == [(0, 2), (0, 1)]
    assert (found.failed.errors, found.failed.n) == (1, 4)
    assert rates_of(portrayed=portrayed, everything=False).matching == ()
