from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.janitor.schedule import JUMP_S, Retention, RetentionClock, due_at

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RETENTION = Retention(objection_s=1800, review_s=72 * 3600)


def test_media_of_approved_and_retry_goes_at_once():
    assert due_at("approved", NOON, RETENTION) is None
    assert due_at("retry", NOON, RETENTION) is None


def test_media_of_a_refusal_stays_for_the_objection_window_and_of_a_review_until_it_expires():
    assert due_at("refused", NOON, RETENTION) == NOON + timedelta(minutes=30)
    assert due_at("review", NOON, RETENTION) == NOON + timedelta(hours=72)


def test_there_is_no_now_before_the_first_reading():
    assert RetentionClock().now(5.0) is None


def test_now_goes_on_between_readings():
    clock = RetentionClock()
    assert clock.hear(NOON, 100.0)
    assert clock.now(130.0) == NOON + timedelta(seconds=30)


def test_a_clock_that_jumped_ahead_is_not_believed():
    clock = RetentionClock()
    clock.hear(NOON, 100.0)
    assert not clock.hear(NOON + timedelta(days=1), 101.0)
    assert clock.now(101.0) == NOON + timedelta(seconds=1)


def test_a_clock_that_went_back_is_believed_since_it_only_delays():
    clock = RetentionClock()
    clock.hear(NOON, 100.0)
    assert clock.hear(NOON - timedelta(hours=1), 101.0)
    assert clock.now(101.0) == NOON - timedelta(hours=1)


@given(st.lists(st.tuples(st.floats(0, 3600), st.floats(-1e6, 1e6)), min_size=1, max_size=30))
def test_now_never_runs_ahead_of_the_elapsed_time_by_more_than_a_drift_a_reading(steps):
    """steps: seconds since the last reading, and by how much the told time is off."""
    clock = RetentionClock()
    clock.hear(NOON, 0.0)
    at_s = 0.0
    for wait_s, off_s in steps:
        before = clock.now(at_s + wait_s)
        at_s += wait_s
        clock.hear(NOON + timedelta(seconds=at_s + off_s), at_s)
        now = clock.now(at_s)
        assert (now - before).total_seconds() <= JUMP_S + 0.01
