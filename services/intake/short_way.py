"""ASGI in front of Litestar: the two requests of every registration, without its routing, requests and responses.

A POST to one of their paths as /docs spells it comes this way. All else goes on to Litestar: other routes, other methods,
and another spelling of these paths (a slash too many), for which routes.py has the same two handlers (docs/adr/0010).
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from realname.envelope import traceparent_of
from services.intake.answers import Answer, done, failed, refused
from services.intake.edge import OUTCOME, ROUTE
from services.intake.problem_names import Name
from services.intake.problems import Problem, Refused
from services.intake.registering import Call
from services.intake.routes import CHALLENGE_BYTES_MAX, Desk

_HOST = re.compile(rb"[0-9A-Za-z!$&'()*+,;=\-._~:\[\]@%]*")  # RFC 3986, 3.2, as Litestar has it
_Handler = Callable[[Desk, "_Headers", Receive], Awaitable[Answer]]


class _Headers:
    """Of one request; of a name that is sent twice the first counts."""

    def __init__(self, sent: Mapping[bytes, bytes]) -> None:
        self._sent = sent

    def get(self, name: bytes) -> str | None:
        """name: in lower case."""
        value = self._sent.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def has_plain_host(self) -> bool:
        """Or none at all."""
        return _HOST.fullmatch(self._sent.get(b"host", b"")) is not None

    @property
    def content_length(self) -> int | None:
        """Raises Refused where it is no number."""
        value = self.get(b"content-length")
        try:
            return None if value is None else int(value)
        except ValueError:
            raise Refused(Problem(Name.BODY_MALFORMED)) from None


def with_short_way(app: ASGIApp, desk: Desk) -> ASGIApp:
    """The app with the short way in front."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        found = _HANDLERS.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if found is None:
            await app(scope, receive, send)
            return
        route, handler = found
        headers = _Headers(dict(reversed(list(scope["headers"]))))
        if not headers.has_plain_host:  # nothing here looks at it; Litestar refuses it, for each of its routes
            await app(scope, receive, send)
            return
        language = headers.get(b"accept-language")
        try:
            answer = await handler(desk, headers, receive)
        except Refused as refusal:
            answer = refused(refusal.problem, language)
        except Exception as error:  # noqa: BLE001 - what Litestar does for all other routes: a bug ends one request
            answer = failed(error, language)
        before: dict[str, Any] = scope["state"] if "state" in scope else {}  # noqa: SIM401 - get() has no type here
        scope["state"] = before | {ROUTE: route, OUTCOME: answer.outcome}
        await _send(answer, send)

    return wrapped


async def _create_challenge(desk: Desk, headers: _Headers, receive: Receive) -> Answer:
    body = await _body(headers, receive)
    return done(await desk.issuing.create_challenge(headers.get(b"authorization"), body), 201)


async def _create_registration(desk: Desk, headers: _Headers, receive: Receive) -> Answer:
    call = Call(
        authorization=headers.get(b"authorization"),
        content_type=headers.get(b"content-type"),
        content_length=headers.content_length,
        traceparent=traceparent_of(headers.get(b"traceparent")),
        body=_chunks(receive),
    )
    taken = await desk.registering.create_registration(call)
    return done(taken, 202, location=taken.status)


# By path: the route's name, as Litestar has it, and what answers it.
_HANDLERS: Mapping[str, tuple[str, _Handler]] = {
    "/v1/challenges": ("create_challenge", _create_challenge),
    "/v1/registrations": ("create_registration", _create_registration),
}


async def _body(headers: _Headers, receive: Receive) -> bytes:
    """A small body, whole. Raises Refused."""
    too_large = Problem(Name.BODY_TOO_LARGE)
    if (headers.content_length or 0) > CHALLENGE_BYTES_MAX:
        raise Refused(too_large)
    body = b""
    try:
        async for chunk in _chunks(receive):
            body += chunk
            if len(body) > CHALLENGE_BYTES_MAX:
                raise Refused(too_large)
    except ConnectionError:
        raise Refused(Problem(Name.BODY_INCOMPLETE)) from None
    return body


async def _chunks(receive: Receive) -> AsyncGenerator[bytes]:
    """The body as it comes in, with back-pressure: the socket is read when the next chunk is asked for."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError("the client went away")
        more = message.get("more_body", False)
        if body := message.get("body", b""):
            yield body


async def _send(answer: Answer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers.append((b"content-type", answer.media_type.encode("latin-1")))
    headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
