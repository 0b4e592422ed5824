"""Turns at one device: one at a time, in the order of asking, and each turn's length is told."""

from __future__ import annotations

import threading

import pytest

from models.device import Turns
from tests.eventually import eventually


def test_a_turn_is_told_with_its_length():
    ticks, told = iter([10.0, 12.5, 20.0, 20.25]), []
    turns = Turns(told.append, clock=lambda: next(ticks))
    for _ in range(2):
        with turns.turn():
            assert told == told[: len(told)]
    assert told == [2.5, 0.25]


def test_turns_go_in_the_order_in_which_they_were_asked_for():
    turns, served = Turns(), []

    def serve(name: str) -> None:
        with turns.turn():
            served.append(name)

    threads = [threading.Thread(target=serve, args=(name,)) for name in "abc"]
    with turns.turn():
        for count, thread in enumerate(threads, start=1):
            thread.start()
            eventually(lambda count=count: turns.waiting == count)
        assert served == []
    for thread in threads:
        thread.join(10)
    assert served == ["a", "b", "c"]


def test_never_do_two_have_the_device():
    turns, inside, worst = Turns(), [], []

    def serve() -> None:
        for _ in range(200):
            with turns.turn():
                inside.append(1)
                worst.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(worst) == 800
    assert set(worst) == {1}


def test_a_turn_that_ends_in_an_error_is_over_and_is_told():
    told: list[float] = []
    turns = Turns(told.append)
    with pytest.raises(ValueError, match="broken"), turns.turn():
        raise ValueError("broken")
    with turns.turn():
        pass
    assert len(told) == 2


def test_an_observer_that_fails_does_not_keep_the_device():
    def fails(_: float) -> None:
        raise RuntimeError("a metric that is not declared")

    turns = Turns(fails)
    for _ in range(2):
        with pytest.raises(RuntimeError), turns.turn():
            pass
