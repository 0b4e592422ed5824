"""Which policy and which weights an operator's registrations are judged with, as signed events in an order.

An event says the whole state from it on: what is live, and what runs beside it in shadow on a share, never deciding.
The policy itself is in the event, so nothing else has to be rolled out before it, and going back is one more event.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from realname.errors import RecordUnreadable, SettingsWrong
from realname.jwk import SigningKey, encode, is_signed_by, private_of
from realname.messages import Instant, Name, Unit
from realname.policy import Effect, Policy, insist_sound

DEFAULT_PROFILE = "default"
PLAN_BYTES_MAX = 8_192  # it goes into each job and each result of the operator; the shipped policies take 2 kB
BODY_CHARS_MAX = 40_000
DIGEST_CHARS = 16
_SHARE_STEPS = 2**32
_PLANS_CACHED = 64  # a few for each operator


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """What one judgement is made with. profile: the name of the set of weights (models/registry.py)."""

    policy: Policy
    profile: Annotated[str, Meta(min_length=1, max_length=40)] = DEFAULT_PROFILE


class Activation(Struct, frozen=True):
    """What a signer says: from here on this operator's registrations are judged so.

    sequence, previous: one more than the operator's event before it, from 1, and that event's digest (empty for the
                        first); anything else is ignored, so of two at once one holds, and none fits another log.
    live:               None: the policy of the processes' settings, as before the operator's first event.
    share:              of the registrations that are also judged by `shadow`.
    """

    operator: Name
    sequence: Annotated[int, Meta(ge=1)]
    live: Plan | None
    activated_at: Instant
    why: Annotated[str, Meta(max_length=200)]
    previous: Annotated[str, Meta(max_length=64)] = ""
    shadow: Plan | None = None
    share: Unit = 0.0


class PolicyActivated(Struct, frozen=True, tag="realname.policy.activated.v1", tag_field="type"):
    """A signed activation. Topic policies.activated.

    body:      an Activation as JSON, byte for byte as it was signed: a field that a later version adds or drops
               changes nothing of an old event's signature.
    signer:    the signing key's id. signature: Ed25519 over the body's UTF-8, base64url.
    """

    operator: Name
    signer: Annotated[str, Meta(max_length=80)]
    body: Annotated[str, Meta(max_length=BODY_CHARS_MAX)]
    signature: Annotated[str, Meta(max_length=100)]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the body: what the next event names."""
        return hashlib.sha256(self.body.encode()).hexdigest()


class SignerKey(SigningKey, frozen=True, kw_only=True):
    """A policy officer's.

    until_sequence: of a key that was retired, the last event that it signed: a key is never taken out of the file, or
                    the events that it signed would hold no more.
    """

    operator: Name
    until_sequence: int | None = None


class SignerKeys(Struct, frozen=True):
    """policies.jwks.json (RFC 7517): the public halves."""

    keys: tuple[SignerKey, ...]


SIGNERS_FILE = "policies.jwks.json"


def read_signers(folder: Path) -> SignerKeys:
    """Whose events hold, from the keys folder. No file: nobody's. Raises SettingsWrong, naming it, where it does not read."""
    path = folder / SIGNERS_FILE
    if not path.exists():
        return SignerKeys(())
    try:
        return msgspec.json.decode(path.read_bytes(), type=SignerKeys)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"key file {path.name} does not read: {type(error).__name__}") from None


class Refused(NamedTuple):
    """Why an event does not hold. unreadable: signed, and of a version that this process does not read."""

    cause: Literal["unknown_signer", "signature", "unreadable", "unsound", "sequence"]


class Held(NamedTuple):
    """An event that holds, with what it says."""

    event: PolicyActivated
    activation: Activation


def sign(activation: Activation, key: SignerKey) -> PolicyActivated:
    """The event. Raises SettingsWrong where the key has no private half."""
    private, body = private_of(key), msgspec.json.encode(activation)
    return PolicyActivated(activation.operator, key.kid, body.decode(), encode(private.sign(body)))


def check(event: PolicyActivated, before: Held | None, signers: SignerKeys) -> Held | Refused:
    """What an event says, where it holds after `before`, the operator's last one that did."""
    key = next((key for key in signers.keys if key.kid == event.signer and key.operator == event.operator), None)
    if key is None:
        return Refused("unknown_signer")
    if not is_signed_by(key, event.signature, event.body.encode()):
        return Refused("signature")
    activation = read_activation(event)
    if activation is None:
        return Refused("unreadable")
    if activation.operator != event.operator or not _is_sound(activation):
        return Refused("unsound")
    sequence, previous = (1, "") if before is None else (before.activation.sequence + 1, before.event.digest)
    in_order = (activation.sequence, activation.previous) == (sequence, previous)
    in_time = key.until_sequence is None or activation.sequence <= key.until_sequence
    return Held(event, activation) if in_order and in_time else Refused("sequence")


class Chain:
    """Events in the log's order, and what holds of them. latest: each operator's last one that does."""

    def __init__(self, signers: SignerKeys) -> None:
        """signers: whose events hold, each for its own operator."""
        self._signers = signers
        self.latest: dict[str, Held] = {}

    def take(self, event: PolicyActivated) -> Held | Refused:
        """The next one. Where it does not hold it is as if it had never been."""
        found = check(event, self.latest.get(event.operator), self._signers)
        if isinstance(found, Held):
            self.latest[event.operator] = found
        return found


def read_activation(event: PolicyActivated) -> Activation | None:
    """What an event says, whoever signed it; None where this version does not read it."""
    try:
        return msgspec.json.decode(event.body, type=Activation)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _is_sound(activation: Activation) -> bool:
    """Both policies can decide, fit a job, and what is live has no layer off: that is for evaluations.

    A reason that was not known when an event was signed is missing in its effects, which voids nothing.
    """
    plans = [plan for plan in (activation.live, activation.shadow) if plan is not None]
    try:
        for plan in plans:
            insist_sound(plan.policy, plan.policy.version)
    except SettingsWrong:
        return False
    if activation.live is None:
        return activation.shadow is None  # a candidate is held against something that the event says
    has_layer_off = Effect.OFF in activation.live.policy.effects.values()
    return not has_layer_off and all(len(encode_plan(plan)) <= PLAN_BYTES_MAX for plan in plans)


def is_shadowed(activation: Activation, registration_id: str) -> bool:
    """Whether this registration is in the share: always the same answer for the same id and candidate.

    By a hash, so that who is in it follows nothing about the person, the store or the time.
    """
    if activation.shadow is None:
        return False
    digest = hashlib.sha256(f"{digest_of(activation.shadow)}/{registration_id}".encode()).digest()
    return int.from_bytes(digest[:4]) < activation.share * _SHARE_STEPS


def digest_of(plan: Plan) -> str:
    """16 hex characters of SHA-256 over all of it: two policies may bear the same version and say different things."""
    return hashlib.sha256(encode_plan(plan)).hexdigest()[:DIGEST_CHARS]


def encode_plan(plan: Plan) -> bytes:
    """As it travels in a job: about 2 kB of msgpack."""
    return msgspec.msgpack.encode(plan, order="deterministic")


@lru_cache(maxsize=_PLANS_CACHED)
def decode_plan(body: bytes) -> Plan:
    """Raises RecordUnreadable: a job of a newer dispatcher. Workers are upgraded first."""
    try:
        return msgspec.msgpack.decode(body, type=Plan)
    except (msgspec.ValidationError, msgspec.DecodeError):
        raise RecordUnreadable("a plan does not decode") from None
