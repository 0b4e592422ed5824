"""Pure: challenges. Which actions in which order, signed, for one store, terminal and person. Clock and randomness come in."""

from __future__ import annotations

import hashlib
import hmac
import random
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

import jwt
import msgspec
from msgspec import Meta, Struct

from realname import ids
from realname.messages import Action, Id, Path
from services.intake.problem_names import Name
from services.intake.problems import Problem

_ISSUER = "realname-challenge"
_ALGORITHM = "HS256"
_KEY_BYTES_MIN = 32
# Two or three actions, always a blink and a turn, never the same twice in a row: two blinks in a row can be one slow one.
SEQUENCES: tuple[tuple[Action, ...], ...] = (
    ("blink", "turn_left"),
    ("turn_left", "blink"),
    ("blink", "turn_right"),
    ("turn_right", "blink"),
    ("blink", "turn_left", "blink"),
    ("blink", "turn_right", "blink"),
    ("blink", "turn_left", "turn_right"),
    ("blink", "turn_right", "turn_left"),
    ("turn_left", "blink", "turn_right"),
    ("turn_right", "blink", "turn_left"),
    ("turn_left", "turn_right", "blink"),
    ("turn_right", "turn_left", "blink"),
)


class Keys(NamedTuple):
    """Two keys out of the one in challenge.key, so that neither use says anything about the other."""

    signing: bytes
    binding: bytes


class Purpose(NamedTuple):
    """What a challenge is issued for, and must be used for."""

    operator: str
    store: str
    terminal: str
    person_token: str
    path: Path


class Ticket(Struct, frozen=True):
    """A challenge's claims. jti: id of challenge and registration; person: a keyed digest; iat, exp: seconds since 1970."""

    jti: Id
    iss: Literal["realname-challenge"]
    operator: str
    store: str
    terminal: str
    person: str
    path: Path
    actions: Annotated[tuple[Action, ...], Meta(max_length=3)]
    iat: float
    exp: float

    @property
    def issued_at(self) -> datetime:
        """Aware, UTC."""
        return datetime.fromtimestamp(self.iat, tz=UTC)

    @property
    def expires_at(self) -> datetime:
        """Aware, UTC."""
        return datetime.fromtimestamp(self.exp, tz=UTC)

    def has_expired(self, now: datetime) -> bool:
        """Whether it may no longer be used for a new registration."""
        return now.timestamp() >= self.exp


def derive_keys(secret: bytes) -> Keys:
    """secret: the content of challenge.key, at least 32 bytes. Raises ValueError."""
    if len(secret) < _KEY_BYTES_MIN:
        raise ValueError(f"challenge.key must hold at least {_KEY_BYTES_MIN} bytes")
    return Keys(
        *(hmac.digest(secret, label, hashlib.sha256) for label in (b"realname challenge signing", b"realname person binding"))
    )


def draw_actions(draw: random.Random) -> tuple[Action, ...]:
    """One of SEQUENCES, each as likely as the next."""
    return draw.choice(SEQUENCES)


def issue(
    purpose: Purpose, *, keys: Keys, now: datetime, lifetime_s: int, randomness: bytes, draw: random.Random
) -> tuple[Ticket, str]:
    """A new challenge and its signed form. randomness: 10 bytes; draw: seeded by the system in production."""
    identity = ids.mint(now, randomness)
    # to the millisecond, as the id has it: the id's instant and iat are the same
    issued_at = ids.minted_at(identity)
    ticket = Ticket(
        jti=identity,
        iss=_ISSUER,
        operator=purpose.operator,
        store=purpose.store,
        terminal=purpose.terminal,
        person=_person(purpose, keys),
        path=purpose.path,
        actions=draw_actions(draw) if purpose.path == "face" else (),
        iat=issued_at.timestamp(),
        exp=(issued_at + timedelta(seconds=lifetime_s)).timestamp(),
    )
    return ticket, jwt.encode(msgspec.to_builtins(ticket), keys.signing, algorithm=_ALGORITHM)


def verify(token: str, purpose: Purpose, keys: Keys) -> Ticket | Problem:
    """The ticket, if we signed it for exactly this purpose; else challenge_invalid or challenge_mismatch.

    It may have expired: the same request again gets the same answer also later, so expiry is asked only before a
    registration is new (`Ticket.has_expired`). Another operator's challenge is as unknown as a forged one.
    """
    try:
        body: dict[str, Any] = jwt.decode(token, keys.signing, algorithms=[_ALGORITHM], options=_WITHOUT_TIME)
        ticket = msgspec.convert(body, type=Ticket)
    except (jwt.InvalidTokenError, msgspec.ValidationError):
        return Problem(Name.CHALLENGE_INVALID, field="challenge")
    if ticket.operator != purpose.operator or not ids.is_registration_id(ticket.jti):
        return Problem(Name.CHALLENGE_INVALID, field="challenge")
    for field in ("store", "terminal", "path"):
        if getattr(ticket, field) != getattr(purpose, field):
            return Problem(Name.CHALLENGE_MISMATCH, field=field)
    if not hmac.compare_digest(ticket.person, _person(purpose, keys)):
        return Problem(Name.CHALLENGE_MISMATCH, field="person_token")
    return ticket


_WITHOUT_TIME: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False, "require": ["exp", "iat", "jti"]}


def _person(purpose: Purpose, keys: Keys) -> str:
    """The person token is the operator's: only this digest, useless without our key, leaves the request."""
    text = f"{purpose.operator}\0{purpose.person_token}".encode()
    return hmac.digest(keys.binding, text, hashlib.sha256).hex()
