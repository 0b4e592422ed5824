"""Pure: what intake signs for itself: a struct as a compact JWS (RFC 7515) under HMAC-SHA256, as any JWT library reads it.

Signed and read on every registration, so without a library: one algorithm and one header, and nothing is decoded before
the signature over it is known to be ours.
"""

from __future__ import annotations

import base64
import hmac
from typing import TypeVar

import msgspec
from msgspec import Struct

_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
_Claims = TypeVar("_Claims", bound=Struct)


def sign(claims: Struct, key: bytes) -> str:
    """The token of these claims."""
    signing_input = _HEADER + b"." + base64.urlsafe_b64encode(msgspec.json.encode(claims)).rstrip(b"=")
    return (signing_input + b"." + _signature(signing_input, key)).decode("ascii")


def read_signed(token: str, key: bytes, kind: type[_Claims]) -> _Claims | None:
    """The claims; None for whatever `sign` did not make under this key: another header or algorithm, a changed character.

    The signature is compared as text, so one set of claims has one spelling.
    """
    if not token.isascii():
        return None
    signing_input, _, signature = token.encode("ascii").rpartition(b".")
    if not hmac.compare_digest(signature, _signature(signing_input, key)):
        return None
    header, _, payload = signing_input.partition(b".")
    if header != _HEADER:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)), type=kind)
    except (ValueError, msgspec.MsgspecError):
        return None  # signed by us for something else: another struct


def _signature(signing_input: bytes, key: bytes) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(key, signing_input, "sha256")).rstrip(b"=")
