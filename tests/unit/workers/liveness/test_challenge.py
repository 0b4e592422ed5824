import pytest

from realname.messages import Challenge
from realname.policy import CueRules
from realname.reasons import Reason
from tests.builders import NOON
from tests.faces import a_blink, a_turn, event, events
from workers.liveness.challenge import judge_challenge, outside_visit
from workers.liveness.events import events_of
from workers.liveness.windows import is_outside_visit, windows_of

NAMES = {"b": "blink", "l": "turn_left", "r": "turn_right"}


RULES = CueRules(reaction_s_min=0.2, within_s=4.0, slack_s=0.5)


def answer(asked, seen, *, slight="", cues=()):
    """seen: `b l`, a second apart, or events."""
    actions = [NAMES[sign] for sign in asked.split()]
    shown = events(seen) if isinstance(seen, str) else list(seen)
    return judge_challenge(actions, shown, events(slight), windows=windows_of(cues, RULES))


def unmet(asked, seen, *, slight="", cues=()):
    return answer(asked, seen, slight=slight, cues=cues).unmet


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
        ("l r b", "r l b", Reason.CLIP_MIRRORED),  # or out of order: it cannot be told apart
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


def test_a_turn_of_the_other_side_that_answers_another_action_is_no_wrong_side():
    assert unmet("l r b", "r b") == (Reason.TURN_MISSING,)


def test_sides_all_swapped_is_a_mirrored_clip():
    found = answer("l b r", "r b l")
    assert found.unmet == (Reason.CLIP_MIRRORED,)
    assert [trace.seen for trace in found.actions] == [False, True, False]
    assert [trace.cause for trace in found.actions] == [Reason.CLIP_MIRRORED, None, Reason.CLIP_MIRRORED]
    assert found.actions[0].at_s == 1.0  # what was taken for the wrong side


def test_what_else_is_wrong_is_not_blamed_on_a_mirror():
    assert unmet("l b r", "r l b")[0] == Reason.WRONG_ORDER  # mirrored it would be out of order, too
    assert unmet("l r b", "r l")[0] != Reason.CLIP_MIRRORED  # no blink
    assert unmet("b l", "b r") == (Reason.WRONG_SIDE,)  # one turn alone does not tell
    assert Reason.CLIP_MIRRORED not in unmet("l b r", "r b l l")  # mirrored it would have a turn too many
    late = [event("r", 1.5), event("l", 9.0), event("b", 9.5)]
    assert Reason.CLIP_MIRRORED not in unmet("l r b", late, cues=(1.0, 3.0, 9.0))


def test_an_action_answers_only_in_the_window_of_its_cue():
    assert unmet("b l", "b l", cues=(0.5, 1.5)) == ()
    assert unmet("b l", [event("b", 1.1), event("l", 4.0)], cues=(1.0, 3.0)) == (Reason.ACTION_EARLY,)  # no time to react
    assert unmet("b l", [event("b", 2.0), event("l", 7.1)], cues=(1.0, 3.0)) == (Reason.ACTION_LATE,)
    assert unmet("b l", [event("b", 3.5), event("l", 4.5)], cues=(1.0, 3.0)) == (Reason.ACTION_LATE,)  # after the next cue


def test_a_turn_that_was_already_going_on_does_not_answer():
    assert unmet("b l", [event("b", 2.0), event("l", 3.3, begun_s=2.4)], cues=(1.0, 3.0)) == (Reason.ACTION_EARLY,)
    assert unmet("b l", [event("b", 2.0), event("l", 3.3, begun_s=2.6)], cues=(1.0, 3.0)) == ()  # within the clock's slack


def test_a_slow_turn_may_still_go_on_when_the_next_cue_comes():
    slow = [event("l", 3.6, begun_s=2.9), event("b", 4.2)]
    assert unmet("l b", slow, cues=(1.0, 3.0)) == ()
    begun_after = [event("l", 3.6, begun_s=3.3), event("b", 4.2)]
    assert unmet("l b", begun_after, cues=(1.0, 3.0)) == (Reason.ACTION_LATE,)


def test_the_order_is_told_before_the_timing():
    assert unmet("b l", [event("l", 1.5), event("b", 3.5)], cues=(1.0, 3.0)) == (Reason.WRONG_ORDER,)


def test_the_trace_says_when_it_was_asked_when_seen_how_strongly_from_which_frames_and_why_not():
    met, late = answer("b l", [event("b", 2.0, begun_s=1.75), event("l", 8.0)], cues=(1.0, 3.0)).actions
    assert (met.seen, met.asked_at_s, met.until_s, met.at_s, met.strength) == (True, 1.0, 3.2, 2.0, 20.0)
    assert (met.first_frame, met.last_frame, met.cause) == (21, 27, None)
    assert (late.seen, late.asked_at_s, late.until_s, late.at_s) == (False, 3.0, 7.0, 8.0)
    assert late.cause == Reason.ACTION_LATE


def test_an_action_that_nothing_speaks_of_has_a_cause_and_no_moment():
    (trace,) = answer("b", "").actions
    assert (trace.cause, trace.at_s, trace.first_frame, trace.asked_at_s) == (Reason.BLINK_MISSING, None, None, None)


def cued(**changes):
    values = {"cues_at_s": (2.0, 4.0), "clip_started_at_s": 1.0, "digest_at_s": 8.0} | changes
    return Challenge(actions=("blink", "turn_left"), issued_at=NOON, **values)


@pytest.mark.parametrize(
    ("changes", "ended_s", "outside"),
    [
        ({}, 6.0, False),
        ({"clip_started_at_s": 2.1}, 6.0, True),  # it began after the first cue
        ({}, 3.1, True),  # it ends before the last cue could be answered
        ({}, 7.4, False),
        ({}, 7.6, True),  # longer than from its start to its digest
        ({"digest_at_s": None}, 7.6, False),
        ({"clip_started_at_s": None}, 30.0, False),  # without cues nothing is known
        ({"cues_at_s": ()}, 30.0, False),
    ],
)
def test_a_clip_is_of_this_visit_where_its_time_spans_the_cues_and_not_the_digest(changes, ended_s, outside):
    assert is_outside_visit(cued(**changes), ended_s, RULES) == outside


def test_a_clip_of_another_time_is_unmet_whatever_it_shows():
    met = answer("b l", "b l")
    assert outside_visit(met).unmet == (Reason.CLIP_OUTSIDE_VISIT,)
    assert outside_visit(answer("b l", "b r")).unmet == (Reason.CLIP_OUTSIDE_VISIT, Reason.WRONG_SIDE)


def test_the_answer_names_the_events_it_took_and_counts_the_others():
    found = judge_challenge(["turn_left", "blink"], events("b l b b"), [])
    assert [(trace.action, trace.at_s) for trace in found.actions] == [("turn_left", 2.0), ("blink", 3.0)]
    assert (found.extra_blinks, found.extra_turns) == (2, 0)
    missing = judge_challenge(["blink"], [], [])
    assert (missing.actions[0].seen, missing.actions[0].at_s, missing.taken) == (False, None, (None,))


def test_events_stand_in_the_order_of_their_peaks():
    found = events_of([a_blink(2.0), a_blink(0.5)], [a_turn(1.0, "right")])
    assert [event.action for event in found] == ["blink", "turn_right", "blink"]
