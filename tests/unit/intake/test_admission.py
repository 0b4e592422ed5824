"""The door: token buckets, and the share of the undecided."""

from __future__ import annotations

from realname.settings import Dispatcher, Intake
from services.intake.admission import Admission, Bucket, shares
from services.intake.problem_names import Name


def admission(**changes) -> Admission:
    return Admission(**({"share": {"north": 10, "harbor": 10}, "rate_per_s": 2.0, "burst": 3.0} | changes))


def test_a_burst_is_let_in_and_then_one_for_each_token() -> None:
    door = admission()
    assert [door.admit("north", 100.0) is None for _ in range(5)] == [True, True, True, False, False]
    assert door.admit("north", 100.5) is None, "half a second at two a second is one token"
    assert door.admit("north", 100.5) is not None


def test_one_that_is_too_fast_hears_how_long_to_wait() -> None:
    door = admission(rate_per_s=0.1, burst=1.0)
    door.admit("north", 0.0)
    refused = door.admit("north", 0.0)
    assert refused is not None
    assert (refused.name, refused.retry_after_s) == (Name.RATE_LIMITED, 10)


def test_one_operators_rush_does_not_touch_the_next() -> None:
    door = admission()
    for _ in range(50):
        door.admit("north", 0.0)
    assert door.admit("harbor", 0.0) is None


def test_an_idle_operator_saves_up_no_more_than_a_burst() -> None:
    door = admission()
    door.admit("north", 0.0)
    assert sum(door.admit("north", 1e6) is None for _ in range(10)) == 3


def test_a_clock_that_goes_back_refills_nothing() -> None:
    bucket = Bucket(rate_per_s=1.0, burst=1.0, tokens=1.0, tokens_at_s=100.0)
    assert bucket.take(100.0) == 0.0
    assert bucket.take(50.0) > 0
    assert bucket.take(100.5) > 0, "nor does it count the time twice"


def test_an_operator_at_its_share_of_the_undecided_waits() -> None:
    door = admission()
    door.hear({"north": 9, "harbor": 10})
    assert door.admit("north", 0.0) is None
    refused = door.admit("harbor", 0.0)
    assert refused is not None
    assert refused.name is Name.BACKLOG_SHARE_USED
    assert refused.retry_after_s is not None


def test_what_was_heard_last_holds_until_the_next() -> None:
    door = admission()
    door.hear({"north": 10})
    assert door.admit("north", 0.0) is not None
    door.hear({})
    assert door.admit("north", 1.0) is None, "an operator that is not counted has none"


def test_shares_are_half_the_look_ahead_by_weight() -> None:
    assert shares({"north": 1.0, "harbor": 1.0}, lookahead_max=100, partitions=1) == {"north": 25, "harbor": 25}
    assert shares({"north": 3.0, "harbor": 1.0}, lookahead_max=100_000, partitions=1) == {"north": 37_500, "harbor": 12_500}
    assert shares({"north": 1000.0, "harbor": 1.0}, lookahead_max=10, partitions=1)["harbor"] == 1, "nobody is shut out"


def test_the_look_ahead_is_a_partitions_and_a_share_is_of_all_of_them() -> None:
    together = shares({"north": 1.0, "harbor": 1.0}, lookahead_max=Dispatcher().lookahead_max, partitions=12)
    assert sum(together.values()) == 12 * Dispatcher().lookahead_max / 2
    assert Intake().lookahead_max == Dispatcher().lookahead_max, "one meaning, one value"
