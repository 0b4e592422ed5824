"""The token bucket never lets more in than it says, and a wait that it names is long enough."""

from hypothesis import given
from hypothesis import strategies as st

from services.intake.admission import Admission, Bucket, shares

rates = st.floats(0.1, 100)
bursts = st.floats(1, 50)
gaps = st.lists(st.floats(0, 5), max_size=200)


@given(rates, bursts, gaps)
def test_never_more_than_the_burst_and_what_flowed_in_since(rate, burst, between):
    bucket, now, taken = Bucket(rate, burst, burst, 0.0), 0.0, 0
    for gap in between:
        now += gap
        taken += bucket.take(now) == 0.0
        assert taken <= burst + rate * now + 1e-6


@given(rates, bursts, gaps)
def test_who_waits_as_long_as_told_is_let_in(rate, burst, between):
    bucket, now = Bucket(rate, burst, burst, 0.0), 0.0
    for gap in between:
        now += gap
        if wait := bucket.take(now):
            now += wait + 1e-6
            assert bucket.take(now) == 0.0


@given(rates, bursts, st.lists(st.floats(-1000, 1000), max_size=100))
def test_a_clock_that_goes_back_gives_nothing_twice(rate, burst, instants):
    bucket = Bucket(rate, burst, burst, 0.0)
    taken = sum(bucket.take(instant) == 0.0 for instant in instants)
    assert taken <= burst + rate * max([0.0, *instants]) + 1e-6


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(0.1, 10), min_size=1, max_size=6))
def test_shares_together_are_half_of_the_look_ahead_at_most_and_never_none(weights):
    found = shares(weights, lookahead_max=100_000, partitions=12)
    assert sum(found.values()) <= 600_000
    assert min(found.values()) >= 1


@given(st.integers(0, 1000), st.integers(1, 500))
def test_one_operators_backlog_never_shuts_the_others_out(backlog, share):
    admission = Admission({"north": share, "harbor": share}, 1e6, 1e6)
    admission.hear({"north": backlog})
    assert (admission.admit("north", 0.0) is None) == (backlog < share)
    assert admission.admit("harbor", 0.0) is None
