"""Which plan judges a registration, and what stands in its decision."""

import pytest
from msgspec.structs import replace

from realname.activation import Plan, SignerKeys, encode_plan, sign
from realname.policy import load_policy
from realname.reasons import Reason
from realname.stages import ShadowMeasured, StageResult
from realname.verdicts import Evidence
from services.dispatcher.deciding import decided_of
from services.dispatcher.outgoing import of_decision
from services.dispatcher.policies import PolicyBook
from tests.builders import NOON, a_live_report, a_match, a_policy_event, a_signer, a_submission, an_id
from tests.dispatcher_world import World

SIGNER = a_signer("north")
DEVELOPMENT, PRODUCTION = load_policy("development"), load_policy("production")
STRICT = replace(DEVELOPMENT, version="strict", pad=replace(DEVELOPMENT.pad, live_min=0.99))


def a_book(*events) -> PolicyBook:
    book = PolicyBook(DEVELOPMENT, SignerKeys((SIGNER,)))
    for event in events:
        assert book.apply(sign(event, SIGNER)) is None
    return book


def decided(book, plan=None, shadow=None, **changes):
    submitted = a_submission()
    liveness, match = a_live_report(**changes), a_match()
    result = StageResult(submitted.id, "north", 0, 0, liveness, match, plan=plan, shadow=shadow)
    return decided_of(submitted, Evidence(liveness, match), result, book, now=NOON)


def test_without_an_event_the_policy_of_the_settings_decides():
    book = a_book()
    assert book.plans_for("north", an_id()) == (None, None)
    assert decided(book).policy == "v2-development"


def test_what_was_activated_goes_into_each_job_of_its_operator_and_of_no_other():
    book = a_book(a_policy_event())
    assert book.plans_for("north", an_id()).live == encode_plan(Plan(PRODUCTION))
    assert book.plans_for("harbor", an_id()).live is None


def test_a_registration_under_way_is_decided_by_what_measured_it():
    old, new = Plan(STRICT), Plan(PRODUCTION)
    book = a_book(a_policy_event(live=old), a_policy_event(sequence=2, live=new))
    assert (decided(book, encode_plan(old)).policy, decided(book, encode_plan(old)).profile) == ("strict", "default")
    assert decided(book, None).profile == ""
    assert decided(book, encode_plan(new)).policy == PRODUCTION.version
    assert decided(book, None).policy == DEVELOPMENT.version


def test_a_plan_that_was_never_activated_decides_nothing():
    forged = Plan(replace(DEVELOPMENT, version="forged"))
    assert decided(a_book(a_policy_event()), encode_plan(forged)).policy == PRODUCTION.version


def test_going_back_is_one_more_event():
    book = a_book(a_policy_event(live=Plan(STRICT)), a_policy_event(sequence=2), a_policy_event(sequence=3, live=Plan(STRICT)))
    assert book.live_policy("north").version == "strict"
    assert book.sequence_of("north") == 3


def test_an_event_of_a_stranger_changes_nothing():
    book = a_book()
    refused = book.apply(sign(a_policy_event(), a_signer("north")))
    assert refused is not None
    assert book.live_policy("north") == DEVELOPMENT


def test_a_candidate_stands_beside_the_decision_and_changes_none_of_it():
    candidate = Plan(STRICT, "other")
    book = a_book(a_policy_event(live=Plan(DEVELOPMENT), shadow=candidate, share=1.0))
    tried = ShadowMeasured(encode_plan(candidate), a_live_report(pad_live=0.7), a_match())
    seen, alone = decided(book, shadow=tried), decided(book)
    assert (seen.verdict, alone.verdict) == ("approved", "approved")
    assert seen.shadow.verdict == "review"
    assert (seen.shadow.policy, seen.shadow.profile) == ("strict", "other")
    assert seen.shadow.reasons == (Reason.LIVENESS_DOUBTFUL,)
    assert replace(seen, id=alone.id, shadow=None, evidence=alone.evidence) == alone


@pytest.mark.parametrize("failure", ["failed", "not_matched"])
def test_a_candidate_that_could_not_measure_says_so_and_refuses_nobody(failure):
    candidate = Plan(STRICT)
    book = a_book(a_policy_event(live=Plan(DEVELOPMENT), shadow=candidate, share=1.0))
    seen = decided(book, shadow=ShadowMeasured(encode_plan(candidate), failure=failure)).shadow
    assert (seen.verdict, seen.failure) == ("review", failure)


def test_a_candidate_that_nobody_activated_is_not_reported():
    tried = ShadowMeasured(encode_plan(Plan(STRICT)), a_live_report(), a_match())
    assert decided(a_book(), shadow=tried).shadow is None


def test_an_operators_systems_are_not_shown_the_candidate():
    candidate = Plan(STRICT)
    book = a_book(a_policy_event(live=Plan(DEVELOPMENT), shadow=candidate, share=1.0))
    seen = decided(book, shadow=ShadowMeasured(encode_plan(candidate), a_live_report(), a_match()))
    internal, shown = of_decision(seen, 0, operators=("north",))
    assert b'"shadow":{' in internal.record.value
    assert b'"shadow":null' in shown.record.value


def test_a_dispatcher_follows_events_while_it_runs():
    world = World()
    world.policies.events.append(sign(a_policy_event(), SIGNER))
    world.dispatcher.workload.policies = PolicyBook(DEVELOPMENT, SignerKeys((SIGNER,)))
    world.turn(count=30, each_s=0.1)
    assert world.dispatcher.workload.policies.live_policy("north") == PRODUCTION
    assert (
        world.metrics.registry.get_sample_value("realname_policy_events_total", {"operator": "north", "outcome": "activated"})
        == 1.0
    )
