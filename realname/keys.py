"""Key-encryption keys, one set an operator, behind a provider: a file here; environment or KMS by the same Protocol."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from realname.errors import EvidenceMissing, SettingsWrong

_NONCE_BYTES = 12
_KEY_BYTES = 32
_KEY_ID_BYTES_MAX = 80  # as in BlobRef and in what is allowed for a sealed chip's header


class WrappedKey(NamedTuple):
    """A data key under the operator's key-encryption key `key_id`: nonce and ciphertext."""

    key_id: str
    wrapped: bytes


class KeyProvider(Protocol):
    """Wraps and unwraps data keys. An operator's keys never open another operator's media."""

    def wrap(self, operator: str, data_key: bytes) -> WrappedKey:
        """Raises SettingsWrong where the operator has no key."""
        ...

    def unwrap(self, operator: str, wrapped: WrappedKey) -> bytes:
        """Raises EvidenceMissing where the key is gone or does not fit."""
        ...

    def fingerprint_secret(self, operator: str) -> bytes:
        """The operator's secret for request fingerprints: 32 bytes, not a key-encryption key."""
        ...


class KeyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """<operator>.keys.json: base64 keys of 32 bytes by id, the one that new data keys are wrapped under, the secret."""

    current: str
    keys: dict[str, str]
    fingerprint_secret: str


def duplicates_secret(keys: KeyProvider, operator: str) -> bytes:
    """The operator's key of the index of clips: 32 bytes, for that alone, of which nothing follows for any other key.

    One block of HKDF-Expand (RFC 5869) over the fingerprint secret, which is uniformly random. Raises SettingsWrong.
    """
    return hmac.digest(keys.fingerprint_secret(operator), b"realname duplicates v1\x01", hashlib.sha256)


def new_key_file(operator: str) -> KeyFile:
    """A fresh file with one key, `<operator>-1`."""
    key_id = f"{operator}-1"
    key, secret = (base64.b64encode(os.urandom(_KEY_BYTES)).decode() for _ in range(2))
    return KeyFile(current=key_id, keys={key_id: key}, fingerprint_secret=secret)


class FileKeys:
    """KeyProvider over a folder of <operator>.keys.json files, read once."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingsWrong, naming the file, where one does not read or holds what is no key.

        Found at the start: later it would only show as evidence that does not open, one registration after another.
        """
        self._files: dict[str, KeyFile] = {}
        for path in sorted(folder.glob("*.keys.json")):
            self._files[path.name.removesuffix(".keys.json")] = _read(path)

    def wrap(self, operator: str, data_key: bytes) -> WrappedKey:
        file = self._file(operator)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(base64.b64decode(file.keys[file.current])).encrypt(nonce, data_key, operator.encode())
        return WrappedKey(file.current, nonce + sealed)

    def unwrap(self, operator: str, wrapped: WrappedKey) -> bytes:
        key = self._file(operator).keys.get(wrapped.key_id)
        if key is None:
            raise EvidenceMissing("its key is gone")
        nonce, sealed = wrapped.wrapped[:_NONCE_BYTES], wrapped.wrapped[_NONCE_BYTES:]
        try:
            return AESGCM(base64.b64decode(key)).decrypt(nonce, sealed, operator.encode())
        except (InvalidTag, ValueError):
            raise EvidenceMissing("its key does not open it") from None

    def fingerprint_secret(self, operator: str) -> bytes:
        return base64.b64decode(self._file(operator).fingerprint_secret)

    def _file(self, operator: str) -> KeyFile:
        file = self._files.get(operator)
        if file is None:
            raise SettingsWrong(f"operator {operator!r} has no key file")
        return file


def _read(path: Path) -> KeyFile:
    """No key and nothing of one goes into an error."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=KeyFile)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"key file {path.name} does not read: {type(error).__name__}") from None
    if file.current not in file.keys:
        raise SettingsWrong(f"key file {path.name}: `current` names none of its keys")
    if not all(0 < len(key_id.encode()) <= _KEY_ID_BYTES_MAX for key_id in file.keys):
        raise SettingsWrong(f"key file {path.name}: a key's id is 1 to {_KEY_ID_BYTES_MAX} bytes long")
    if not all(_is_key(key) for key in file.keys.values()):
        raise SettingsWrong(f"key file {path.name}: one of `keys` is not the base64 of {_KEY_BYTES} bytes")
    if not _is_key(file.fingerprint_secret):
        raise SettingsWrong(f"key file {path.name}: `fingerprint_secret` is not the base64 of {_KEY_BYTES} bytes")
    return file


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False
