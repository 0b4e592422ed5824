"""Invariant I1 over a run: each way of breaking it is told, and a run that keeps it tells nothing."""

from collections import Counter

import pytest

from bench.load.accounting import Answer, Decisions, Sent, broken_promises, shed_of
from bench.load.schedule import Arrival

ACCEPTED = Answer(202)


def a_sent(registration_id: str | None, answer: Answer = ACCEPTED, operator: str = "north") -> Sent:
    return Sent(Arrival(1.0, 0, operator, 0), registration_id, answer, slip_s=0.0, answered_s=1.1)


def decided(*ids: str, operator: str = "north") -> Decisions:
    """Each once, on both topics."""
    seen = Decisions(own={"north": Counter(), "harbor": Counter()})
    for each in ids:
        seen.read_internal(each, 2.0)
        seen.read_own(operator, each)
    return seen


@pytest.mark.parametrize(
    ("registration_id", "answer", "outcome"),
    [
        ("a", Answer(202), "accepted"),
        ("a", Answer(429, "rate_limited", 1), "shed"),
        ("a", Answer(503, "too_many_uploads", 1), "shed"),
        ("a", Answer(503, "publish_doubtful", 5), "doubtful"),
        ("a", Answer(0), "doubtful"),
        ("a", Answer(422, "id_already_used"), "refused"),
        ("a", Answer(500, "internal_error"), "refused"),
        (None, Answer(429, "rate_limited", 1), "shed"),
        (None, Answer(0), "shed"),
        (None, Answer(401, "token_invalid"), "refused"),
    ],
)
def test_an_answer_is_told_as_what_it_means_for_the_ledger(registration_id, answer, outcome):
    assert a_sent(registration_id, answer).outcome == outcome


def test_a_run_that_keeps_the_invariant_tells_nothing():
    shed = a_sent("s", Answer(503, "ledger_unavailable", 5))
    assert broken_promises([a_sent("a"), a_sent("b"), shed], decided("a", "b", "w"), before={"w": "north"}) == []


def test_an_accepted_one_without_a_decision_is_told():
    assert broken_promises([a_sent("a"), a_sent("b")], decided("a"), before={}) == ["1 accepted and not decided, e.g. b"]


def test_one_of_the_warm_up_counts_as_well():
    assert broken_promises([], decided(), before={"w": "north"}) == ["1 accepted and not decided, e.g. w"]


def test_a_second_decision_is_told():
    seen = decided("a")
    seen.read_internal("a", 3.0)
    assert broken_promises([a_sent("a")], seen, before={}) == ["1 decided more than once, e.g. a"]
    assert seen.read_s["a"] == 2.0  # the first counts


def test_a_second_record_on_the_operators_topic_is_told():
    seen = decided("a")
    seen.read_own("north", "a")
    assert broken_promises([a_sent("a")], seen, before={}) == ["1 more than once on the topic of north, e.g. a"]


def test_one_that_was_turned_away_and_decided_is_told():
    shed = a_sent("s", Answer(429, "rate_limited", 1))
    assert broken_promises([shed], decided("s"), before={})[0] == "1 refused and yet decided, e.g. s"


def test_a_doubtful_one_may_be_decided_or_not_but_not_twice():
    doubtful = a_sent("d", Answer(503, "publish_doubtful", 5))
    assert broken_promises([doubtful], decided(), before={}) == []
    assert broken_promises([doubtful], decided("d"), before={}) == []
    twice = decided("d")
    twice.read_internal("d", 3.0)
    assert broken_promises([doubtful], twice, before={}) == ["1 decided more than once, e.g. d"]


def test_a_decision_on_another_operators_topic_or_on_none_is_told():
    strange = decided("a", operator="harbor")
    assert broken_promises([a_sent("a")], strange, before={}) == [
        "1 on the topic of harbor, of which it is not, e.g. a",
        "1 decided and not on its operator's topic, e.g. a",
    ]


def test_a_decision_of_nobodys_id_is_told_only_where_nobody_else_uses_the_stack():
    assert broken_promises([], decided("x"), before={}) == ["1 decided and never sent, e.g. x"]
    assert broken_promises([], decided("x"), before={}, alone=False) == []


def test_what_was_turned_away_is_counted_with_its_retry_after():
    sent = [
        a_sent("a"),
        a_sent("b", Answer(429, "rate_limited", 1)),
        a_sent(None, Answer(429, "rate_limited", 1)),
        a_sent("c", Answer(0)),
    ]
    assert shed_of(sent) == {"rate_limited, Retry-After 1 s": 2, "no answer": 1}


@pytest.mark.parametrize(("sent", "named"), [([], "x"), ([a_sent("s", Answer(503, "ledger_unavailable", 5))], "s")])
def test_an_operators_topic_that_tells_of_what_was_never_accepted_is_told(sent, named):
    seen = decided()
    seen.read_own("harbor", named)
    assert broken_promises(sent, seen, before={}) == [f"1 on the topic of harbor, of which it is not, e.g. {named}"]
