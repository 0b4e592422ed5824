from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.fair_queue import FairQueue

weights = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.5, 1.0, 2.0, 5.0]), min_size=2)


def filled(share: dict[str, float], each: int) -> FairQueue[tuple[str, int]]:
    queue: FairQueue[tuple[str, int]] = FairQueue(share, size_max=each * len(share))
    for operator in share:
        for number in range(each):
            queue.push(operator, (operator, number))
    return queue


@given(weights, st.integers(1, 60))
def test_while_all_wait_turns_are_as_the_weights(share: dict[str, float], turns: int) -> None:
    queue = filled(share, 60)
    got = Counter(item[0] for item in (queue.pop() for _ in range(turns)) if item)
    for one, weight in share.items():
        for other, others in share.items():
            assert abs(got[one] / weight - got[other] / others) <= 1 / weight + 1 / others


@given(weights)
def test_within_an_operator_it_is_first_in_first_out_and_nothing_is_lost(share: dict[str, float]) -> None:
    queue = filled(share, 9)
    order: dict[str, list[int]] = {operator: [] for operator in share}
    while (item := queue.pop()) is not None:
        order[item[0]].append(item[1])
    assert order == {operator: list(range(9)) for operator in share}
    assert len(queue) == 0


def test_one_operator_at_ten_times_the_load_does_not_move_the_others_turn() -> None:
    queue: FairQueue[str] = FairQueue({}, size_max=2000)
    for _ in range(1000):
        queue.push("flood", "flood")
    for _ in range(500):
        queue.pop()
    queue.push("calm", "calm")
    assert "calm" in [queue.pop(), queue.pop()]


def test_an_operator_that_was_idle_saves_up_nothing() -> None:
    queue: FairQueue[str] = FairQueue({}, size_max=2000)
    for _ in range(200):
        queue.push("steady", "steady")
    for _ in range(100):
        queue.pop()
    for _ in range(100):
        queue.push("late", "late")
    next_ten = [queue.pop() for _ in range(10)]
    assert next_ten.count("late") <= 6


def test_dropping_leaves_the_order_of_the_rest() -> None:
    queue = filled({"a": 1.0, "b": 1.0}, 4)
    queue.keep(lambda item: item[1] % 2 == 0)
    assert len(queue) == 4
    assert [queue.pop() for _ in range(4)] == [("a", 0), ("b", 0), ("a", 2), ("b", 2)]


def test_a_full_queue_says_so_and_takes_no_more() -> None:
    queue = filled({"a": 1.0}, 3)
    assert queue.is_full
    with pytest.raises(AssertionError):
        queue.push("a", ("a", 3))
