"""The short way past Litestar: nobody outside can tell it from Litestar's own, which another spelling of a path still takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from tests.fakes.intake import CLIP, JPEG, Intake, a_challenge_request, a_request

PATHS = ("/v1/challenges", "/v1/registrations")
FORM = {"content-type": "multipart/form-data; boundary=cut"}


class Heard(NamedTuple):
    """An answer as it left, without what differs from one request to the next."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: dict[str, Any]
    counted: str


class Sent(NamedTuple):
    """A request. body: in chunks; cut: the client goes away after them; more: headers behind the others."""

    path: str
    headers: dict[str, str]
    body: Sequence[bytes]
    method: str = "POST"
    cut: bool = False
    more: tuple[tuple[str, str], ...] = ()


def hear(intake: Intake, sent: Sent) -> tuple[Heard, dict[str, Any]]:
    """The answer, and the scope as it was left."""
    chunks = list(sent.body)
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not chunks:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks) or sent.cut}

    async def send(message: Any) -> None:
        said.append(message)

    headers = [(name.encode(), value.encode("latin-1")) for name, value in (*sent.headers.items(), *sent.more)]
    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": sent.method, "path": sent.path, "headers": headers}
    scope |= {"raw_path": sent.path.encode(), "query_string": b"", "root_path": "", "scheme": "http", "client": ("127.0.0.1", 1)}
    asyncio.run(intake.app(scope, receive, send))  # type: ignore[arg-type]
    start, body = said
    return Heard(start["status"], start["headers"], json.loads(body["body"] or b"{}"), counted(intake)), scope


def counted(intake: Intake) -> str:
    """Route and outcome of the one request that was counted."""
    [family] = [found for found in intake.metrics.registry.collect() if found.name == "realname_requests"]
    [labels] = [sample.labels for sample in family.samples if sample.name.endswith("_total") and sample.value]
    return f"{labels['route']} {labels['outcome']}"


def form(issued: dict[str, Any], **changes: Any) -> bytes:
    parts = {"request": json.dumps(a_request(issued, **changes)).encode(), "portrait": JPEG, "clip": CLIP}
    head = b'--cut\r\nContent-Disposition: form-data; name="%b"; filename="f"\r\n\r\n%b\r\n'
    return b"".join(head % (name.encode(), content) for name, content in parts.items()) + b"--cut--\r\n"


def both_ways(sent: Sent) -> tuple[Heard, Heard]:
    """The same request the short way and Litestar's, each of an intake of its own."""
    found: list[Heard] = []
    for path in (sent.path, sent.path + "/"):
        intake = Intake()
        heard, scope = hear(intake, sent._replace(path=path, headers=intake.headers | sent.headers))
        assert "host" in sent.headers or ("route_handler" in scope) == path.endswith("/"), "it took the other way"
        found.append(heard)
    return found[0], found[1]


CHALLENGE = json.dumps(a_challenge_request()).encode()
REFUSED = {
    "no token": (Sent(PATHS[0], {"authorization": ""}, [CHALLENGE]), "create_challenge token_missing"),
    "no JSON": (Sent(PATHS[0], {}, [CHALLENGE[:20], b"nonsense"]), "create_challenge body_malformed"),
    "a field too many": (
        Sent(PATHS[0], {"accept-language": "zh"}, [CHALLENGE[:-1] + b',"x":1}']),
        "create_challenge field_unknown",
    ),
    "a challenge's body too large": (Sent(PATHS[0], {}, [b"x" * 4000, b"x" * 97]), "create_challenge body_too_large"),
    "one announced": (Sent(PATHS[0], {"content-length": "4097"}, [CHALLENGE]), "create_challenge body_too_large"),
    "a length that is none": (Sent(PATHS[0], {"content-length": "x"}, [CHALLENGE]), "create_challenge body_malformed"),
    "a client that goes": (Sent(PATHS[0], {}, [CHALLENGE], cut=True), "create_challenge body_incomplete"),
    "a Host that is none": (Sent(PATHS[0], {"host": "a b"}, [CHALLENGE]), "none body_malformed"),
    "no form": (Sent(PATHS[1], {"content-length": "1"}, [b"x"]), "create_registration media_type_unsupported"),
    "a form announced too large": (
        Sent(PATHS[1], FORM | {"content-length": "100000000"}, [b"--cut"]),
        "create_registration body_too_large",
    ),
    "a form's length that is none": (Sent(PATHS[1], FORM | {"content-length": "x"}, [b""]), "create_registration body_malformed"),
    "a form that is cut": (Sent(PATHS[1], FORM, [b"--cut"], cut=True), "create_registration body_incomplete"),
    "no caller": (Sent(PATHS[1], FORM | {"authorization": "Basic x"}, [b"--cut"]), "create_registration token_missing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_alike_on_both_ways(case: str) -> None:
    sent, outcome = REFUSED[case]
    short, long = both_ways(sent)
    assert short == long
    assert short.counted == outcome


def test_a_challenge_is_issued_alike_on_both_ways() -> None:
    short, long = both_ways(Sent(PATHS[0], {}, [CHALLENGE[:30], b"", CHALLENGE[30:]]))
    assert (short.status, short.counted) == (long.status, long.counted) == (201, "create_challenge ok")
    assert short.body.keys() == long.body.keys()
    assert [name for name, _ in short.headers] == [name for name, _ in long.headers]


def test_a_registration_is_taken_in_alike_on_both_ways() -> None:
    found: list[Heard] = []
    for path in (PATHS[1], PATHS[1] + "/"):
        intake = Intake()
        issued = Intake().challenge()  # under the same keys, so that this one counts one request
        body = form(issued)
        heard, scope = hear(intake, Sent(path, intake.headers | FORM, [body[:500], body[500:]]))
        assert ("route_handler" in scope) == path.endswith("/")
        assert heard.body["id"] == issued["id"]
        assert (b"location", heard.body["status"].encode()) in heard.headers
        assert len(intake.stored) == 2
        found.append(heard._replace(body={}, headers=[each for each in heard.headers if each[0] != b"location"]))
    assert found[0] == found[1]
    assert (found[0].status, found[0].counted) == (202, "create_registration ok")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_another_method_goes_to_litestar(path: str, method: str) -> None:
    intake = Intake()
    heard, _ = hear(intake, Sent(path, intake.headers, [b""], method=method))
    assert (heard.status, heard.counted) == ((204, "none ok") if method == "OPTIONS" else (405, "none method_not_allowed"))


def test_a_client_that_goes_is_no_bug_on_litestars_way_either() -> None:
    intake = Intake()
    heard, _ = hear(intake, Sent("/v1/challenges/any/digest", intake.headers, [b"{"], cut=True))
    assert (heard.status, heard.counted) == (400, "take_digest body_incomplete")


@pytest.mark.parametrize("path", PATHS)
def test_a_bug_is_an_answer_that_says_nothing_of_it(path: str) -> None:
    intake = Intake()
    intake.registering.callers._verified = None  # type: ignore[assignment]
    heard, _ = hear(intake, Sent(path, intake.headers | FORM, [CHALLENGE]))
    assert (heard.status, heard.body["type"]) == (500, "urn:realname:problem:internal_error")


@pytest.mark.parametrize(("first", "second", "status"), [("", "Bearer nonsense", 201), ("Bearer nonsense", "", 401)])
def test_of_a_header_that_is_sent_twice_the_first_counts(first: str, second: str, status: int) -> None:
    for path in (PATHS[0], PATHS[0] + "/"):
        intake = Intake()
        token = intake.headers["authorization"]
        sent = Sent(path, {"authorization": first or token}, [CHALLENGE], more=(("authorization", second or token),))
        assert hear(intake, sent)[0].status == status
