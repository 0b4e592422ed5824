"""Pure: when two requests are the same. HMAC-SHA256 under the operator's own secret: nobody without it can test a guess."""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from services.intake.requests import RegistrationRequest


def fingerprint_of(
    request: RegistrationRequest, *, portrait: bytes | bytearray | None, clip: bytes | bytearray | None, secret: bytes
) -> str:
    """64 hex characters. Spelling does not count (order of fields, spaces), every value and every byte of media does.

    The person token is left out: the signed challenge is bound to it, and it must not be kept in any form.
    Each piece goes in with its length, so no byte can move from one to the next.
    """
    mac = hmac.new(secret, digestmod=hashlib.sha256)
    canonical = msgspec.json.encode(msgspec.structs.replace(request, person_token=""), order="sorted")
    for piece in (canonical, portrait, clip):
        mac.update(b"-" if piece is None else len(piece).to_bytes(8, "big"))
        if piece is not None:
            mac.update(piece)
    return mac.hexdigest()
