"""From similarities to a calibration: where its points stand, and what it admits not to know."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from realname.calibration import Calibration
from workers.evaluation.calibration_file import to_toml
from workers.evaluation.operating_points import (
    Origin,
    TooFewPairs,
    around,
    calibration_of,
    persons_needed,
    thresholds_of,
)
from workers.evaluation.scores import Scores, counts_of

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


@pytest.mark.parametrize(("persons", "strictest"), [(15, 1e-2), (45, 1e-2), (46, 1e-3), (141, 1e-3), (142, 1e-4), (0, 1e-4)])
def test_no_point_is_finer_than_one_pair_of_the_persons(persons, strictest):
    """However many photos each has: a pair of people who look alike makes as many false matches as there are photos."""
    fine = Scores(random=counts_of(2 * evenly(300_000) - 1))
    assert calibration_of(fine, ORIGIN._replace(persons=persons)).points[-1].fmr == strictest


def test_two_people_with_many_photos_give_no_calibration():
    with pytest.raises(TooFewPairs, match=r"2 persons make 1 pairs of two persons.*at least 15 persons, and 142 for FMR 1e-4"):
        calibration_of(scores(102_400), ORIGIN._replace(persons=2))
    assert calibration_of(scores(102_400), ORIGIN._replace(persons=142)).persons == 142
    assert [persons_needed(fmr) for fmr in (1e-1, 1e-2, 1e-3, 1e-4)] == [5, 15, 46, 142]


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


def test_a_folders_name_that_is_no_text_does_not_spoil_the_file():
    named = msgspec.structs.replace(calibration_of(scores(1000), ORIGIN), dataset="fotos-\udce9")
    assert msgspec.toml.decode(to_toml(named), type=Calibration).dataset == "fotos-\ufffd"


def test_an_interval_holds_its_rate_and_never_passes_one():
    low, high = around(0.01, 0.004)
    assert 0 < low < 0.01 < high < 0.03
    assert around(0.5, 0.9)[1] == 1.0
