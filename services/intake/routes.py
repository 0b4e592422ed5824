"""The routes: from HTTP to intake's work and back. No rule stands here.

The two that every registration comes by, create_challenge and create_registration, are answered by short_way.py before
Litestar sees them, unless their path is spelt in another way.

To come, each in a module beside registering.py: `DELETE .../evidence`, objections, visits; their routes go into ROUTES.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import InternalServerException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from realname.envelope import traceparent_of
from realname.health import Check
from realname.metrics import Metrics
from realname.statuses import RANK
from services.intake.answers import Answer, done
from services.intake.auth import Callers
from services.intake.cueing import Cueing
from services.intake.issuing import Issuing
from services.intake.pages import Page
from services.intake.problem_names import Name
from services.intake.problems import Problem, Refused, insist
from services.intake.registering import Call, Registering
from services.intake.status import Statuses, answer_of

AnyRequest = Request[Any, Any, Any]
CHALLENGE_BYTES_MAX = 4096
CHALLENGE_HEADER = "realname-challenge"
_METRICS = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
_TEXT = "text/plain"  # Litestar adds the charset to text


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with. ready: a word for what is missing, or None; wait_s_max: of a long poll; pages: by path."""

    issuing: Issuing
    cueing: Cueing
    registering: Registering
    statuses: Statuses
    callers: Callers
    metrics: Metrics
    ready: Check
    wait_s_max: int
    pages: dict[str, Page]


@post("/v1/challenges", name="create_challenge", status_code=201, request_max_body_size=CHALLENGE_BYTES_MAX)
async def create_challenge(request: AnyRequest) -> Response[bytes]:
    """Issue a challenge."""
    body = await _body(request)
    issued = await _desk(request).issuing.create_challenge(request.headers.get("authorization"), body)
    return response_of(done(issued, 201))


@get("/v1/challenges/{challenge_id:str}/cues", name="follow_cues")
async def follow_cues(request: AnyRequest, challenge_id: FromPath[str]) -> Response[Any]:
    """Server-sent events, each cue at its time. The token is a header: addresses end up in logs."""
    authorization, token = request.headers.get("authorization"), request.headers.get(CHALLENGE_HEADER)
    return _events(await _desk(request).cueing.follow_cues(authorization, challenge_id, token))


@post("/v1/challenges/{challenge_id:str}/digest", name="take_digest", request_max_body_size=CHALLENGE_BYTES_MAX)
async def take_digest(request: AnyRequest, challenge_id: FromPath[str]) -> Response[bytes]:
    """Take the digest of a clip whose cues have all been shown."""
    body = await _body(request)
    taken = await _desk(request).cueing.take_digest(request.headers.get("authorization"), challenge_id, body)
    return response_of(done(taken, 201))


@post("/v1/registrations", name="create_registration", status_code=202, request_max_body_size=None)
async def create_registration(request: AnyRequest) -> Response[bytes]:
    """Take a registration in."""
    call = Call(
        authorization=request.headers.get("authorization"),
        content_type=request.headers.get("content-type"),
        content_length=request.content_length,
        traceparent=traceparent_of(request.headers.get("traceparent")),
        body=_chunks(request),
    )
    taken = await _desk(request).registering.create_registration(call)
    return response_of(done(taken, 202, location=taken.status))


@get("/v1/registrations/{registration_id:str}", name="read_registration")
async def read_registration(request: AnyRequest, registration_id: FromPath[str]) -> Response[bytes]:
    """Where it stands; with ?wait_s=, once it is decided or the time is up."""
    desk = _desk(request)
    caller = insist(desk.callers.authenticate(request.headers.get("authorization"), desk.registering.clock()))
    wait_s = _wait_s(request.query_params.get("wait_s", "0"), desk.wait_s_max)
    status = insist(await desk.statuses.wait_decided(caller, registration_id, wait_s))
    return response_of(done(answer_of(status), 200))


@get("/v1/registrations/{registration_id:str}/events", name="follow_registration")
async def follow_registration(request: AnyRequest, registration_id: FromPath[str]) -> Response[Any]:
    """Server-sent events until it is decided. Who has seen the decision gets 204: an EventSource then stops asking."""
    desk = _desk(request)
    caller = insist(desk.callers.authenticate(request.headers.get("authorization"), desk.registering.clock()))
    seen = request.headers.get("last-event-id", "0")
    seen_rank = int(seen) if seen.isdecimal() and len(seen) == 1 else 0
    events = insist(await desk.statuses.events(caller, registration_id, seen_rank))
    if seen_rank >= RANK["decided"]:
        return Response(None, status_code=204, headers={"cache-control": "no-store"})
    return _events(events)


@get("/healthz", name="healthz")
async def healthz() -> Response[bytes]:
    """Alive: the loop turns, or nobody would read this."""
    return Response(b"ok\n", media_type=_TEXT)


@get("/readyz", name="readyz")
async def readyz(request: AnyRequest) -> Response[bytes]:
    """Ready: a registration would be taken in."""
    missing = _desk(request).ready()
    return Response((missing or "ok").encode() + b"\n", status_code=503 if missing else 200, media_type=_TEXT)


@get("/metrics", name="metrics")
async def metrics(request: AnyRequest) -> Response[bytes]:
    """For Prometheus."""
    return Response(generate_latest(_desk(request).metrics.registry), media_type=_METRICS)


@get(["/docs", "/docs/style.css", "/openapi.json"], name="docs")
async def docs(request: AnyRequest) -> Response[bytes]:
    """The OpenAPI document, and a page to read it."""
    page = _desk(request).pages[request.url.path]
    return Response(page.body, media_type=page.media_type, headers=page.headers)


ROUTES: tuple[HTTPRouteHandler, ...] = (
    create_challenge,
    follow_cues,
    take_digest,
    create_registration,
    read_registration,
    follow_registration,
    healthz,
    readyz,
    metrics,
    docs,
)


def response_of(answer: Answer) -> Response[bytes]:
    """An answer as Litestar sends it."""
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type, headers=answer.headers)


def _desk(request: AnyRequest) -> Desk:
    return request.app.state["desk"]


def _events(events: AsyncIterator[bytes]) -> Stream:
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(events, media_type="text/event-stream", headers=headers)


def _wait_s(text: str, wait_s_max: int) -> float:
    if not text.isdecimal() or len(text) > 4:  # noqa: PLR2004 - more digits than any wait
        raise Refused(Problem(Name.FIELD_INVALID, field="wait_s"))
    return min(int(text), wait_s_max)


async def _body(request: AnyRequest) -> bytes:
    """A small body, whole. Raises Refused where the client goes away: that is no fault of ours."""
    try:
        return await request.body()
    except InternalServerException:  # Litestar's word for it
        raise Refused(Problem(Name.BODY_INCOMPLETE)) from None


async def _chunks(request: AnyRequest) -> AsyncGenerator[bytes]:
    """The body as it comes in, with back-pressure: the socket is read when the next chunk is asked for."""
    try:
        async for chunk in request.stream():
            yield chunk
    except InternalServerException:  # Litestar's word for a client that went away
        raise ConnectionError from None
