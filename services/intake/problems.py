"""Pure: what can be wrong with a request. A closed list; each is an RFC 9457 problem document that says what to do."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, TypeVar

from msgspec import Meta, Struct

from realname.reasons import Language
from services.intake.problem_names import Name
from services.intake.problem_texts import TABLE

MEDIA_TYPE = "application/problem+json"
FIELD_CHARS_MAX = 60  # a name that the caller sent is repeated no longer than this


class Problem(NamedTuple):
    """What is wrong. field: a part, JSON field or parameter, by its name; never a value."""

    name: Name
    field: str | None = None
    retry_after_s: int | None = None


class ProblemDocument(Struct, frozen=True, omit_defaults=True):
    """An RFC 9457 problem document: `type` for programs, `title` for a log, `detail` for the person who must act."""

    type: Annotated[str, Meta(description="urn:realname:problem:<name>")]
    title: Annotated[str, Meta(description="What is wrong, in English or Chinese (Accept-Language)")]
    status: Annotated[int, Meta(description="The HTTP status, again")]
    detail: Annotated[str, Meta(description="What to do about it")]
    field: Annotated[str | None, Meta(description="The part, field or parameter at fault, by its name")] = None
    retry_after_s: Annotated[int | None, Meta(description="Seconds to wait before asking again")] = None


class Refused(Exception):
    """A request ends here, with a problem. Raised by `insist` alone, answered at the edge."""

    def __init__(self, problem: Problem) -> None:
        """problem: what to answer."""
        super().__init__(problem.name.value)
        self.problem = problem


_T = TypeVar("_T")


def insist(found: _T | Problem) -> _T:
    """The value, or Refused with the problem that stands in its place. So a walk reads straight on."""
    if isinstance(found, Problem):
        raise Refused(found)
    return found


def document(problem: Problem, language: Language) -> ProblemDocument:
    """The document to send."""
    row = TABLE[problem.name]
    text = row.zh if language == "zh" else row.en
    return ProblemDocument(
        type=f"urn:realname:problem:{problem.name.value}",
        title=text.title,
        status=row.status,
        detail=text.todo,
        field=problem.field[:FIELD_CHARS_MAX] if problem.field else None,
        retry_after_s=problem.retry_after_s,
    )


def headers(problem: Problem) -> dict[str, str]:
    """The headers that belong to it beside the body's own."""
    found = {"cache-control": "no-store"}
    if problem.retry_after_s is not None:
        found["retry-after"] = str(problem.retry_after_s)
    if TABLE[problem.name].status == 401:  # noqa: PLR2004 - HTTP's own number
        found["www-authenticate"] = 'Bearer realm="realname-intake"'
    return found


def language_of(accept_language: str | None) -> Language:
    """The first of zh and en that the header names, else en. The order of the header decides; weights only exclude (q=0)."""
    for entry in (accept_language or "").lower().split(","):
        tag, _, weight = entry.strip().partition(";")
        if weight.replace(" ", "") in {"q=0", "q=0.0"}:
            continue
        primary = tag.split("-")[0]
        if primary in _LANGUAGES:
            return _LANGUAGES[primary]
    return "en"


_LANGUAGES: dict[str, Literal["zh", "en"]] = {"zh": "zh", "en": "en"}
