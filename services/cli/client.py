"""Talks to intake as a store system would: a signed token, multipart uploads, Server-Sent Events."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from realname.clock import monotonic
from realname.errors import RealnameError
from realname.media import sniff_clip, sniff_image
from services.intake.auth import CallerKey, issue_token
from services.intake.problems import ProblemDocument
from services.intake.requests import (
    Accepted,
    ChallengeIssued,
    ChallengeRequest,
    DigestRequest,
    DigestTaken,
    RegistrationRequest,
    StatusAnswer,
)

Progress = Callable[[int, int], None]  # bytes sent, bytes in all

_CONNECT_S = 5.0
_ANSWER_S = 60.0
_AGAIN_S = 0.5  # before a cut stream is asked for again
_CHUNK_BYTES = 64 * 1024
_HEAD_BYTES = 32  # enough to tell media types apart
_UNKNOWN_TYPE = "application/octet-stream"


class ProblemAnswered(RealnameError):
    """Intake refused: its problem document says why and what to do."""

    def __init__(self, document: ProblemDocument) -> None:
        """document: as answered."""
        where = f" ({document.field})" if document.field else ""
        super().__init__(f"{document.title}{where}. {document.detail}")
        self.document = document

    @property
    def name(self) -> str:
        """The problem's name."""
        return self.document.type.rpartition(":")[2]


class IntakeAway(RealnameError):
    """Intake does not answer at this address. See `realname status`."""


class Upload(NamedTuple):
    """A multipart body, the same bytes each time that it is sent."""

    body: bytes
    content_type: str


class Event(NamedTuple):
    """A server-sent event. body: its data, JSON."""

    name: str
    body: bytes


class IntakeClient:
    """One operator's calls. Raises ProblemAnswered and IntakeAway."""

    def __init__(self, url: str, token: str) -> None:
        """url: of intake; token: of a store system of the operator."""
        self._http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S)
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def challenge(self, request: ChallengeRequest) -> ChallengeIssued:
        """Ask for a challenge."""
        answer = self._call("POST", "/v1/challenges", content=msgspec.json.encode(request), headers=_JSON)
        return msgspec.json.decode(answer.content, type=ChallengeIssued)

    def cues(self, issued: ChallengeIssued) -> Iterator[Event]:
        """The events of its stream: `clock`, each `cue`, `end`. Ends early where the stream is cut: open it again."""
        name = ""
        for line in self._lines(f"/v1/challenges/{issued.id}/cues", {"realname-challenge": issued.challenge}):
            if line.startswith("event:"):
                name = _value(line).decode()
            if line.startswith("data:"):
                yield Event(name, _value(line))

    def announce(self, challenge_id: str, request: DigestRequest) -> DigestTaken:
        """Announce a clip's digest; repeating it within its seconds is safe."""
        body = msgspec.json.encode(request)
        answer = self._call("POST", f"/v1/challenges/{challenge_id}/digest", content=body, headers=_JSON)
        return msgspec.json.decode(answer.content, type=DigestTaken)

    def register(self, upload: Upload, progress: Progress | None = None) -> Accepted:
        """Hand a registration in; repeating the same upload is always safe."""
        answer = self._call(
            "POST",
            "/v1/registrations",
            content=_chunks(upload.body, progress),
            headers={"content-type": upload.content_type, "content-length": str(len(upload.body))},
        )
        return msgspec.json.decode(answer.content, type=Accepted)

    def status(self, registration_id: str, *, wait_s: int = 0) -> StatusAnswer:
        """Where it stands; with wait_s, after its next change or that long."""
        answer = self._call("GET", f"/v1/registrations/{registration_id}", params={"wait_s": wait_s})
        return msgspec.json.decode(answer.content, type=StatusAnswer)

    def follow(self, registration_id: str, *, within_s: float = math.inf) -> Iterator[StatusAnswer]:
        """Each status as it comes, the decision last. Ends early where the stream is cut: ask again.

        within_s: it ends then, at the next line; intake sends one each 15 s at least.
        """
        deadline_s = monotonic() + within_s
        for line in self._lines(f"/v1/registrations/{registration_id}/events"):
            if monotonic() > deadline_s:
                return
            if line.startswith("data:"):
                yield msgspec.json.decode(_value(line), type=StatusAnswer)

    def follow_on(self, registration_id: str, *, within_s: float) -> Iterator[StatusAnswer]:
        """As follow, asking again after each cut, also while intake is away: until it is decided, or within_s is over."""
        deadline_s = monotonic() + within_s
        while (left_s := deadline_s - monotonic()) > 0:
            for status in self.follow(registration_id, within_s=left_s):
                yield status
                if status.step == "decided":
                    return
            time.sleep(min(_AGAIN_S, max(0.0, deadline_s - monotonic())))

    def _lines(self, path: str, headers: dict[str, str] | None = None) -> Iterator[str]:
        """The lines of a stream; ends where it is cut. Raises ProblemAnswered where it is refused."""
        try:
            with self._http.stream("GET", path, headers=headers) as answer:
                if not answer.is_success:
                    answer.read()
                    raise ProblemAnswered(_problem(answer))
                yield from answer.iter_lines()
        except httpx.TransportError:
            return

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise IntakeAway(
                f"no answer from intake at {self._http.base_url} ({type(error).__name__}): `realname status`"
            ) from None
        if answer.is_success:
            return answer
        raise ProblemAnswered(_problem(answer))


_JSON = {"content-type": "application/json"}


def upload_of(request: RegistrationRequest, portrait: bytes | None, clip: bytes | None) -> Upload:
    """A registration as multipart/form-data. The media types are told from the bytes, as intake does."""
    parts: list[tuple[str, tuple[str | None, bytes, str]]] = [
        ("request", (None, msgspec.json.encode(request), "application/json"))
    ]
    if portrait is not None:
        parts.append(("portrait", ("portrait", portrait, sniff_image(portrait[:_HEAD_BYTES]) or _UNKNOWN_TYPE)))
    if clip is not None:
        parts.append(("clip", ("clip", clip, sniff_clip(clip[:_HEAD_BYTES]) or _UNKNOWN_TYPE)))
    built = httpx.Request("POST", "http://127.0.0.1/", files=parts)
    return Upload(built.read(), built.headers["content-type"])


def development_token(keys: Path, operator: str) -> str:
    """A token signed with the operator's development key. Raises RealnameError where there is none."""
    path = keys / f"{operator}.caller.jwk.json"
    try:
        key = msgspec.json.decode(path.read_bytes(), type=CallerKey)
    except FileNotFoundError:
        raise RealnameError(
            f"no development key of {operator!r} in {keys}: `realname up` makes them; or set REALNAME_TOKEN"
        ) from None
    return issue_token(key, now=datetime.now(UTC), subject="command-line")


def _chunks(body: bytes, progress: Progress | None) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK_BYTES):
        chunk = body[start : start + _CHUNK_BYTES]
        yield chunk
        if progress is not None:
            progress(start + len(chunk), len(body))


def _value(line: str) -> bytes:
    """What stands behind the first colon of a line of a stream."""
    return line.partition(":")[2].strip().encode()


def _problem(answer: httpx.Response) -> ProblemDocument:
    try:
        return msgspec.json.decode(answer.content, type=ProblemDocument)
    except msgspec.MsgspecError:
        return ProblemDocument(
            type="urn:realname:problem:internal_error",
            title=f"HTTP {answer.status_code} without a problem document",
            status=answer.status_code,
            detail="Something between you and intake answered: check the address.",
        )
