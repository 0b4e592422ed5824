"""Cues in a terminal: big, plain, counted down; and no waiting where nobody looks."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from services.cli.cue_view import count_in, say_left, show_cue


def on_a_terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=60, highlight=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_left_is_the_customers_own_and_lies_on_the_screens_left() -> None:
    console = on_a_terminal()
    show_cue(console, "turn_left", "en")
    show_cue(console, "turn_right", "zh")
    assert "<<<  TURN YOUR HEAD TO YOUR LEFT" in text_of(console)
    assert ">>>  向您的右边转头" in text_of(console)


def test_the_seconds_that_are_left_are_counted_down() -> None:
    slept: list[float] = []
    say_left(on_a_terminal(), "en", 2.5, slept.append)
    assert slept == [1.0, 1.0, 0.5]


@pytest.mark.parametrize("console", [Console(file=io.StringIO()), Console(quiet=True, force_terminal=True)])
def test_behind_a_pipe_nobody_is_kept_waiting(console: Console) -> None:
    slept: list[float] = []
    count_in(console, "en", slept.append)
    say_left(console, "en", 5.0, slept.append)
    assert slept == []


def test_a_deadline_that_is_over_is_no_negative_time() -> None:
    console = on_a_terminal()
    say_left(console, "en", -1.0, lambda _: None)
    assert "within 0.0 s" in text_of(console)
