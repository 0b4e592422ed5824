"""What intake signs for itself: any JWT library reads it, and it reads nothing else."""

from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from services.intake.signed import read_signed, sign

KEY, OTHER = b"k" * 32, b"x" * 32


class Claims(Struct, frozen=True):
    """A token's."""

    name: str
    at: float
    kinds: tuple[str, ...] = ()
    rest: str | None = None


class Others(Struct, frozen=True):
    """Another token's."""

    digest: str


CLAIMS = Claims("türe", 1764072000.123, ("a", "b"))


def test_what_was_signed_reads_back() -> None:
    assert read_signed(sign(CLAIMS, KEY), KEY, Claims) == CLAIMS


def test_a_jwt_library_reads_it_and_what_one_signed_so_is_read() -> None:
    """So that a challenge of before an upgrade is good after it, and the other way round."""
    body = {"name": "türe", "at": 1764072000.123, "kinds": ["a", "b"], "rest": None}
    assert jwt.decode(sign(CLAIMS, KEY), KEY, algorithms=["HS256"]) == body
    assert read_signed(jwt.encode(body, KEY, algorithm="HS256"), KEY, Claims) == CLAIMS


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_another_algorithm_is_nothing(algorithm: str) -> None:
    key = None if algorithm == "none" else KEY.ljust(64, b"k")
    token = jwt.encode({"name": "a", "at": 1.0}, key, algorithm=algorithm)
    assert read_signed(token, key or KEY, Claims) is None


def test_another_header_under_our_own_key_is_nothing() -> None:
    token = jwt.encode({"name": "a", "at": 1.0}, KEY, algorithm="HS256", headers={"kid": "1"})
    assert read_signed(token, KEY, Claims) is None


def test_another_key_and_another_struct_are_nothing() -> None:
    assert read_signed(sign(CLAIMS, OTHER), KEY, Claims) is None
    assert read_signed(sign(Others("d"), KEY), KEY, Claims) is None


@given(st.integers(0, len(sign(CLAIMS, KEY)) - 1), st.sampled_from("AZaz09-_=. \n"))
def test_any_changed_character_breaks_it(place: int, character: str) -> None:
    token = sign(CLAIMS, KEY)
    changed = token[:place] + character + token[place + 1 :]
    assert read_signed(changed, KEY, Claims) == (CLAIMS if changed == token else None)


@pytest.mark.parametrize("appended", ["=", "==", ".", "A", "\n", " "])
def test_nothing_may_be_appended(appended: str) -> None:
    assert read_signed(sign(CLAIMS, KEY) + appended, KEY, Claims) is None


@given(st.text("Aaé漢.=\x00", max_size=60))
def test_no_text_crashes_it(text: str) -> None:
    assert read_signed(text, KEY, Claims) is None


@given(st.binary(max_size=80))
def test_no_signed_nonsense_crashes_it(payload: bytes) -> None:
    head = sign(CLAIMS, KEY).partition(".")[0]
    token = jwt.api_jws.encode(payload, KEY, algorithm="HS256")
    assert token.startswith(head)
    assert read_signed(token, KEY, Others) is None or b"digest" in payload
