"""Pure: challenges. Which actions in which order, signed, for one store, terminal and person. Clock and randomness come in."""

from __future__ import annotations

import hashlib
import hmac
import random
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from realname import ids
from realname.messages import Action, Id, Path
from services.intake.cues import CueBounds, Plan, draw_actions, draw_plan, open_plan, seal_plan
from services.intake.problem_names import Name
from services.intake.problems import Problem
from services.intake.signed import read_signed, sign

_ISSUER = "realname-challenge"
_KEY_BYTES_MIN = 32
_USES = ("challenge signing", "person binding", "cue sealing", "digest receipt signing", "clip digest binding")  # as in Keys


class Keys(NamedTuple):
    """Keys out of the one in challenge.key, each for one use, so that no use says anything about another.

    signing: challenges; binding: the person in them; sealing: the plan of their cues; receipts: signs digest receipts;
    digests: the clip's digest in them.
    """

    signing: bytes
    binding: bytes
    sealing: bytes
    receipts: bytes
    digests: bytes


class Purpose(NamedTuple):
    """What a challenge is issued for, and must be used for."""

    operator: str
    store: str
    terminal: str
    person_token: str
    path: Path


class Ticket(Struct, frozen=True):
    """A challenge's claims. jti: id of challenge and registration; person: a keyed digest; iat, exp: seconds since 1970.

    Anyone can read a token's claims. So a challenge with cues has no actions here: they stand in `cues`, sealed.
    """

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
    cues: Annotated[str, Meta(max_length=400)] | None = None

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

    def age_s(self, now: datetime) -> float:
        """Seconds since it was issued, in whole milliseconds that have passed: nothing is due before its time."""
        return (now - self.issued_at) // timedelta(milliseconds=1) / 1000


def derive_keys(secret: bytes) -> Keys:
    """secret: the content of challenge.key, at least 32 bytes. Raises ValueError."""
    if len(secret) < _KEY_BYTES_MIN:
        raise ValueError(f"challenge.key must hold at least {_KEY_BYTES_MIN} bytes")
    return Keys(*(hmac.digest(secret, f"realname {use}".encode(), hashlib.sha256) for use in _USES))


def issue(
    purpose: Purpose,
    *,
    keys: Keys,
    now: datetime,
    lifetime_s: int,
    randomness: bytes,
    draw: random.Random,
    cues: CueBounds | None = None,
) -> tuple[Ticket, str]:
    """A new challenge and its signed form. randomness: 10 bytes; draw: the system's in production.

    cues: where its actions are to be released one by one; on the face path alone.
    """
    identity = ids.mint(now, randomness)
    # to the millisecond, as the id has it: the id's instant and iat are the same
    issued_at = ids.minted_at(identity)
    face = purpose.path == "face"
    assert face or cues is None, "the referee path has no actions to release"
    plan = draw_plan(draw, cues) if cues is not None else None
    ticket = Ticket(
        jti=identity,
        iss=_ISSUER,
        operator=purpose.operator,
        store=purpose.store,
        terminal=purpose.terminal,
        person=_person(purpose, keys),
        path=purpose.path,
        actions=draw_actions(draw) if face and plan is None else (),
        iat=issued_at.timestamp(),
        exp=(issued_at + timedelta(seconds=lifetime_s)).timestamp(),
        cues=seal_plan(plan, key=keys.sealing, identity=identity, draw=draw) if plan is not None else None,
    )
    return ticket, sign(ticket, keys.signing)


def read(token: str, operator: str, keys: Keys) -> Ticket | Problem:
    """The ticket, if we signed it for this operator; else challenge_invalid.

    Another operator's challenge is as unknown as a forged one. It may have expired: see `verify`.
    """
    ticket = read_signed(token, keys.signing, Ticket)
    if ticket is None or ticket.operator != operator or not ids.is_registration_id(ticket.jti):
        return Problem(Name.CHALLENGE_INVALID, field="challenge")
    return ticket


def verify(token: str, purpose: Purpose, keys: Keys) -> Ticket | Problem:
    """The ticket, if we signed it for exactly this purpose; else challenge_invalid or challenge_mismatch.

    It may have expired: the same request again gets the same answer also later, so expiry is asked only before a
    registration is new (`Ticket.has_expired`).
    """
    ticket = read(token, purpose.operator, keys)
    if isinstance(ticket, Problem):
        return ticket
    for field in ("store", "terminal", "path"):
        if getattr(ticket, field) != getattr(purpose, field):
            return Problem(Name.CHALLENGE_MISMATCH, field=field)
    if not hmac.compare_digest(ticket.person, _person(purpose, keys)):
        return Problem(Name.CHALLENGE_MISMATCH, field="person_token")
    return ticket


def plan_of(ticket: Ticket, keys: Keys) -> Plan | None:
    """The plan of its cues; None for a challenge without. A plan that we signed and cannot open is a bug."""
    if ticket.cues is None:
        return None
    plan = open_plan(ticket.cues, key=keys.sealing, identity=ticket.jti)
    assert plan is not None, "sealed under the key that signed it"
    return plan


def _person(purpose: Purpose, keys: Keys) -> str:
    """The person token is the operator's: only this digest, useless without our key, leaves the request."""
    text = f"{purpose.operator}\0{purpose.person_token}".encode()
    return hmac.digest(keys.binding, text, hashlib.sha256).hex()
