"""Ed25519 keys as JWKs (RFC 8037): who signs for which operator. Base64url is without padding, as JOSE writes it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from realname.errors import SettingsWrong


class SigningKey(Struct, frozen=True):
    """One key. operator: the only one it speaks for; x: the public half; d: the private half, absent where it is public."""

    kid: Annotated[str, Meta(min_length=1, max_length=80)]
    operator: str
    x: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"
    d: str | UnsetType = UNSET


_K = TypeVar("_K", bound=SigningKey)


def new_key(kind: type[_K], operator: str, key_id: str) -> _K:
    """A fresh key pair."""
    key = Ed25519PrivateKey.generate()
    public, private = key.public_key().public_bytes_raw(), key.private_bytes_raw()
    return kind(kid=key_id, operator=operator, x=encode(public), d=encode(private))


def public_half(key: _K) -> _K:
    """As it may be shown."""
    return replace(key, d=UNSET)


def private_of(key: SigningKey) -> Ed25519PrivateKey:
    """What signs. Raises SettingsWrong where the key has no private half."""
    if isinstance(key.d, UnsetType):
        raise SettingsWrong(f"key {key.kid} has no private half: it cannot sign")
    return Ed25519PrivateKey.from_private_bytes(decode(key.d))


def public_of(key: SigningKey) -> Ed25519PublicKey:
    """What verifies. Raises ValueError where x is no key."""
    return Ed25519PublicKey.from_public_bytes(decode(key.x))


def is_signed_by(key: SigningKey, signature: str, body: bytes) -> bool:
    """Whether this is the key's signature over the body; what is no signature, or no key, is not."""
    try:
        public_of(key).verify(decode(signature), body)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def encode(raw: bytes) -> str:
    """Bytes as base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Bytes of base64url, padded or not. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
