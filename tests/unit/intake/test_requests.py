"""What callers send: each fault is named by its field, and no value is ever quoted."""

from __future__ import annotations

import json

import pytest

from services.intake.problem_names import Name
from services.intake.problems import Problem
from services.intake.requests import ChallengeRequest, RegistrationRequest, check_complete, read_json
from tests.builders import an_id
from tests.fakes.intake import a_challenge_request, a_request

ISSUED = {"challenge": "c" * 40, "path": "face"}


def read(**changes) -> RegistrationRequest | Problem:
    return read_json(json.dumps(a_request(ISSUED, **changes)).encode(), RegistrationRequest)


def test_a_whole_request_reads() -> None:
    found = read()
    assert isinstance(found, RegistrationRequest)
    assert check_complete(found) is None


@pytest.mark.parametrize("field", ["challenge", "store", "terminal", "person_token", "purpose", "lines_held"])
def test_a_missing_field_is_named(field: str) -> None:
    assert read(**{field: ...}) == Problem(Name.FIELD_MISSING, field=field)


def test_an_unknown_field_is_named() -> None:
    assert read(document_number="110101199003070000") == Problem(Name.FIELD_UNKNOWN, field="document_number")
    assert read(consent={"reference": "r", "extra": 1}) == Problem(Name.FIELD_UNKNOWN, field="consent.extra")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("store", "Store 1"),
        ("purpose", "bitcoin"),
        ("lines_held", -1),
        ("lines_held", "3"),
        ("lines_held", 2.5),
        ("person_token", "short"),
        ("path", "face2"),
        ("portrait_source", "selfie"),
        ("previous", "not-an-id"),
        ("consent", "yes"),
    ],
)
def test_a_wrong_value_is_named_by_its_field_and_not_quoted(field: str, value: object) -> None:
    found = read(**{field: value})
    assert found == Problem(Name.FIELD_INVALID, field=field)


def test_a_fault_inside_the_consent_is_named_with_its_path() -> None:
    consent = {"reference": "r", "given_at": "2026-11-24T11:59:00", "text_version": "1", "language": "zh"}
    assert read(consent=consent) == Problem(Name.FIELD_INVALID, field="consent.given_at"), "an instant carries a zone"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"store": "\xff"}'])
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    assert read_json(body, ChallengeRequest) == Problem(Name.BODY_MALFORMED)


def test_the_face_path_needs_consent_and_a_source() -> None:
    for changes, problem in (
        ({"consent": ...}, Problem(Name.CONSENT_MISSING, field="consent")),
        ({"consent": None}, Problem(Name.CONSENT_MISSING, field="consent")),
        ({"portrait_source": ...}, Problem(Name.FIELD_MISSING, field="portrait_source")),
    ):
        found = read(**changes)
        assert isinstance(found, RegistrationRequest)
        assert check_complete(found) == problem


def test_the_referee_path_needs_neither() -> None:
    found = read(path="referee", consent=..., portrait_source=...)
    assert isinstance(found, RegistrationRequest)
    assert check_complete(found) is None


def test_a_previous_attempt_is_named_by_a_registration_id() -> None:
    good, bad = read(previous=an_id()), read(previous="x" * 36)
    assert isinstance(good, RegistrationRequest)
    assert isinstance(bad, RegistrationRequest)
    assert check_complete(good) is None
    assert check_complete(bad) == Problem(Name.FIELD_INVALID, field="previous")


@pytest.mark.parametrize("lifetime_s", [0, -5, 1.5, "60"])
def test_a_lifetime_is_whole_seconds_above_zero(lifetime_s: object) -> None:
    body = json.dumps(a_challenge_request(lifetime_s=lifetime_s)).encode()
    assert read_json(body, ChallengeRequest) == Problem(Name.FIELD_INVALID, field="lifetime_s")
