"""Partitions are drawn as text from offset 0: o is complete, x is taken and incomplete, - was never received."""

from __future__ import annotations

import random
from itertools import permutations

import pytest

from services.dispatcher.offset_map import decode
from services.dispatcher.offsets import OffsetTracker, Position, fitting


def tracker_of(picture: str) -> OffsetTracker:
    tracker = OffsetTracker(0)
    for offset, state in enumerate(picture):
        if state != "-":
            tracker.take(offset)
    for offset, state in enumerate(picture):
        if state == "o":
            tracker.complete(offset)
    return tracker


@pytest.mark.parametrize(
    ("picture", "committable"),
    [("", 0), ("x", 0), ("o", 1), ("ox", 1), ("oxxo", 1), ("ooo", 3), ("xooo", 0), ("o--x", 3), ("o--o", 4), ("--ox", 3)],
)
def test_every_offset_below_the_committable_one_is_complete_or_was_never_received(picture: str, committable: int) -> None:
    assert tracker_of(picture).committable == committable


def test_all_finish_orders_of_six_records_end_at_the_same_place_and_never_pass_an_incomplete_one() -> None:
    for order in permutations(range(6)):
        tracker = tracker_of("xxxxxx")
        left = set(range(6))
        for offset in order:
            tracker.complete(offset)
            left.remove(offset)
            assert tracker.committable == min(left, default=6)
            assert all(tracker.is_complete(each) != (each in left) for each in range(6))
        assert tracker.position_after(()) == Position(6, "")


def test_a_restart_from_any_point_of_any_finish_order_takes_exactly_the_incomplete_records_again() -> None:
    for order in permutations(range(5)):
        for done in range(6):
            position = tracker_of("xxxxx").position_after(order[:done])
            resumed = OffsetTracker.resume(position)
            again = []
            for offset in range(position.offset, 5):
                if resumed.is_complete(offset):
                    resumed.pass_over(offset)
                else:
                    resumed.take(offset)
                    again.append(offset)
            assert again == sorted(order[done:])
            for offset in again:
                resumed.complete(offset)
            assert resumed.committable == 5


def test_after_a_restart_the_watermark_never_passes_what_was_received() -> None:
    # 1 and 2 are complete by the map, and not received yet; 0 is done first
    resumed = OffsetTracker.resume(tracker_of("xoo").position_after(()))
    resumed.take(0)
    resumed.complete(0)
    assert resumed.committable == 1
    assert decode(resumed.position_after(()).metadata, 1) == {1, 2}
    resumed.pass_over(1)
    resumed.pass_over(2)
    assert resumed.committable == 3


def test_offsets_never_go_back() -> None:
    tracker = tracker_of("xx")
    with pytest.raises(AssertionError):
        tracker.take(1)


def test_asking_for_a_position_changes_nothing() -> None:
    tracker = tracker_of("xoxo")
    before = tracker.position_after(())
    assert tracker.position_after({0, 2}) == Position(4, "")
    assert tracker.position_after(()) == before


def test_what_does_not_fit_waits_and_the_lowest_goes_first() -> None:
    tracker = tracker_of("x" * 4000)
    finished = sorted(random.Random(1).sample(range(1, 4000), 1500))
    fit = fitting(tracker, finished, chars_max=60)
    assert fit is not None
    assert 0 < len(fit.offsets) < len(finished)
    assert list(fit.offsets) == finished[: len(fit.offsets)]
    assert len(fit.position.metadata) <= 60


def test_where_not_even_one_fits_nothing_is_committed_until_the_watermark_moves() -> None:
    tracker = tracker_of("x" * 400)
    assert fitting(tracker, [399], chars_max=4) is None
    moved = fitting(tracker, [0, 399], chars_max=4)
    assert moved is not None
    assert moved.offsets == (0,)
    assert moved.position == Position(1, "")
