"""Key-encryption keys, one set an operator, behind a provider: a file here; environment or KMS by the same Protocol."""

from __future__ import annotations

import base64
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


def new_key_file(operator: str) -> KeyFile:
    """A fresh file with one key, `<operator>-1`."""
    key_id = f"{operator}-1"
    key, secret = (base64.b64encode(os.urandom(_KEY_BYTES)).decode() for _ in range(2))
    return KeyFile(current=key_id, keys={key_id: key}, fingerprint_secret=secret)


class FileKeys:
    """KeyProvider over a folder of <operator>.keys.json files, read once."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingsWrong for a file that does not read."""
        self._files: dict[str, KeyFile] = {}
        for path in sorted(folder.glob("*.keys.json")):
            try:
                self._files[path.name.removesuffix(".keys.json")] = msgspec.json.decode(path.read_bytes(), type=KeyFile)
            except (OSError, msgspec.MsgspecError) as error:
                raise SettingsWrong(f"key file {path.name} does not read: {type(error).__name__}") from None

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
