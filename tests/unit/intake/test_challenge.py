"""Challenges: what is asked, for whom, how long."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import jwt
import pytest

from realname import ids
from services.intake import challenge
from services.intake.challenge import Purpose, Ticket
from services.intake.cues import SEQUENCES, draw_actions
from services.intake.problem_names import Name
from services.intake.problems import Problem

NOW = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)
KEYS = challenge.derive_keys(b"k" * 32)
PURPOSE = Purpose("north", "store-1", "till-1", "person-4711", "face")


def issued(purpose: Purpose = PURPOSE, **changes) -> tuple[Ticket, str]:
    values = {"keys": KEYS, "now": NOW, "lifetime_s": 600, "randomness": bytes(10), "draw": random.Random(1)} | changes
    return challenge.issue(purpose, **values)


def test_every_sequence_has_a_blink_and_a_turn_and_never_an_action_after_itself() -> None:
    for actions in SEQUENCES:
        assert 2 <= len(actions) <= 3
        assert "blink" in actions
        assert {"turn_left", "turn_right"} & set(actions)
        assert all(first != second for first, second in pairwise(actions))


def test_no_sequence_stands_twice_and_each_order_of_each_set_is_there() -> None:
    assert len(set(SEQUENCES)) == len(SEQUENCES) == 12


def test_every_sequence_is_drawn_about_as_often_as_the_next() -> None:
    draw = random.Random(7)
    drawn = [draw_actions(draw) for _ in range(12_000)]
    for actions in SEQUENCES:
        assert 850 < drawn.count(actions) < 1150


def test_the_id_is_a_uuid_7_of_the_instant_of_issue() -> None:
    ticket, _ = issued(randomness=b"0123456789")
    assert ids.minted_at(ticket.jti) == NOW == ticket.issued_at


def test_what_was_issued_verifies_for_its_purpose() -> None:
    ticket, token = issued()
    assert challenge.verify(token, PURPOSE, KEYS) == ticket


@pytest.mark.parametrize(
    ("field", "value"), [("store", "store-2"), ("terminal", "till-2"), ("person_token", "person-4712"), ("path", "referee")]
)
def test_it_is_good_for_its_own_purpose_alone(field: str, value: str) -> None:
    _, token = issued()
    assert challenge.verify(token, PURPOSE._replace(**{field: value}), KEYS) == Problem(Name.CHALLENGE_MISMATCH, field=field)


def test_another_operators_challenge_is_as_unknown_as_a_forged_one() -> None:
    _, token = issued()
    assert challenge.verify(token, PURPOSE._replace(operator="harbor"), KEYS) == Problem(
        Name.CHALLENGE_INVALID, field="challenge"
    )


def test_the_person_token_is_not_in_the_challenge() -> None:
    ticket, token = issued()
    assert "person-4711" not in str(jwt.decode(token, options={"verify_signature": False}))
    other, _ = issued(PURPOSE._replace(operator="harbor"))
    assert ticket.person != other.person, "two operators' digests of one token do not meet"


def test_a_referee_challenge_asks_for_no_action() -> None:
    ticket, _ = issued(PURPOSE._replace(path="referee"))
    assert ticket.actions == ()


def test_it_expires_after_its_lifetime() -> None:
    ticket, _ = issued(lifetime_s=60)
    assert not ticket.has_expired(NOW + timedelta(seconds=59.9))
    assert ticket.has_expired(NOW + timedelta(seconds=60))
    assert ticket.expires_at == NOW + timedelta(seconds=60)


def test_an_expired_one_still_verifies_for_the_same_request_again_is_answered_as_before() -> None:
    _, token = issued(now=NOW - timedelta(days=3))
    assert isinstance(challenge.verify(token, PURPOSE, KEYS), Ticket)


def test_a_challenge_under_another_key_is_refused() -> None:
    _, token = issued(keys=challenge.derive_keys(b"x" * 32))
    assert challenge.verify(token, PURPOSE, KEYS) == Problem(Name.CHALLENGE_INVALID, field="challenge")


def test_a_challenge_without_signature_is_refused() -> None:
    ticket, _ = issued()
    body = {name: getattr(ticket, name) for name in ticket.__struct_fields__} | {"actions": list(ticket.actions)}
    token = jwt.encode(body, None, algorithm="none")
    assert challenge.verify(token, PURPOSE, KEYS) == Problem(Name.CHALLENGE_INVALID, field="challenge")


def test_changed_actions_break_the_signature() -> None:
    _, token = issued()
    head, _, signature = token.split(".")
    _, other = issued(draw=random.Random(2), randomness=b"1" * 10)
    assert challenge.verify(".".join((head, other.split(".")[1], signature)), PURPOSE, KEYS) == Problem(
        Name.CHALLENGE_INVALID, field="challenge"
    )


def test_a_short_key_does_not_start() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        challenge.derive_keys(b"short")
