import pytest

from realname.reasons import Reason
from tests.faces import a_blink, a_turn, events
from workers.liveness.challenge import events_of, judge_challenge

NAMES = {"b": "blink", "l": "turn_left", "r": "turn_right"}


def unmet(asked, seen, *, slight="", cues_at_s=()):
    actions = [NAMES[sign] for sign in asked.split()]
    return judge_challenge(actions, events(seen), events(slight), cues_at_s=cues_at_s).unmet


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("b l", "b l"),
        ("l b", "l b"),
        ("b l b", "b l b"),
        ("l r b", "l r b"),
        ("l b", "b l b b"),  # extra blinks never fail
        ("b l", "b b l b"),
        ("l b l", "l b l"),
    ],
)
def test_what_was_asked_was_seen(asked, seen):
    assert unmet(asked, seen) == ()


@pytest.mark.parametrize(
    ("asked", "seen", "reason"),
    [
        ("l b", "b l", Reason.WRONG_ORDER),
        ("l r b", "r l b", Reason.WRONG_ORDER),
        ("b l b", "b b l", Reason.WRONG_ORDER),
        ("b l", "l", Reason.BLINK_MISSING),
        ("b l b", "b l", Reason.BLINK_MISSING),
        ("b l", "b", Reason.TURN_MISSING),
        ("b l", "b r", Reason.WRONG_SIDE),
        ("b r", "b l", Reason.WRONG_SIDE),
        ("b l", "b l r", Reason.EXTRA_TURN),
        ("b l", "l b l", Reason.EXTRA_TURN),
        ("b l", "r b l", Reason.EXTRA_TURN),  # trying both sides does not help
        ("b l", "", Reason.TURN_MISSING),
    ],
)
def test_what_was_seen_is_not_what_was_asked(asked, seen, reason):
    assert unmet(asked, seen)[0] == reason


def test_a_turn_that_was_begun_to_the_right_side_is_told_to_go_further():
    assert unmet("b l", "b", slight="l") == (Reason.TURN_FURTHER,)
    assert unmet("b l", "b", slight="r") == (Reason.TURN_MISSING,)


def test_every_cause_is_listed_once():
    assert unmet("b l", "r r") == (Reason.WRONG_SIDE, Reason.BLINK_MISSING, Reason.EXTRA_TURN)
    assert unmet("l b r", "") == (Reason.TURN_MISSING, Reason.BLINK_MISSING)


def test_an_action_answers_only_after_its_cue_and_before_the_next():
    assert unmet("b l", "b l", cues_at_s=(0.5, 1.5)) == ()
    assert unmet("b l", "b l", cues_at_s=(1.2, 1.5)) == (Reason.WRONG_ORDER,)  # blinked before it was asked to
    assert unmet("b l", "b l", cues_at_s=(0.2, 2.5)) == (Reason.WRONG_ORDER,)
    assert unmet("b l", "l b", cues_at_s=(0.5, 3.0)) == (Reason.WRONG_ORDER,)


def test_the_answer_names_the_events_it_took_and_counts_the_others():
    answer = judge_challenge(["turn_left", "blink"], events("b l b b"), [])
    assert [(trace.action, trace.at_s) for trace in answer.actions] == [("turn_left", 2.0), ("blink", 3.0)]
    assert (answer.extra_blinks, answer.extra_turns) == (2, 0)
    missing = judge_challenge(["blink"], [], [])
    assert (missing.actions[0].seen, missing.actions[0].at_s, missing.taken) == (False, None, (None,))


def test_events_stand_in_the_order_of_their_peaks():
    found = events_of([a_blink(2.0), a_blink(0.5)], [a_turn(1.0, "right")])
    assert [event.action for event in found] == ["blink", "turn_right", "blink"]
