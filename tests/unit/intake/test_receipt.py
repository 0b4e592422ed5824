"""When a digest is taken, and for which clip its receipt is good."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from msgspec.structs import replace

from realname.messages import Challenge
from services.intake import challenge
from services.intake.challenge import Purpose, Ticket
from services.intake.cues import Plan
from services.intake.problem_names import Name
from services.intake.problems import Problem
from services.intake.receipt import challenge_met, check_announced, issue_receipt
from tests.fakes.intake import CUE_BOUNDS

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEYS = challenge.derive_keys(b"k" * 32)
PURPOSE = Purpose("north", "store-1", "till-1", "person-4711", "face")
CLIP = hashlib.sha256(b"clip").hexdigest()
OTHER = hashlib.sha256(b"clio").hexdigest()


def a_ticket(seed: int = 1, **changes) -> Ticket:
    values = {"now": NOW, "lifetime_s": 600, "randomness": random.Random(seed).randbytes(10), "draw": random.Random(seed)}
    return challenge.issue(PURPOSE, keys=KEYS, **(values | {"cues": CUE_BOUNDS} | changes))[0]


def plan_of(ticket: Ticket) -> Plan:
    plan = challenge.plan_of(ticket, KEYS)
    assert plan is not None
    return plan


def announced(at_s: float, *, started_at_s: float = 0.0, ticket: Ticket | None = None) -> Plan | Problem:
    ticket = ticket or a_ticket()
    plan = challenge.plan_of(ticket, KEYS)
    return check_announced(ticket, plan, started_at_s, now=NOW + timedelta(seconds=at_s), bounds=CUE_BOUNDS)


def met(ticket: Ticket, token: str | None, clip: str | None = CLIP) -> Challenge | Problem:
    return challenge_met(ticket, challenge.plan_of(ticket, KEYS), token=token, clip_sha256=clip, keys=KEYS)


def receipt_for(ticket: Ticket, clip: str = CLIP) -> str:
    return issue_receipt(ticket, clip, 0.25, now=NOW + timedelta(seconds=9.125), keys=KEYS)[1]


def test_a_digest_is_taken_from_the_last_cue_until_5_seconds_later() -> None:
    last_s = plan_of(a_ticket()).last_s
    assert announced(last_s - 0.001) == Problem(Name.DIGEST_EARLY)
    assert announced(last_s) == announced(last_s + 5.0) == plan_of(a_ticket())
    assert announced(last_s + 5.001) == Problem(Name.DIGEST_LATE)


def test_a_clip_begins_after_the_issue_and_before_the_first_cue() -> None:
    plan = plan_of(a_ticket())
    wrong = Problem(Name.CLIP_START_WRONG, field="clip_started_at_s")
    for started_at_s in (-0.5, 0.0, plan.first_s):
        assert announced(plan.last_s, started_at_s=started_at_s) == plan
    for started_at_s in (-0.501, plan.first_s + 0.001):
        assert announced(plan.last_s, started_at_s=started_at_s) == wrong


def test_before_the_last_cue_there_is_one_answer_so_nothing_can_be_probed() -> None:
    plan = plan_of(a_ticket())
    before = {announced(at_s, started_at_s=start) for at_s in (0.0, plan.last_s - 0.001) for start in (-9.0, 0.0, 2.4, 99.0)}
    assert before == {Problem(Name.DIGEST_EARLY)}


def test_an_expired_challenge_and_one_without_cues_are_named() -> None:
    assert announced(2.0, ticket=a_ticket(lifetime_s=2)) == Problem(Name.CHALLENGE_EXPIRED, field="challenge")
    assert announced(2.0, ticket=a_ticket(cues=None)) == Problem(Name.CHALLENGE_WITHOUT_CUES, field="challenge")


def test_with_its_receipt_a_challenge_is_published_with_all_times() -> None:
    ticket = a_ticket()
    plan = plan_of(ticket)
    assert met(ticket, receipt_for(ticket)) == Challenge(
        actions=plan.actions, issued_at=NOW, cues_at_s=plan.at_s, clip_started_at_s=0.25, digest_at_s=9.125
    )


def test_without_a_receipt_it_is_not_met() -> None:
    assert met(a_ticket(), None) == Problem(Name.RECEIPT_MISSING, field="digest_receipt")


def test_a_receipt_is_good_for_its_own_challenge_alone() -> None:
    assert met(a_ticket(2), receipt_for(a_ticket(1))) == Problem(Name.RECEIPT_INVALID, field="digest_receipt")


def test_a_receipt_is_good_for_its_own_clip_alone() -> None:
    ticket = a_ticket()
    assert met(ticket, receipt_for(ticket), OTHER) == Problem(Name.CLIP_NOT_AS_ANNOUNCED, field="clip")
    assert met(ticket, receipt_for(ticket), None) == Problem(Name.CLIP_NOT_AS_ANNOUNCED, field="clip")


@pytest.mark.parametrize("forgery", ["unsigned", "other key", "challenge", "changed"])
def test_what_we_did_not_sign_is_no_receipt(forgery: str) -> None:
    ticket, token = challenge.issue(
        PURPOSE, keys=KEYS, now=NOW, lifetime_s=600, randomness=bytes(10), draw=random.Random(1), cues=CUE_BOUNDS
    )
    body = jwt.decode(receipt_for(ticket), options={"verify_signature": False})
    head, _, signature = receipt_for(ticket).split(".")
    forged = {
        "unsigned": jwt.encode(body, None, algorithm="none"),
        "other key": jwt.encode(body, b"x" * 32, algorithm="HS256"),
        "challenge": token,
        "changed": ".".join((head, jwt.encode(body | {"digest_at_s": 8.0}, b"x" * 32).split(".")[1], signature)),
    }[forgery]
    assert met(ticket, forged) == Problem(Name.RECEIPT_INVALID, field="digest_receipt")


def test_the_plain_digest_is_not_in_the_receipt_and_two_challenges_digests_of_a_clip_do_not_meet() -> None:
    bodies = [jwt.decode(receipt_for(a_ticket(seed)), options={"verify_signature": False}) for seed in (1, 2)]
    assert CLIP not in str(bodies)
    assert bodies[0]["digest"] != bodies[1]["digest"]


def test_a_challenge_without_cues_is_met_as_before_and_takes_no_receipt() -> None:
    ticket = a_ticket(cues=None)
    assert met(ticket, None) == Challenge(actions=ticket.actions, issued_at=NOW)
    assert met(ticket, receipt_for(a_ticket())) == Problem(Name.CHALLENGE_WITHOUT_CUES, field="digest_receipt")


def test_the_actions_are_not_in_a_challenge_with_cues() -> None:
    ticket = a_ticket()
    assert ticket.actions == ()
    assert not [action for action in ("blink", "turn") if action in str(ticket)]
    assert challenge.plan_of(replace(ticket, cues=None), KEYS) is None
