import msgspec
import pytest

from realname.calibration import Calibration, Point, load_calibration
from realname.errors import SettingsWrong

TABLE = Calibration(
    name="t",
    embedder="e",
    dataset="d",
    interval="i",
    mated=10,
    non_mated=1000,
    points=(Point(1e-2, 0.3, 0, 1), Point(1e-3, 0.4, 0, 1), Point(1e-4, 0.5, 0, 1)),
)


@pytest.mark.parametrize(("fmr", "similarity"), [(1e-2, 0.3), (1e-3, 0.4), (10**-3.5, 0.45), (1e-4, 0.5)])
def test_between_the_points_the_logarithm_of_the_rate_is_linear_both_ways(fmr, similarity):
    assert TABLE.similarity_at(fmr) == pytest.approx(similarity)
    assert TABLE.fmr_at(similarity) == pytest.approx(fmr)


def test_a_rate_that_the_data_does_not_reach_is_no_threshold():
    with pytest.raises(ValueError, match=r"1e-05 is outside of 0\.0001 to 0\.01"):
        TABLE.similarity_at(1e-5)


@pytest.mark.parametrize("similarity", [-1.0, -0.047, 0.2999])
def test_a_similarity_below_the_table_stands_for_no_rate_that_anybody_knows(similarity):
    """Half of all strangers are above 0: a reader must not be told that one in a hundred is."""
    assert TABLE.fmr_at(similarity) is None


def test_a_similarity_above_the_table_stands_for_at_most_its_last_rate():
    assert TABLE.fmr_at(0.99) == TABLE.fmr_at(0.5) == 1e-4


def test_points_out_of_order_are_no_table():
    body = msgspec.to_builtins(TABLE)
    body["points"] = body["points"][::-1]
    with pytest.raises(msgspec.ValidationError, match="falling fmr"):
        msgspec.convert(body, type=Calibration)


def test_a_table_that_is_not_there_is_named():
    with pytest.raises(SettingsWrong, match="nowhere"):
        load_calibration("nowhere")
