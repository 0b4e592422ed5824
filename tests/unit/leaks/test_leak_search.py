"""The search for leaks is only worth something if it finds what is planted."""

import base64
import os

import pytest

from tests.integration.leaks import Haystack, found, runs_of, spellings

SECRET = os.urandom(600)


@pytest.mark.parametrize(
    "spell",
    [bytes, lambda raw: raw.hex().encode(), lambda raw: raw.hex().upper().encode(), base64.b64encode, base64.urlsafe_b64encode],
)
@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz"])
def test_a_planted_secret_is_found_in_every_spelling_and_alignment(spell, before):
    haystack = Haystack("log", b"head " + spell(before + SECRET + b"tail"))
    assert found(spellings("secret", SECRET[100:140]), [haystack])
    assert found(runs_of("secret", SECRET), [haystack])


def test_nothing_is_found_where_nothing_was_planted():
    assert found(runs_of("secret", SECRET), [Haystack("log", os.urandom(200_000))]) == []


def test_a_run_of_one_repeated_byte_is_no_needle():
    assert list(runs_of("black", bytes(5000))) == []
