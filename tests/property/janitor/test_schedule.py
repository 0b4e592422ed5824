from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.janitor.schedule import AGREE_S, AGREED_READINGS, AGREED_S, JUMP_S, Retention, RetentionClock, due_at

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


def believed_after(clock: RetentionClock, told_off_s, *, step_s: float = 5.0, readings: int = 2000) -> tuple[int, float] | None:
    """How many readings, and seconds from the first, until one is believed. told_off_s: by the place, what is told."""
    for place in range(readings):
        at_s = 1000.0 + place * step_s
        if clock.hear(NOON + timedelta(seconds=at_s + told_off_s(place)), at_s):
            return place + 1, place * step_s
    return None


def a_clock() -> RetentionClock:
    clock = RetentionClock()
    clock.hear(NOON, 0.0)
    return clock


@given(st.floats(JUMP_S + 1, 1e6), st.floats(0.5, 60))
def test_a_jump_is_believed_once_enough_readings_over_enough_time_agree(jump_s, step_s):
    after = believed_after(a_clock(), lambda _: jump_s, step_s=step_s, readings=1300)
    assert after is not None
    readings, within_s = after
    assert readings >= AGREED_READINGS
    assert within_s >= AGREED_S - 0.001
    assert readings == AGREED_READINGS or within_s < AGREED_S + 2 * step_s, "and no later"


def test_after_a_jump_is_believed_time_goes_on_from_it():
    clock = a_clock()
    _, within_s = believed_after(clock, lambda _: 3600.0)
    assert clock.now(1000.0 + within_s) == NOON + timedelta(seconds=1000.0 + within_s + 3600)
    assert not clock.hear(NOON + timedelta(days=2), 1000.0 + within_s + 5), "and the next jump is doubted anew"


def test_readings_that_do_not_agree_are_never_believed():
    assert believed_after(a_clock(), lambda place: 3600.0 + (place % 2) * (AGREE_S + 1)) is None


def test_a_clock_that_runs_away_is_never_believed():
    assert believed_after(a_clock(), lambda place: 3600.0 + place * 1.0) is None


def test_one_reading_that_is_right_ends_the_doubt():
    clock = a_clock()
    assert believed_after(clock, lambda _: 3600.0, readings=119) is None
    assert clock.hear(NOON + timedelta(seconds=1600), 1600.0)
    assert not clock.hear(NOON + timedelta(seconds=1605 + 3600), 1605.0)
    assert clock.now(1605.0) == NOON + timedelta(seconds=1605)


def test_a_long_silence_is_no_agreement():
    clock = a_clock()
    assert not clock.hear(NOON + timedelta(seconds=1000 + 3600), 1000.0)
    assert not clock.hear(NOON + timedelta(seconds=9000 + 3600), 9000.0)


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
