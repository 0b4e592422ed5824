"""When two requests are the same."""

from __future__ import annotations

import json

from services.intake.fingerprint import fingerprint_of
from services.intake.requests import RegistrationRequest, read_json
from tests.fakes.intake import a_request

ISSUED = {"challenge": "c" * 40, "path": "face"}


def of(*, portrait: bytes | None = b"portrait", clip: bytes | None = b"clip", secret: bytes = b"s", **changes) -> str:
    request = read_json(json.dumps(a_request(ISSUED, **changes)).encode(), RegistrationRequest)
    assert isinstance(request, RegistrationRequest)
    return fingerprint_of(request, portrait=portrait, clip=clip, secret=secret)


def test_the_same_again_is_the_same_however_it_is_spelt() -> None:
    body = a_request(ISSUED)
    spelt = json.dumps(dict(reversed(body.items())), indent=3).encode()
    request = read_json(spelt, RegistrationRequest)
    assert isinstance(request, RegistrationRequest)
    assert fingerprint_of(request, portrait=bytearray(b"portrait"), clip=b"clip", secret=b"s") == of()


def test_every_value_and_every_byte_counts() -> None:
    others = [
        of(lines_held=2),
        of(store="store-2"),
        of(purpose="broadband"),
        of(consent=None),
        of(portrait=b"portraiT"),
        of(clip=b"clip\x00"),
        of(clip=None),
        of(portrait=None, clip=None),
        of(secret=b"t"),
    ]
    assert len({of(), *others}) == len(others) + 1


def test_a_byte_cannot_move_from_one_piece_to_the_next() -> None:
    assert of(portrait=b"ab", clip=b"c") != of(portrait=b"a", clip=b"bc")
    assert of(portrait=b"", clip=b"c") != of(portrait=None, clip=b"c")


def test_the_person_token_leaves_no_trace_in_it() -> None:
    assert of(person_token="person-0001") == of(person_token="person-0002")


def test_a_request_without_a_receipt_has_the_fingerprint_of_before_there_were_receipts() -> None:
    """So that what was accepted then gets the same answer when it is sent again now."""
    assert of() == "9446b1665dc95b768be2934357290a91fb95b5fc23e224c6331811ebbbf005ff"
    assert of(digest_receipt="r" * 40) != of()
