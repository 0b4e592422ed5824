"""Which plan judges a registration, and what stands in its decision."""

import pytest
from msgspec.structs import replace

from realname.activation import Held, Plan, Refused, SignerKeys, digest_of, encode_plan, sign
from realname.policy import load_policy
from realname.reasons import Reason
from realname.stages import ShadowMeasured, StageResult
from realname.verdicts import Evidence
from services.dispatcher.deciding import decided_of
from services.dispatcher.outgoing import of_decision
from services.dispatcher.policies import PolicyBook
from tests.builders import NOON, a_live_report, a_match, a_signer, a_submission, an_activation, an_id, signed_in_order
from tests.dispatcher_world import World

SIGNER = a_signer("north")
DEVELOPMENT, PRODUCTION = load_policy("development"), load_policy("production")
STRICT = replace(DEVELOPMENT, version="strict", pad=replace(DEVELOPMENT.pad, live_min=0.99))


def a_book(*activations) -> PolicyBook:
    book = PolicyBook(DEVELOPMENT, SignerKeys((SIGNER,)))
    for event in signed_in_order(SIGNER, *activations):
        assert isinstance(book.apply(event), Held)
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
    book = a_book(an_activation())
    assert book.plans_for("north", an_id()).live == encode_plan(Plan(PRODUCTION))
    assert book.plans_for("harbor", an_id()).live is None


def test_a_registration_under_way_is_decided_by_what_measured_it():
    old, new = Plan(STRICT), Plan(PRODUCTION)
    book = a_book(an_activation(live=old), an_activation(live=new))
    assert (decided(book, encode_plan(old)).policy, decided(book, encode_plan(old)).profile) == ("strict", "default")
    assert decided(book, None).profile == ""
    assert decided(book, encode_plan(old)).plan == digest_of(old)
    assert decided(book, encode_plan(new)).policy == PRODUCTION.version


def test_a_result_without_a_plan_is_decided_by_what_is_live():
    """Sent before anything was activated, or measured by a worker that knows no plans."""
    assert decided(a_book(an_activation(live=Plan(STRICT)))).policy == "strict"
    assert decided(a_book()).policy == DEVELOPMENT.version


def test_a_plan_that_was_never_activated_decides_nothing():
    forged = Plan(replace(DEVELOPMENT, version="forged"))
    assert decided(a_book(an_activation()), encode_plan(forged)).policy == PRODUCTION.version


def test_going_back_is_one_more_event():
    book = a_book(an_activation(live=Plan(STRICT)), an_activation(), an_activation(live=Plan(STRICT)))
    assert book.live_policy("north").version == "strict"


def test_going_back_before_the_first_event_is_the_settings_policy_again():
    strict = Plan(STRICT)
    book = a_book(an_activation(live=strict), an_activation(live=None))
    assert book.plans_for("north", an_id()) == (None, None)
    assert book.live_policy("north") == DEVELOPMENT
    assert (decided(book).policy, decided(book).plan) == (DEVELOPMENT.version, "")
    assert decided(book, encode_plan(strict)).policy == "strict"  # was under way


def test_another_operators_plan_decides_nothing():
    """However it came into the result: an operator is judged by what its own officers signed (invariant I9)."""
    theirs = Plan(STRICT)
    harbor = a_signer("harbor")
    book = PolicyBook(DEVELOPMENT, SignerKeys((SIGNER, harbor)))
    assert isinstance(book.apply(sign(an_activation(operator="harbor", live=theirs), harbor)), Held)
    assert isinstance(book.apply(sign(an_activation(), SIGNER)), Held)
    assert book.plan_of("harbor", encode_plan(theirs)) == theirs
    assert book.plan_of("north", encode_plan(theirs)) is None
    assert decided(book, encode_plan(theirs)).policy == PRODUCTION.version


def test_an_event_of_a_stranger_changes_nothing():
    book = a_book()
    assert isinstance(book.apply(sign(an_activation(), a_signer("north"))), Refused)
    assert book.live_policy("north") == DEVELOPMENT


def test_a_candidate_stands_beside_the_decision_and_changes_none_of_it():
    candidate = Plan(STRICT, "other")
    book = a_book(an_activation(live=Plan(DEVELOPMENT), shadow=candidate, share=1.0))
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
    book = a_book(an_activation(live=Plan(DEVELOPMENT), shadow=candidate, share=1.0))
    seen = decided(book, shadow=ShadowMeasured(encode_plan(candidate), failure=failure)).shadow
    assert (seen.verdict, seen.failure) == ("review", failure)


def test_a_candidate_that_nobody_activated_is_not_reported():
    tried = ShadowMeasured(encode_plan(Plan(STRICT)), a_live_report(), a_match())
    assert decided(a_book(), shadow=tried).shadow is None


def test_an_operators_systems_are_not_shown_the_candidate():
    candidate = Plan(STRICT)
    book = a_book(an_activation(live=Plan(DEVELOPMENT), shadow=candidate, share=1.0))
    seen = decided(book, shadow=ShadowMeasured(encode_plan(candidate), a_live_report(), a_match()))
    internal, shown = of_decision(seen, 0, operators=("north",))
    assert b'"shadow":{' in internal.record.value
    assert b'"shadow":null' in shown.record.value


def test_a_dispatcher_whose_policies_do_not_read_is_not_ready():
    world = World()
    world.turn(count=30, each_s=0.1)
    assert world.dispatcher.ready() is None
    world.policies.stale = True
    world.turn(count=30, each_s=0.1)
    assert world.dispatcher.ready() == "policies"


def test_a_dispatcher_follows_events_while_it_runs():
    world = World()
    world.policies.events.append(sign(an_activation(), SIGNER))
    world.dispatcher.workload.policies = PolicyBook(DEVELOPMENT, SignerKeys((SIGNER,)))
    world.turn(count=30, each_s=0.1)
    assert world.dispatcher.workload.policies.live_policy("north") == PRODUCTION
    assert (
        world.metrics.registry.get_sample_value("realname_policy_events_total", {"operator": "north", "outcome": "activated"})
        == 1.0
    )
