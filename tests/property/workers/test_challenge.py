"""What holds of the challenge's verifier for any events, cues and orders."""

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from realname.messages import Action
from realname.policy import CueRules
from realname.reasons import Reason
from tests.faces import event
from workers.liveness.challenge import judge_challenge
from workers.liveness.events import OTHER_SIDE, SIDES, Event
from workers.liveness.windows import ANY_TIME, windows_of

RULES = CueRules(reaction_s_min=0.2, within_s=4.0, slack_s=0.5)
ticks = st.integers(0, 120).map(lambda tick: tick / 8)  # eighths of a second add and subtract without rounding
kinds: st.SearchStrategy[Action] = st.sampled_from(["blink", "turn_left", "turn_right"])
asked_actions = st.lists(kinds, min_size=1, max_size=3)


@st.composite
def shown_events(draw) -> list[Event]:
    moments = sorted(draw(st.lists(ticks, max_size=6, unique=True)))
    return [event(draw(st.sampled_from("blr")), at_s, begun_s=at_s - draw(st.integers(0, 8)) / 8) for at_s in moments]


@st.composite
def cases(draw):
    """Actions, cues for them (or none), events."""
    asked = draw(asked_actions)
    moments = draw(st.lists(ticks, min_size=len(asked), max_size=len(asked), unique=True))
    return asked, draw(st.sampled_from([(), tuple(sorted(moments))])), draw(shown_events())


def answer(asked, cues, shown):
    return judge_challenge(asked, shown, [], windows=windows_of(cues, RULES))


def can_answer(asked, cues, shown) -> bool:
    """By trying every choice of events in their order."""
    windows = windows_of(cues, RULES) or [ANY_TIME] * len(asked)
    return any(
        all(each.action == action and window.holds(each) for action, window, each in zip(asked, windows, chosen, strict=True))
        for chosen in combinations(shown, len(asked))
    )


@given(cases())
def test_a_challenge_is_met_exactly_where_every_action_is_in_its_window_in_order_and_no_turn_is_extra(case):
    asked, _, shown = case
    extra = sum(each.action in SIDES for each in shown) > sum(action in SIDES for action in asked)
    assert (answer(*case).unmet == ()) == (can_answer(*case) and not extra)


@given(cases())
def test_what_answers_is_of_its_kind_in_its_window_and_in_order(case):
    asked, cues, _ = case
    found = answer(*case)
    windows = windows_of(cues, RULES) or [ANY_TIME] * len(asked)
    taken = [(action, window, each) for action, window, each in zip(asked, windows, found.taken, strict=True) if each]
    assert all(each.action == action and window.holds(each) for action, window, each in taken)
    assert [each.at_s for *_, each in taken] == sorted({each.at_s for *_, each in taken})


@given(cases(), st.integers(-80, 80))
def test_shifting_cues_and_events_together_changes_nothing(case, eighths):
    asked, cues, shown = case
    shift_s = eighths / 8
    moved = [replace(each, begun_s=each.begun_s + shift_s, at_s=each.at_s + shift_s) for each in shown]
    before, after = answer(*case), answer(asked, tuple(cue + shift_s for cue in cues), moved)
    assert before.unmet == after.unmet
    assert [trace.cause for trace in before.actions] == [trace.cause for trace in after.actions]


@given(cases())
def test_each_unmet_action_has_a_cause_and_each_met_one_none(case):
    found = answer(*case)
    assert all(trace.seen == (trace.cause is None) for trace in found.actions)
    assert {trace.cause for trace in found.actions if trace.cause} == set(found.unmet) - {Reason.EXTRA_TURN}


@given(cases())
def test_a_wrong_side_turn_never_scores(case):
    asked, _, shown = case
    swapped = [replace(each, action=OTHER_SIDE.get(each.action, each.action)) for each in shown]
    turns = [action for action in asked if action in SIDES]
    if turns and not answer(*case).unmet and len(set(turns)) == 1:
        assert answer(asked, case[1], swapped).unmet


@given(cases())
def test_an_honestly_mirrored_challenge_gets_the_same_answer(case):
    """Asked for the other side and recorded mirrored: then left and right mean the same again."""
    asked, cues, shown = case
    mirrored = [replace(each, action=OTHER_SIDE.get(each.action, each.action)) for each in shown]
    assert answer(*case).unmet == answer([OTHER_SIDE.get(action, action) for action in asked], cues, mirrored).unmet


@given(cases())
def test_an_extra_blink_in_no_window_changes_no_answer(case):
    asked, cues, shown = case
    more = [*shown, event("b", 99.0)]
    before, after = answer(*case), answer(asked, cues, more)
    if not before.unmet:
        assert (after.unmet, after.extra_blinks) == ((), before.extra_blinks + 1)
