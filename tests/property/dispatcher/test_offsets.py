"""Offsets with gaps, finished in any order, with a restart from what was committed at any point."""

from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.offsets import OffsetTracker


@st.composite
def courses(draw):
    """Received offsets (with gaps), the order in which they finish, and after how many the process dies."""
    offsets = sorted(draw(st.sets(st.integers(0, 300), min_size=1, max_size=40)))
    order = draw(st.permutations(offsets))
    return offsets, order, draw(st.integers(0, len(offsets)))


def taken(offsets):
    tracker = OffsetTracker(next_offset=0)
    for offset in offsets:
        tracker.take(offset)
    return tracker


@given(courses())
def test_the_watermark_only_rises_and_never_passes_an_incomplete_offset(course):
    offsets, order, _ = course
    tracker, before = taken(offsets), 0
    left = set(offsets)
    for offset in order:
        tracker.complete(offset)
        left.remove(offset)
        assert before <= tracker.committable == min(left, default=offsets[-1] + 1)
        before = tracker.committable


@given(courses())
def test_after_a_death_just_what_was_not_committed_is_taken_again(course):
    offsets, order, dies_after = course
    tracker = taken(offsets)
    position = tracker.position_after(order[:dies_after])
    resumed = OffsetTracker.resume(position)
    again = []
    for offset in (each for each in offsets if each >= position.offset):
        if resumed.is_complete(offset):
            resumed.pass_over(offset)
        else:
            resumed.take(offset)
            again.append(offset)
    assert again == sorted(order[dies_after:])
    for offset in again:
        resumed.complete(offset)
    assert resumed.committable == max(position.offset, offsets[-1] + 1)
