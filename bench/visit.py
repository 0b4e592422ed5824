"""The one visit that the benchmarks of intake and of the load register, again and again."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from realname.messages import Consent
from services.intake.requests import ChallengeRequest, RegistrationRequest

STORE, TERMINAL, PERSON = "bench-store", "bench-till", "bench-person"
CHALLENGE_BODY = msgspec.json.encode(ChallengeRequest(store=STORE, terminal=TERMINAL, person_token=PERSON))


def request_body(challenge: str) -> bytes:
    """The `request` part of a registration, as JSON. challenge: its token."""
    return msgspec.json.encode(
        RegistrationRequest(
            challenge=challenge,
            store=STORE,
            terminal=TERMINAL,
            person_token=PERSON,
            purpose="mobile",
            lines_held=0,
            consent=Consent(reference="bench", given_at=datetime.now(UTC), text_version="1", language="en"),
            portrait_source="document_photo",
        )
    )
