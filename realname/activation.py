"""Which policy and which weights an operator's registrations are judged with, as signed events in an order.

An event says the whole state from it on: what is live, and what runs beside it in shadow on a share, never deciding.
The policy itself is in the event, so nothing else has to be rolled out before it, and going back is one more event.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from realname.errors import RecordUnreadable, SettingsWrong
from realname.messages import Instant, Name, Unit
from realname.policy import Policy

DEFAULT_PROFILE = "default"
_SHARE_STEPS = 2**32
_PLANS_CACHED = 64  # a few for each operator


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """What one judgement is made with. profile: the name of the set of weights (models/registry.py)."""

    policy: Policy
    profile: Annotated[str, Meta(min_length=1, max_length=40)] = DEFAULT_PROFILE


class PolicyActivated(Struct, frozen=True, tag="realname.policy.activated.v1", tag_field="type"):
    """From here on this operator's registrations are judged so. Topic policies.activated.

    sequence: one more than the operator's event before it, from 1; any other is ignored, so of two at once one holds.
    share:    of the registrations that are also judged by `shadow`.
    activated_by: the signing key's id. signature: Ed25519 over the event without it, base64url.
    """

    operator: Name
    sequence: Annotated[int, Meta(ge=1)]
    live: Plan
    activated_at: Instant
    activated_by: Annotated[str, Meta(max_length=80)]
    why: Annotated[str, Meta(max_length=200)]
    shadow: Plan | None = None
    share: Unit = 0.0
    signature: Annotated[str, Meta(max_length=100)] = ""


class SignerKey(Struct, frozen=True):
    """An Ed25519 key as a JWK (RFC 8037). operator: the only one whose policy it may activate; d: the private half."""

    kid: Annotated[str, Meta(min_length=1, max_length=80)]
    operator: Name
    x: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"
    d: str | UnsetType = UNSET


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
    """Why an event does not hold."""

    cause: Literal["unknown_signer", "signature", "sequence"]


def sign(event: PolicyActivated, key: SignerKey) -> PolicyActivated:
    """The event with its signer and signature. Raises SettingsWrong where the key has no private half."""
    if isinstance(key.d, UnsetType):
        raise SettingsWrong(f"key {key.kid} has no private half")
    unsigned = replace(event, activated_by=key.kid, signature="")
    private = Ed25519PrivateKey.from_private_bytes(_unbase64url(key.d))
    return replace(unsigned, signature=base64.urlsafe_b64encode(private.sign(_signed_bytes(unsigned))).decode())


def check(event: PolicyActivated, before: PolicyActivated | None, signers: SignerKeys) -> Refused | None:
    """None where the event holds after `before`, the operator's last one that did."""
    key = next((key for key in signers.keys if key.kid == event.activated_by and key.operator == event.operator), None)
    if key is None:
        return Refused("unknown_signer")
    try:
        public = Ed25519PublicKey.from_public_bytes(_unbase64url(key.x))
        public.verify(_unbase64url(event.signature), _signed_bytes(replace(event, signature="")))
    except (InvalidSignature, ValueError, binascii.Error):
        return Refused("signature")
    return None if event.sequence == (before.sequence if before else 0) + 1 else Refused("sequence")


def is_shadowed(event: PolicyActivated, registration_id: str) -> bool:
    """Whether this registration is in the share: always the same answer for the same id and candidate.

    By a hash, so that who is in it follows nothing about the person, the store or the time.
    """
    if event.shadow is None:
        return False
    digest = hashlib.sha256(f"{event.shadow.policy.version}/{event.shadow.profile}/{registration_id}".encode()).digest()
    return int.from_bytes(digest[:4]) < event.share * _SHARE_STEPS


def encode_plan(plan: Plan) -> bytes:
    """As it travels in a job: about 2 kB of msgpack."""
    return msgspec.msgpack.encode(plan)


@lru_cache(maxsize=_PLANS_CACHED)
def decode_plan(body: bytes) -> Plan:
    """Raises RecordUnreadable: a job of a newer dispatcher. Workers are upgraded first."""
    try:
        return msgspec.msgpack.decode(body, type=Plan)
    except (msgspec.ValidationError, msgspec.DecodeError):
        raise RecordUnreadable("a plan does not decode") from None


def _signed_bytes(event: PolicyActivated) -> bytes:
    """Fields in a fixed order, so that any implementation signs the same bytes."""
    return msgspec.json.encode(event, order="deterministic")


def _unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
