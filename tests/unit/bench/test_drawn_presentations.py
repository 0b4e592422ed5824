"""Genuine cuts drawn at random: the same for the same seed, each answerable, none of the suite's own."""

from dataclasses import replace

from bench.presentations.drawn import drawn
from bench.presentations.genuine import genuine
from bench.presentations.presentation import Presentation

ROWS = drawn(200, 2029)


def plain(row: Presentation) -> Presentation:
    """The row without how its files are made, which are functions."""
    return replace(row, clip=bytes, portrait=bytes)


def test_a_seed_draws_the_same_cuts_again_and_another_seed_draws_others():
    again, other = ([plain(row) for row in drawn(20, seed)] for seed in (2029, 2030))
    assert again == [plain(row) for row in ROWS[:20]]
    assert other != again


def test_each_has_an_id_of_its_own_and_is_genuine():
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert not any(row.is_attack for row in ROWS)


def test_each_cue_comes_in_the_clip_after_the_one_before():
    for row in ROWS:
        assert len(row.cues_at_s) == len(row.actions)
        assert 0 <= row.cues_at_s[0] < row.cues_at_s[-1] < row.clip_s or len(row.actions) == 1
        assert list(row.cues_at_s) == sorted(row.cues_at_s)


def test_both_people_turn_to_both_sides_and_some_turns_are_wide_and_some_are_not():
    turns = {(row.subject, action) for row in ROWS for action in row.actions if action != "blink"}
    assert turns == {(person, side) for person in ("A", "B") for side in ("turn_left", "turn_right")}
    assert {row.counts for row in ROWS} == {True, False}


def test_they_are_mostly_other_cuts_than_the_suites_own():
    tuned = {(row.cues_at_s, row.clip_s) for row in genuine()}
    assert sum((row.cues_at_s, row.clip_s) in tuned for row in ROWS) == 0
