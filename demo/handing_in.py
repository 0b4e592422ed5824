"""Hands one case in as a store system would, and says what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec import UNSET, Struct

from demo.cases import Act, Case, Decided, Refused
from demo.cued import NothingFits, film
from realname.clock import monotonic
from realname.messages import Consent
from services.cli.client import IntakeClient, ProblemAnswered, Upload, upload_of
from services.intake.requests import ChallengeIssued, ChallengeRequest, RegistrationRequest, StatusAnswer

STORE, TERMINAL = "demo-store", "demo-till"
CHALLENGES_MAX = 200  # one in four fits a cut: this many never run out by chance
DECIDED_WITHIN_S = 120
_EXPIRES_AFTER_S = 1

Moved = Callable[[str], None]  # told each step as it is seen


class Seen(Struct, frozen=True):
    """What came of one case. outcome: comparable with what was expected."""

    outcome: Decided | Refused
    registration_id: str
    seconds: float
    reasons: tuple[str, ...] = ()


class _Visit(NamedTuple):
    """A challenge and the clip made for it. receipt: of the clip's digest, with cues."""

    challenge: ChallengeIssued
    clip: bytes | None
    receipt: str | None = None


class DemoFailed(Exception):
    """The demo itself went wrong: not an outcome of a registration."""


def hand_in(case: Case, client: IntakeClient, media: Path, moved: Moved) -> Seen:
    """The whole course of one case. Raises DemoFailed where no outcome comes."""
    moved("making media")
    portrait = case.portrait(media) if case.portrait else None
    person = f"demo-{case.name}-person"
    visit = _cued(case, client, person, media, moved) if case.filmed else _uncued(case, client, person, media, moved)
    challenge, clip = visit.challenge, visit.clip
    upload = upload_of(_request(case, visit, person), portrait, clip)
    if case.act is Act.LATE:
        _wait_until_expired(challenge)
    began_at = monotonic()
    try:
        accepted = client.register(upload)
    except ProblemAnswered as problem:
        return Seen(Refused(problem.name), challenge.id, monotonic() - began_at)
    if case.act is Act.TWICE and client.register(upload) != accepted:
        raise DemoFailed("the same request again got another answer")
    refused = None
    if case.act is Act.OTHER_BODY:
        refused = _refusal(client, _other_body(case, visit, person, portrait))
    # also where a second body was refused: the first was accepted, and nothing is left behind in the air
    last = follow(client, accepted.id, moved)
    assert last.verdict is not None
    outcome = refused or Decided(last.verdict, last.reasons[0])
    return Seen(outcome, accepted.id, monotonic() - began_at, tuple(reason.value for reason in last.reasons))


def _uncued(case: Case, client: IntakeClient, person: str, media: Path, moved: Moved) -> _Visit:
    clip = case.clip(media) if case.clip else None
    moved("asking")
    return _Visit(fitting_challenge(case, client, person), clip)


def _cued(case: Case, client: IntakeClient, person: str, media: Path, moved: Moved) -> _Visit:
    assert case.filmed is not None
    try:
        cued = film(case.filmed, client, _asked(case, person), media, moved)
    except NothingFits as nothing:
        raise DemoFailed(str(nothing)) from None
    return _Visit(cued.issued, cued.clip, cued.taken.digest_receipt)


def fitting_challenge(case: Case, client: IntakeClient, person: str) -> ChallengeIssued:
    """Ask until the actions are ones that the case wants: the development policy sets no limit on asking."""
    request = _asked(case, person)
    for _ in range(CHALLENGES_MAX):
        challenge = client.challenge(request)
        if not case.shows or challenge.actions in case.shows:
            return challenge
    raise DemoFailed(f"no challenge of {CHALLENGES_MAX} asks for what the cut of {case.name} shows")


def follow(client: IntakeClient, registration_id: str, moved: Moved) -> StatusAnswer:
    """Until it is decided; a stream that is cut is taken up again."""
    for status in client.follow_on(registration_id, within_s=DECIDED_WITHIN_S):
        moved(status.step)
        if status.step == "decided":
            return status
    raise DemoFailed(f"{registration_id} was not decided within {DECIDED_WITHIN_S} s")


def _asked(case: Case, person: str) -> ChallengeRequest:
    lifetime_s = _EXPIRES_AFTER_S if case.act is Act.LATE else None
    return ChallengeRequest(store=STORE, terminal=TERMINAL, person_token=person, path=case.path, lifetime_s=lifetime_s)


def _request(case: Case, visit: _Visit, person: str) -> RegistrationRequest:
    face = case.path == "face"
    now = datetime.now(UTC)
    return RegistrationRequest(
        challenge=visit.challenge.challenge,
        store=STORE,
        terminal=TERMINAL,
        person_token=person,
        purpose="mobile",
        lines_held=0,
        path=case.path,
        consent=Consent(reference="demo", given_at=now, text_version="demo-1", language="en") if face else None,
        portrait_source="document_photo" if face else None,
        digest_receipt=visit.receipt if visit.receipt is not None else UNSET,
    )


def _other_body(case: Case, visit: _Visit, person: str, portrait: bytes | None) -> Upload:
    """The same request with portrait and clip of which one byte at the end differs."""
    assert visit.clip is not None
    return upload_of(_request(case, visit, person), portrait, visit.clip + b"\0")


def _refusal(client: IntakeClient, upload: Upload) -> Refused | None:
    try:
        client.register(upload)
    except ProblemAnswered as problem:
        return Refused(problem.name)
    return None


def _wait_until_expired(challenge: ChallengeIssued) -> None:
    while datetime.now(UTC) <= challenge.expires_at:
        time.sleep(0.05)
