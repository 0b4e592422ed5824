"""Whose call it is: what a token must be, and every confusion that must not pass."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from realname.errors import SettingsWrong
from services.intake.auth import AUDIENCE, Caller, Callers, issue_token, new_caller_key, read_keys
from services.intake.problem_names import Name
from services.intake.problems import Problem

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PRIVATE, PUBLIC = new_caller_key("north")
HARBOR_PRIVATE, HARBOR_PUBLIC = new_caller_key("harbor")
CALLERS = Callers([PUBLIC, HARBOR_PUBLIC], ("north", "harbor"))


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def signed(claims: dict, *, key=PRIVATE, kid: str = "north-1", algorithm: str = "EdDSA") -> str:
    body = {
        "iss": "north",
        "sub": "till",
        "aud": AUDIENCE,
        "exp": int(NOW.timestamp()) + 3600,
        "operator": "north",
        "stores": "*",
    } | claims
    body = {name: value for name, value in body.items() if value is not ...}
    return jwt.encode(body, Ed25519PrivateKey.from_private_bytes(raw(key.d)), algorithm=algorithm, headers={"kid": kid})


def ask(token: str | None, now: datetime = NOW) -> Caller | Problem:
    return CALLERS.authenticate(None if token is None else f"Bearer {token}", now)


def problem(token: str | None, now: datetime = NOW) -> Name:
    found = ask(token, now)
    assert isinstance(found, Problem), found
    return found.name


def test_a_token_of_an_operators_key_names_its_caller() -> None:
    token = issue_token(PRIVATE, now=NOW, stores=("store-1", "store-2"), subject="till-7")
    assert ask(token) == Caller("north", "till-7", frozenset({"store-1", "store-2"}))
    assert ask(issue_token(PRIVATE, now=NOW)) == Caller("north", "development", "*")


def test_a_caller_speaks_for_its_stores_alone() -> None:
    assert Caller("north", "x", frozenset({"a"})).may_use("a")
    assert not Caller("north", "x", frozenset({"a"})).may_use("b")
    assert Caller("north", "x", "*").may_use("anything")


@pytest.mark.parametrize("header", [None, "", "Basic dTpw", "Bearer", "Bearer "])
def test_a_call_without_a_bearer_token_is_told_so(header: str | None) -> None:
    assert CALLERS.authenticate(header, NOW) == Problem(Name.TOKEN_MISSING)


def test_a_token_expires_and_not_before_its_leeway() -> None:
    token = issue_token(PRIVATE, now=NOW, lifetime_s=60)
    assert isinstance(ask(token, NOW + timedelta(seconds=80)), Caller)
    assert problem(token, NOW + timedelta(seconds=91)) is Name.TOKEN_EXPIRED
    assert problem(token, NOW + timedelta(seconds=91)) is Name.TOKEN_EXPIRED, "also when it was verified before"


def test_a_token_of_the_future_is_not_valid_yet() -> None:
    token = signed({"nbf": int(NOW.timestamp()) + 600})
    assert problem(token) is Name.TOKEN_INVALID
    assert isinstance(ask(token, NOW + timedelta(seconds=700)), Caller)


def test_a_token_for_another_audience_is_refused() -> None:
    assert problem(signed({"aud": "realname-review"})) is Name.TOKEN_INVALID


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "operator", "stores"])
def test_no_claim_may_be_missing(claim: str) -> None:
    assert problem(signed({claim: ...})) is Name.TOKEN_INVALID


def test_a_key_never_speaks_for_another_operator() -> None:
    assert problem(signed({"operator": "harbor"})) is Name.TOKEN_INVALID
    assert problem(signed({"operator": "harbor"}, kid="harbor-1")) is Name.TOKEN_INVALID, "nor under the other's key id"


def test_an_unknown_key_id_is_refused() -> None:
    assert problem(signed({}, kid="north-2")) is Name.TOKEN_INVALID


def test_algorithm_none_is_refused() -> None:
    def part(value: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = {"iss": "north", "sub": "s", "aud": AUDIENCE, "exp": 2_000_000_000, "operator": "north", "stores": "*"}
    for algorithm in ("none", "None", "NONE"):
        token = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'north-1'})}.{part(body)}."
        assert problem(token) is Name.TOKEN_INVALID


def test_a_mac_under_the_public_key_is_refused() -> None:
    body = {"iss": "north", "sub": "s", "aud": AUDIENCE, "exp": 2_000_000_000, "operator": "north", "stores": "*"}
    for secret in (raw(PUBLIC.x).ljust(32), PUBLIC.x.encode()):
        token = jwt.encode(body, secret, algorithm="HS256", headers={"kid": "north-1"})
        assert problem(token) is Name.TOKEN_INVALID


def test_a_changed_token_is_refused() -> None:
    head, _, signature = issue_token(PRIVATE, now=NOW).split(".")
    body = base64.urlsafe_b64encode(json.dumps({"operator": "north", "stores": "*"}).encode()).decode().rstrip("=")
    assert problem(f"{head}.{body}.{signature}") is Name.TOKEN_INVALID


@pytest.mark.parametrize("token", ["x", "a.b.c", "." * 5000, "\x00\xff", "eyJhbGciOiJFZERTQSJ9.e30."])
def test_nonsense_is_refused(token: str) -> None:
    assert problem(token) is Name.TOKEN_INVALID


def test_a_key_file_in_which_an_id_stands_twice_stops_the_start() -> None:
    with pytest.raises(SettingsWrong, match="stands twice"):
        Callers([PUBLIC, msgspec.structs.replace(HARBOR_PUBLIC, kid=PUBLIC.kid)], ("north", "harbor"))


def test_a_key_of_an_operator_that_is_not_ours_opens_nothing() -> None:
    assert Callers([PUBLIC], ("harbor",)).authenticate(f"Bearer {issue_token(PRIVATE, now=NOW)}", NOW) == Problem(
        Name.TOKEN_INVALID
    )


def test_the_key_file_of_the_local_stack_reads() -> None:
    body = msgspec.json.encode({"keys": [PUBLIC, HARBOR_PUBLIC]})
    assert read_keys(body) == (PUBLIC, HARBOR_PUBLIC)
    with pytest.raises(SettingsWrong):
        read_keys(b'{"keys": [{"kid": "x", "kty": "RSA"}]}')
