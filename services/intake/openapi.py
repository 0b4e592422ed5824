"""Pure: the OpenAPI 3.1 document, out of the same structs that decode the requests and encode the answers."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from services.intake.problem_names import Name
from services.intake.problem_texts import TABLE
from services.intake.problems import MEDIA_TYPE, ProblemDocument
from services.intake.requests import (
    Accepted,
    ChallengeIssued,
    ChallengeRequest,
    Cue,
    CueClock,
    CuesEnd,
    DigestRequest,
    DigestTaken,
    RegistrationRequest,
    StatusAnswer,
)
from services.intake.upload import Limits

_CUED = (CueClock, Cue, CuesEnd, DigestRequest, DigestTaken)
_STRUCTS = (ChallengeRequest, ChallengeIssued, *_CUED, RegistrationRequest, Accepted, StatusAnswer, ProblemDocument)
_JSON = "application/json"
_AUTH = (Name.TOKEN_MISSING, Name.TOKEN_INVALID, Name.TOKEN_EXPIRED)
_BODY = (Name.BODY_MALFORMED, Name.BODY_TOO_LARGE, Name.BODY_INCOMPLETE)
_FIELDS = (Name.FIELD_UNKNOWN, Name.FIELD_MISSING, Name.FIELD_INVALID, *_BODY)
_RATE = (Name.RATE_LIMITED, Name.BACKLOG_SHARE_USED)
_READ = (*_AUTH, Name.REGISTRATION_UNKNOWN, Name.LEDGER_UNAVAILABLE, Name.TOO_MANY_WAITING)
_CHALLENGE = (
    *_AUTH,
    Name.STORE_NOT_ALLOWED,
    Name.CHALLENGE_INVALID,
    Name.CHALLENGE_MISMATCH,
    Name.CHALLENGE_EXPIRED,
    Name.CHALLENGE_WITHOUT_CUES,
)
_REGISTER = (
    *_AUTH,
    *_RATE,
    *_FIELDS,
    Name.STORE_NOT_ALLOWED,
    Name.MEDIA_TYPE_UNSUPPORTED,
    Name.BODY_TOO_SLOW,
    Name.PART_UNKNOWN,
    Name.PART_MISSING,
    Name.PART_DUPLICATE,
    Name.PORTRAIT_NOT_AN_IMAGE,
    Name.CLIP_NOT_A_VIDEO,
    Name.CONSENT_MISSING,
    Name.CHALLENGE_INVALID,
    Name.CHALLENGE_MISMATCH,
    Name.CHALLENGE_EXPIRED,
    Name.CHALLENGE_WITHOUT_CUES,
    Name.RECEIPT_MISSING,
    Name.RECEIPT_INVALID,
    Name.CLIP_NOT_AS_ANNOUNCED,
    Name.ID_ALREADY_USED,
    Name.REGISTRATION_IN_PROGRESS,
    Name.TOO_MANY_UPLOADS,
    Name.LEDGER_UNAVAILABLE,
    Name.PUBLISH_DOUBTFUL,
    Name.VAULT_FULL,
    Name.VAULT_UNAVAILABLE,
)


class Operation(NamedTuple):
    """One operation. body, answer: OpenAPI content objects; problems: all that it may answer."""

    method: str
    path: str
    summary: str
    text: str
    status: int
    answer: dict[str, Any]
    problems: tuple[Name, ...]
    body: dict[str, Any] | None = None
    parameters: tuple[dict[str, Any], ...] = ()


def build_document(version: str, limits: Limits, wait_s_max: int) -> dict[str, Any]:
    """The whole document. limits and wait_s_max: as the settings have them."""
    _, schemas = msgspec.json.schema_components(_STRUCTS, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations(limits, wait_s_max):
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "realname intake",
            "version": version,
            "description": "Takes in face-checked registrations of phone and internet lines: ask for a challenge, record the "
            "customer doing its actions, send portrait and clip, follow the status. An answer of 202 means that the media is "
            "durable and the registration will be decided exactly once. Every 503 may be repeated unchanged.",
        },
        "security": [{"caller": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"caller": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT (EdDSA)"}},
            "schemas": schemas,
        },
    }


def operations(limits: Limits, wait_s_max: int) -> tuple[Operation, ...]:
    """Every operation for callers, in the order of a registration."""
    identity = _parameter("registration_id", "path", "The id of the 202 answer", {"type": "string"})
    return (
        _ask_challenge(),
        _follow_cues(),
        _announce(),
        _hand_in(limits),
        _read_status(identity, wait_s_max),
        _follow_status(identity),
    )


def _ask_challenge() -> Operation:
    return Operation(
        "post",
        "/v1/challenges",
        "Ask for a challenge",
        "Two or three actions in random order, always a blink and a turn. Good for one registration of this store, terminal "
        "and person, until it expires. Its id is the registration's id. With `cues` the actions are not in the answer: they "
        "come one by one, at random times, from `GET /v1/challenges/{challenge_id}/cues`.",
        201,
        _content(_JSON, "ChallengeIssued"),
        (*_AUTH, *_RATE, *_FIELDS, Name.STORE_NOT_ALLOWED),
        body=_content(_JSON, "ChallengeRequest"),
    )


_CHALLENGE_ID = {"type": "string"}


def _follow_cues() -> Operation:
    identity = _parameter("challenge_id", "path", "The challenge's id", _CHALLENGE_ID)
    token = _parameter("realname-challenge", "header", "The challenge, as issued", {"type": "string"})
    return Operation(
        "get",
        "/v1/challenges/{challenge_id}/cues",
        "Follow the cues",
        "Server-sent events: `clock` at once (a CueClock), a `cue` (a Cue) whenever an action is to be shown, and `end` (a "
        "CuesEnd) with the last one. Times are fixed when the challenge is issued: opening the stream early or twice shows "
        "nothing before its time, opening it late shows at once what was due. The clip must begin before the first cue, at "
        "least 1 s after the issue.",
        200,
        {"text/event-stream": {"schema": {"type": "string"}}},
        (*_CHALLENGE, Name.TOO_MANY_WAITING),
        parameters=(identity, token | {"required": True}),
    )


def _announce() -> Operation:
    return Operation(
        "post",
        "/v1/challenges/{challenge_id}/digest",
        "Announce the clip's digest",
        "At once after the recording, and within seconds of the last cue (`digest_until_s` of the `end` event); the clip "
        "itself may follow later. The receipt goes into the registration's `digest_receipt`. Repeating it is safe.",
        201,
        _content(_JSON, "DigestTaken"),
        (*_CHALLENGE, *_FIELDS, Name.DIGEST_EARLY, Name.DIGEST_LATE, Name.CLIP_START_WRONG),
        body=_content(_JSON, "DigestRequest"),
        parameters=(_parameter("challenge_id", "path", "The challenge's id", _CHALLENGE_ID),),
    )


def _hand_in(limits: Limits) -> Operation:
    return Operation(
        "post",
        "/v1/registrations",
        "Hand in a registration",
        f"Parts: `request` (JSON, at most {limits.request} bytes), `portrait` (JPEG, PNG or WebP, at most {limits.portrait} "
        f"bytes) and `clip` (MP4 or WebM, at most {limits.clip} bytes), each once, in any order; on the `referee` path "
        "`request` alone. The same request again gets the same answer; another body under a used challenge is refused.",
        202,
        _content(_JSON, "Accepted"),
        _REGISTER,
        body={"multipart/form-data": {"schema": _multipart()}},
    )


def _read_status(identity: dict[str, Any], wait_s_max: int) -> Operation:
    wait = _parameter(
        "wait_s", "query", f"Seconds to wait for the decision, 0 to {wait_s_max}", {"type": "integer", "minimum": 0}
    )
    return Operation(
        "get",
        "/v1/registrations/{registration_id}",
        "Read the status",
        "With `wait_s` the answer comes when the registration is decided, or when the time is up.",
        200,
        _content(_JSON, "StatusAnswer"),
        (*_READ, Name.FIELD_INVALID),
        parameters=(identity, wait),
    )


def _follow_status(identity: dict[str, Any]) -> Operation:
    seen = _parameter("Last-Event-ID", "header", "The last event seen; EventSource sends it by itself", {"type": "string"})
    return Operation(
        "get",
        "/v1/registrations/{registration_id}/events",
        "Follow the status",
        "Server-sent events `status`, each a StatusAnswer; the stream ends with the decision.",
        200,
        {"text/event-stream": {"schema": {"type": "string"}}},
        _READ,
        parameters=(identity, seen),
    )


def _operation(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {str(operation.status): {"description": "Done", "content": operation.answer}}
    for status in sorted({TABLE[name].status for name in operation.problems}):
        names = [name.value for name in operation.problems if TABLE[name].status == status]
        responses[str(status)] = {"description": ", ".join(names), "content": _content(MEDIA_TYPE, "ProblemDocument")}
    described: dict[str, Any] = {"summary": operation.summary, "description": operation.text, "responses": responses}
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": operation.body}
    if operation.parameters:
        described["parameters"] = list(operation.parameters)
    return described


def _multipart() -> dict[str, Any]:
    binary = {"type": "string", "format": "binary"}
    return {
        "type": "object",
        "required": ["request"],
        "properties": {"request": {"$ref": "#/components/schemas/RegistrationRequest"}, "portrait": binary, "clip": binary},
    }


def _content(media_type: str, name: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _parameter(name: str, where: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "description": text, "schema": schema}
