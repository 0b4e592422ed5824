"""Pure: what callers send and get, as structs. The OpenAPI document is made from these same structs."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from realname.ids import is_registration_id
from realname.messages import Action, Consent, Digest, Id, Instant, Name, Path, PortraitSource, Purpose, Verdict
from realname.reasons import Reason
from realname.statuses import Step
from services.intake.auth import Caller
from services.intake.problem_names import Name as ProblemName
from services.intake.problems import Problem

PersonToken = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=128,
        description="Your own opaque token of the person, never a document number; only its keyed digest goes on.",
    ),
]
Token = Annotated[str, Meta(min_length=20, max_length=2000)]


class ChallengeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for a challenge. It is good for one registration of this store, terminal and person."""

    store: Name
    terminal: Name
    person_token: PersonToken
    path: Annotated[Path, Meta(description="`referee`: for those who cannot or will not use their face; no media")] = "face"
    cues: Annotated[bool, Meta(description="True: the actions are released one by one at random times, as a stream")] = False
    lifetime_s: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Seconds that it may be used; may be asked shorter than the usual, never longer"),
    ] = None


class ChallengeIssued(Struct, frozen=True):
    """A challenge: show `actions` in this order, record, then send `challenge` back with the recording.

    With cues: record from now on, follow the stream at `cues`, show each action when it comes, announce the clip's digest.
    """

    id: Annotated[Id, Meta(description="Also the id of the registration that uses it")]
    challenge: Annotated[str, Meta(description="The signed challenge, to be sent back unchanged")]
    path: Path
    actions: Annotated[
        tuple[Action, ...], Meta(description="In this order; left and right are the customer's own; none with cues")
    ]
    issued_at: Instant
    expires_at: Instant
    cues: Annotated[str | None, Meta(description="Where the actions are released, each at its time; none without cues")] = None


class CueClock(Struct, frozen=True):
    """The first event, `clock`: lay your recorder's clock on ours. All times of cues are seconds from issued_at."""

    issued_at: Instant
    now: Annotated[Instant, Meta(description="Our clock, when this was sent")]
    now_s: Annotated[float, Meta(description="The same in seconds from issued_at")]


class Cue(Struct, frozen=True):
    """An event `cue`: show this action now. One that came late, or again on a second stream, says when it was due."""

    index: Annotated[int, Meta(ge=0, description="0 for the first")]
    action: Action
    at_s: Annotated[float, Meta(description="When it was released, seconds from issued_at")]


class CuesEnd(Struct, frozen=True):
    """The last event, `end`, with the last cue: let the customer do it, end the recording, announce its digest."""

    digest_until_s: Annotated[float, Meta(description="Until when the digest is taken, seconds from issued_at")]


class DigestRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Announce the clip's digest, before the clip itself has to be here."""

    challenge: Annotated[Token, Meta(description="As issued")]
    clip_sha256: Annotated[Digest, Meta(description="SHA-256 of the clip's bytes as they will be sent, 64 hex characters")]
    clip_started_at_s: Annotated[
        float, Meta(ge=-3600, le=3600, description="When its first frame was taken, seconds from issued_at by the `clock` event")
    ]


class DigestTaken(Struct, frozen=True):
    """The receipt for a digest: to be sent back with the registration, unchanged."""

    digest_receipt: str
    digest_at_s: Annotated[float, Meta(description="When the digest came, seconds from issued_at")]


class RegistrationRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The `request` part of a registration (JSON). Beside it: `portrait` and `clip`, unless the path is `referee`."""

    challenge: Annotated[Token, Meta(description="As issued")]
    store: Name
    terminal: Name
    person_token: PersonToken
    purpose: Purpose
    lines_held: Annotated[int, Meta(ge=0, le=10_000, description="Lines at this person's document number, as you know them")]
    path: Path = "face"
    consent: Annotated[Consent | None, Meta(description="Required on the face path")] = None
    portrait_source: Annotated[PortraitSource | None, Meta(description="Required on the face path")] = None
    previous: Annotated[Id | None, Meta(description="The id of the attempt that this one repeats")] = None
    # Unset, not None: a request without it has the same fingerprint as before there were receipts.
    digest_receipt: Annotated[Token | UnsetType, Meta(description="Required with cues: as the announced digest got it")] = UNSET


class Accepted(Struct, frozen=True):
    """The 202 answer. The same request again gets the same answer."""

    id: Id
    status: Annotated[str, Meta(description="Where the status is; `/events` below it streams the changes")]


class StatusAnswer(Struct, frozen=True, omit_defaults=True):
    """Where a registration stands. verdict and reasons once it is decided; reasons: the decisive one first."""

    id: Id
    step: Step
    at: Instant
    verdict: Verdict | None = None
    reasons: tuple[Reason, ...] = ()


def cues_path(challenge_id: str) -> str:
    """Where the cues of a challenge are."""
    return f"/v1/challenges/{challenge_id}/cues"


def accepted(registration_id: str) -> Accepted:
    """The one answer for an id."""
    return Accepted(id=registration_id, status=f"/v1/registrations/{registration_id}")


_T = TypeVar("_T", ChallengeRequest, DigestRequest, RegistrationRequest)
_UNKNOWN = re.compile(r"unknown field `(?P<field>.*?)`")
_MISSING = re.compile(r"missing required field `(?P<field>.*?)`")
_PATH = re.compile(r" - at `\$\.?(?P<path>.*?)`$")


def read_json(body: bytes | bytearray, kind: type[_T]) -> _T | Problem:
    """A request out of JSON; else the problem, naming the field with its path. No value is ever quoted."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        return _problem_of(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Problem(ProblemName.BODY_MALFORMED)


def _problem_of(message: str) -> Problem:
    """A message of msgspec -> problem. Its texts are stable within the pinned minor version (tested)."""
    at = _PATH.search(message)
    parent = at["path"] if at else ""
    for pattern, name in ((_UNKNOWN, ProblemName.FIELD_UNKNOWN), (_MISSING, ProblemName.FIELD_MISSING)):
        if found := pattern.search(message):
            return Problem(name, field=f"{parent}.{found['field']}" if parent else found["field"])
    return Problem(ProblemName.FIELD_INVALID, field=parent) if parent else Problem(ProblemName.BODY_MALFORMED)


def check_complete(request: RegistrationRequest) -> Problem | None:
    """What a path requires beyond the fields' own rules."""
    if request.previous is not None and not is_registration_id(request.previous):
        return Problem(ProblemName.FIELD_INVALID, field="previous")
    if request.path == "referee":
        return None
    if request.consent is None:
        return Problem(ProblemName.CONSENT_MISSING, field="consent")
    if request.portrait_source is None:
        return Problem(ProblemName.FIELD_MISSING, field="portrait_source")
    return None


def check_store(caller: Caller, store: str) -> Problem | None:
    """A store's token speaks for that store alone."""
    return None if caller.may_use(store) else Problem(ProblemName.STORE_NOT_ALLOWED, field="store")
