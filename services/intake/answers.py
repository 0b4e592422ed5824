"""An answer before any library has it. Whatever way a request came (routes.py, short_way.py), its answer is made here."""

from __future__ import annotations

import logging
from typing import NamedTuple

import msgspec

from services.intake import problems
from services.intake.problem_names import Name
from services.intake.problems import Problem

_log = logging.getLogger(__name__)
_JSON = "application/json"


class Answer(NamedTuple):
    """outcome: as metrics name it, "ok" or the problem's name."""

    status: int
    media_type: str
    headers: dict[str, str]
    body: bytes
    outcome: str = "ok"


def done(value: msgspec.Struct, status: int, *, location: str | None = None) -> Answer:
    """What was asked for."""
    headers = {"cache-control": "no-store"} | ({"location": location} if location else {})
    return Answer(status, _JSON, headers, msgspec.json.encode(value))


def refused(problem: Problem, accept_language: str | None) -> Answer:
    """The problem's document."""
    document = problems.document(problem, problems.language_of(accept_language))
    body = msgspec.json.encode(document)
    return Answer(document.status, problems.MEDIA_TYPE, problems.headers(problem), body, problem.name.value)


def failed(error: Exception, accept_language: str | None) -> Answer:
    """A bug. The log gets its class and place, the caller nothing of it."""
    _log.error("request failed", exc_info=error)
    return refused(Problem(Name.INTERNAL_ERROR), accept_language)
