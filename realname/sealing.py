"""Pure but for randomness: sealed bytes. AES-256-GCM under a data key of its own, wrapped by the operator's key.

Layout: b"RN1" | length of key id (1 byte) | key id | wrapped data key (12 + 32 + 16 bytes) | nonce (12) | ciphertext + tag.
Associated data: operator, registration id, kind; so an object moved to another place does not open.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from realname.errors import EvidenceMissing
from realname.keys import KeyProvider, WrappedKey

_MAGIC = b"RN1"
_NONCE_BYTES = 12
_WRAPPED_BYTES = 12 + 32 + 16


def seal(
    plaintext: bytes | bytearray | memoryview, *, keys: KeyProvider, operator: str, registration_id: str, kind: str
) -> tuple[bytes, str]:
    """The sealed bytes and the id of the key-encryption key."""
    data_key = AESGCM.generate_key(256)
    wrapped = keys.wrap(operator, data_key)
    nonce = os.urandom(_NONCE_BYTES)
    body = AESGCM(data_key).encrypt(nonce, plaintext, _associated(operator, registration_id, kind))
    key_id = wrapped.key_id.encode()
    return b"".join((_MAGIC, bytes([len(key_id)]), key_id, wrapped.wrapped, nonce, body)), wrapped.key_id


def unseal(sealed: bytes, *, keys: KeyProvider, operator: str, registration_id: str, kind: str) -> bytes:
    """Raises EvidenceMissing where it does not open: another place, another operator, a bit flipped, a key gone."""
    if sealed[:3] != _MAGIC or len(sealed) < 4 + _WRAPPED_BYTES + _NONCE_BYTES:
        raise EvidenceMissing("not a sealed object")
    start = 4 + sealed[3]
    key_id = sealed[4:start].decode("utf-8", "replace")
    wrapped = WrappedKey(key_id, sealed[start : start + _WRAPPED_BYTES])
    start += _WRAPPED_BYTES
    data_key = keys.unwrap(operator, wrapped)
    nonce, body = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
    try:
        return AESGCM(data_key).decrypt(nonce, body, _associated(operator, registration_id, kind))
    except (InvalidTag, ValueError):
        raise EvidenceMissing("it does not open here") from None


def _associated(operator: str, registration_id: str, kind: str) -> bytes:
    return f"{operator}\0{registration_id}\0{kind}".encode()
