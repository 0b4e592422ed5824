"""Intake over HTTP on fakes: what is taken in, what is refused and how it is called, and that nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from realname import ids
from realname.messages import RegistrationSubmitted
from services.intake.problem_texts import TABLE
from services.intake.registering import Call
from tests.fakes.intake import CLIP, JPEG, LIMITS, NOW, PARTITIONS, Intake, a_challenge_request, a_clip, multipart


def named(answer: httpx.Response) -> str:
    """The problem's name; its status is the table's and its type is RFC 9457's."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    name = answer.json()["type"].removeprefix("urn:realname:problem:")
    assert answer.status_code == answer.json()["status"] == TABLE[name].status
    return name


def refused(intake: Intake, answer: httpx.Response, name: str, field: str | None = None) -> None:
    """It was refused so, and left nothing."""
    assert named(answer) == name
    assert answer.json().get("field") == field
    assert intake.stored == []
    assert intake.published == []
    assert intake.scratch.claims == {}
    assert intake.registering.uploading == 0
    assert intake.counter("realname_registrations_refused", operator="north", problem=name) == 1


def test_a_registration_is_taken_in_whole() -> None:
    intake = Intake()
    issued = intake.challenge()
    answer = intake.register(issued)
    assert answer.status_code == 202
    assert answer.json() == {"id": issued["id"], "status": f"/v1/registrations/{issued['id']}"}
    assert answer.headers["location"] == answer.json()["status"]
    [submitted] = intake.published
    assert isinstance(submitted, RegistrationSubmitted)
    assert (submitted.id, submitted.operator, submitted.store) == (issued["id"], "north", "store-1")
    assert list(submitted.challenge.actions) == issued["actions"]
    assert submitted.challenge.issued_at == datetime.fromisoformat(issued["issued_at"])
    assert submitted.submitted_at == NOW
    for kind, blob, content in (("portrait", submitted.portrait, JPEG), ("clip", submitted.clip, CLIP)):
        assert blob is not None
        where: dict[str, Any] = {"operator": "north", "registration_id": issued["id"], "kind": kind}
        assert intake.vault.get(blob, **where) == content
    [(partition, record)] = intake.publisher.records
    assert partition == ids.partition_of(issued["id"], PARTITIONS)
    assert record.key.decode() == issued["id"]
    assert intake.scratch.statuses[issued["id"]].step == "submitted"
    assert intake.counter("realname_registrations_accepted", operator="north", path="face") == 1
    assert intake.counter("realname_upload_bytes", kind="clip") == len(CLIP)


def test_nothing_personal_is_in_the_record() -> None:
    intake = Intake()
    intake.register(intake.challenge())
    [(_, record)] = intake.publisher.records
    assert b"person-4711" not in record.value
    assert JPEG[20:60] not in record.value


def test_the_referee_path_needs_no_media() -> None:
    intake = Intake()
    issued = intake.challenge(path="referee")
    assert issued["actions"] == []
    answer = intake.register(issued, path="referee", consent=..., portrait_source=...)
    assert answer.status_code == 202
    [submitted] = intake.published
    assert (submitted.path, submitted.portrait, submitted.clip) == ("referee", None, None)
    assert intake.stored == []


# Bad input, one by one.


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Basic eDp5"])
def test_a_wrong_token_is_refused_before_anything_else(token: str) -> None:
    intake = Intake()
    issued = intake.challenge()
    answer = intake.call("POST", "/v1/registrations", files=multipart(issued), headers={"authorization": token})
    assert named(answer) in {"token_missing", "token_invalid"}
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["connection"] == "close", "its body was not read"
    assert intake.stored == []


def test_an_expired_token_is_refused() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.pass_time(200_000)
    assert named(intake.register(issued)) == "token_expired"


def test_another_operators_challenge_is_refused() -> None:
    intake = Intake()
    issued = intake.challenge()
    harbor = {"authorization": f"Bearer {intake.token('harbor')}"}
    answer = intake.call("POST", "/v1/registrations", files=multipart(issued), headers=harbor)
    assert named(answer) == "challenge_invalid"
    assert intake.stored == []


def test_a_token_of_another_store_is_refused() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.headers = {"authorization": f"Bearer {intake.token(stores=('store-9',))}"}
    refused(intake, intake.register(issued), "store_not_allowed", "store")
    assert named(intake.call("POST", "/v1/challenges", json=a_challenge_request())) == "store_not_allowed"


@pytest.mark.parametrize("field", ["challenge", "store", "terminal", "person_token", "purpose", "lines_held"])
def test_a_missing_field_is_named(field: str) -> None:
    intake = Intake()
    refused(intake, intake.register(intake.challenge(), **{field: ...}), "field_missing", field)


def test_an_unknown_field_is_named() -> None:
    intake = Intake()
    refused(intake, intake.register(intake.challenge(), document_number="x"), "field_unknown", "document_number")


def test_a_missing_consent_is_named() -> None:
    intake = Intake()
    refused(intake, intake.register(intake.challenge(), consent=...), "consent_missing", "consent")


@pytest.mark.parametrize("part", ["portrait", "clip"])
def test_a_missing_part_is_named(part: str) -> None:
    intake = Intake()
    refused(intake, intake.register(intake.challenge(), parts={part: None}), "part_missing", part)


def test_an_unknown_part_is_named() -> None:
    intake = Intake()
    refused(intake, intake.register(intake.challenge(), parts={"selfie": ("s.jpg", JPEG)}), "part_unknown", "selfie")


def test_media_on_the_referee_path_is_refused() -> None:
    intake = Intake()
    answer = intake.register(intake.challenge(path="referee"), path="referee", parts={"clip": ("c.mp4", CLIP)})
    refused(intake, answer, "part_unknown", "clip")


@pytest.mark.parametrize(("part", "size_max"), [("portrait", LIMITS.portrait), ("clip", LIMITS.clip)])
def test_a_medium_at_its_limit_is_taken_and_one_byte_more_is_not(part: str, size_max: int) -> None:
    head = JPEG if part == "portrait" else CLIP
    fits, beyond = Intake(), Intake()
    assert fits.register(fits.challenge(), parts={part: ("f", head.ljust(size_max, b"x"))}).status_code == 202
    answer = beyond.register(beyond.challenge(), parts={part: ("f", head.ljust(size_max + 1, b"x"))})
    refused(beyond, answer, "body_too_large", part)


def test_a_body_that_announces_too_much_is_not_read() -> None:
    intake = Intake()
    intake.challenge()
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1000

    call = Call(intake.headers["authorization"], "multipart/form-data; boundary=b", LIMITS.body + 1, None, chunks())
    with pytest.raises(Exception, match="body_too_large"):
        asyncio.run(intake.registering.create_registration(call))
    assert read == 0


def test_a_body_that_grows_too_large_is_read_no_further() -> None:
    intake = Intake()
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="clip"\r\n\r\n' + CLIP
        while True:
            sent += 10_000
            yield b"x" * 10_000

    call = Call(intake.headers["authorization"], "multipart/form-data; boundary=b", None, None, chunks())
    with pytest.raises(Exception, match="body_too_large"):
        asyncio.run(intake.registering.create_registration(call))
    assert sent <= LIMITS.clip


def test_a_body_that_takes_too_long_is_cut_off() -> None:
    intake = Intake(upload_within_s=0.02)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        await asyncio.Event().wait()

    call = Call(intake.headers["authorization"], "multipart/form-data; boundary=b", None, None, chunks())
    with pytest.raises(Exception, match="body_too_slow"):
        asyncio.run(intake.registering.create_registration(call))
    assert intake.registering.uploading == 0


def test_a_client_that_goes_away_leaves_nothing() -> None:
    intake = Intake()

    async def chunks() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="clip"\r\n\r\n' + CLIP
        raise ConnectionError

    call = Call(intake.headers["authorization"], "multipart/form-data; boundary=b", None, None, chunks())
    with pytest.raises(Exception, match="body_incomplete"):
        asyncio.run(intake.registering.create_registration(call))
    assert intake.stored == []


@pytest.mark.parametrize("portrait", [b"hello, I am text " * 5, CLIP, b"", b"GIF89a" + b"\0" * 60])
def test_what_is_not_an_image_is_refused(portrait: bytes) -> None:
    intake = Intake()
    refused(intake, intake.register(intake.challenge(), parts={"portrait": ("p", portrait)}), "portrait_not_an_image", "portrait")


@pytest.mark.parametrize(
    "clip",
    [
        b"hello, I am text " * 5,
        JPEG,
        b"",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video 1 RTP/AVP 96\r\n",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n" + b"#" * 40,
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b'<?xml version="1.0"?><MPD><BaseURL>file:///etc</BaseURL></MPD>',
    ],
)
def test_what_is_not_a_clip_is_refused(clip: bytes) -> None:
    intake = Intake()
    refused(intake, intake.register(intake.challenge(), parts={"clip": ("c.mp4", clip)}), "clip_not_a_video", "clip")


def test_an_expired_challenge_is_refused() -> None:
    intake = Intake()
    issued = intake.challenge(lifetime_s=30)
    intake.pass_time(30)
    refused(intake, intake.register(issued), "challenge_expired", "challenge")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"store": "store-2"}, "store"), ({"terminal": "till-2"}, "terminal"), ({"person_token": "person-9999"}, "person_token")],
)
def test_a_challenge_is_good_for_its_own_store_terminal_and_person(changes: dict[str, str], field: str) -> None:
    intake = Intake()
    refused(intake, intake.register(intake.challenge(), **changes), "challenge_mismatch", field)


def test_a_lifetime_may_be_asked_shorter_and_never_longer() -> None:
    intake = Intake()
    short = intake.challenge(lifetime_s=5)
    issued, expires = (datetime.fromisoformat(short[name]) for name in ("issued_at", "expires_at"))
    assert (expires - issued).total_seconds() == 5
    assert named(intake.call("POST", "/v1/challenges", json=a_challenge_request(lifetime_s=601))) == "field_invalid"


def test_a_full_vault_is_told_and_nothing_is_left() -> None:
    intake = Intake()
    intake.vault.objects_max = 0
    answer = intake.register(intake.challenge())
    refused(intake, answer, "vault_full")
    assert answer.headers["retry-after"] == "30"


def test_a_vault_that_fills_up_between_portrait_and_clip_keeps_neither() -> None:
    intake = Intake()
    intake.vault.objects_max = 1
    refused(intake, intake.register(intake.challenge()), "vault_full")


def test_a_silent_vault_is_told_and_nothing_is_left() -> None:
    intake = Intake()
    intake.vault.silent = True
    refused(intake, intake.register(intake.challenge()), "vault_unavailable")


def test_while_kafka_is_down_no_body_is_read() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.publisher.is_ready = False
    answer = intake.register(issued)
    refused(intake, answer, "ledger_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["connection"] == "close"
    assert intake.call("GET", "/readyz").status_code == 503
    intake.publisher.is_ready = True
    assert intake.register(issued).status_code == 202, "the same challenge is still good"


def test_what_kafka_did_not_take_leaves_no_media() -> None:
    intake = Intake()
    intake.publisher.outcome = "not_sent"
    refused(intake, intake.register(intake.challenge()), "ledger_unavailable")


def test_beyond_the_bodies_in_memory_one_is_told_to_wait() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.registering.uploading = 4
    answer = intake.register(issued)
    assert named(answer) == "too_many_uploads"
    assert answer.headers["retry-after"] == "1"


def test_an_operator_at_its_share_is_told_to_wait_and_the_next_is_not() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.admission.hear({"north": 100})
    refused(intake, intake.register(issued), "backlog_share_used")
    harbor = {"authorization": f"Bearer {intake.token('harbor')}"}
    assert intake.call("POST", "/v1/challenges", json=a_challenge_request(), headers=harbor).status_code == 201


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "text/plain"])
def test_another_content_type_is_refused(content_type: str) -> None:
    intake = Intake()
    answer = intake.call("POST", "/v1/registrations", content=b"{}", headers={"content-type": content_type})
    refused(intake, answer, "media_type_unsupported")


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1/nothing", "route_unknown"),
        ("DELETE", "/v1/registrations", "method_not_allowed"),
        ("POST", "/v1/challenges", "body_malformed"),
    ],
)
def test_wrong_addresses_and_methods_are_problems_too(method: str, path: str, name: str) -> None:
    assert named(Intake().call(method, path, content=b"{" if method == "POST" else None)) == name


def test_a_challenge_request_beyond_its_limit_is_refused() -> None:
    assert named(Intake().call("POST", "/v1/challenges", content=b"x" * 5000)) == "body_too_large"


def test_the_words_are_chinese_where_the_caller_asks_for_it() -> None:
    answer = Intake().call("GET", "/v1/nothing", headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert answer.json()["title"] == "没有此地址"


def test_a_fault_of_ours_says_nothing_of_itself() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.registering.bounds = intake.registering.bounds._replace(partitions=0)  # a bug: division by zero
    answer = intake.register(issued)
    assert named(answer) == "internal_error"
    assert "ZeroDivision" not in answer.text


def test_a_clip_of_any_size_within_the_limit_arrives_whole() -> None:
    intake = Intake()
    clip = a_clip(LIMITS.clip)
    intake.register(intake.challenge(), parts={"clip": ("c.mp4", clip)})
    [submitted] = intake.published
    assert submitted.clip is not None
    assert intake.vault.get(submitted.clip, operator="north", registration_id=submitted.id, kind="clip") == clip
