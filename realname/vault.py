"""The evidence vault: sealed media by reference, in a local folder or S3. Keys are operator/id/random, never overwritten."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from realname.errors import EvidenceMissing, Transient, VaultFull
from realname.keys import KeyProvider
from realname.local_objects import LocalObjects
from realname.messages import BlobRef
from realname.sealing import seal, unseal

_FULL = (errno.ENOSPC, errno.EDQUOT)
Store = LocalStore | MemoryStore | S3Store


class StoredObject(NamedTuple):
    """One object as listed: its key's parts and when it was written (the store's clock)."""

    key: str
    operator: str
    registration_id: str
    size_bytes: int
    stored_at: datetime


class Medium(Protocol):
    """What is put: its bytes, and what they are."""

    @property
    def content(self) -> bytes | bytearray: ...

    @property
    def media_type(self) -> str: ...


class Plain(NamedTuple):
    """A Medium, bare."""

    content: bytes | bytearray
    media_type: str


class Vault:
    """Thread-safe. Every call is blocking: an event loop calls it through a thread."""

    def __init__(self, store: Store, keys: KeyProvider, *, folder: Path | None = None, free_bytes_min: int = 0) -> None:
        """folder: of a local store, whose free space must stay at or above free_bytes_min."""
        self._store = store
        self._keys = keys
        self._folder = folder
        self._local = LocalObjects(folder) if folder is not None else None
        self._free_bytes_min = free_bytes_min

    @property
    def keys(self) -> KeyProvider:
        """The provider that seals here; chips and fingerprints use it too."""
        return self._keys

    def put(self, plaintext: bytes | bytearray, *, operator: str, registration_id: str, kind: str, media_type: str) -> BlobRef:
        """One object; see put_all."""
        return self.put_all({kind: Plain(plaintext, media_type)}, operator=operator, registration_id=registration_id)[kind]

    def put_all(self, media: Mapping[str, Medium], *, operator: str, registration_id: str) -> dict[str, BlobRef]:
        """Seal and store what a registration brings, by its kind: all of it or nothing. Durable when it returns.

        A kind is "portrait" or "clip"; it is part of the associated data. Raises VaultFull, Transient.
        """
        self._check_space(sum(len(medium.content) for medium in media.values()))
        blobs: dict[str, BlobRef] = {}
        objects: dict[str, bytes] = {}
        for kind, medium in media.items():
            sealed, key_id = seal(medium.content, keys=self._keys, operator=operator, registration_id=registration_id, kind=kind)
            key = f"{operator}/{registration_id}/{secrets.token_hex(16)}"
            digest = hashlib.sha256(sealed).hexdigest()
            blobs[kind] = BlobRef(key=key, sha256=digest, size_bytes=len(sealed), media_type=medium.media_type, key_id=key_id)
            objects[key] = sealed
        try:
            self._write(objects)
        except BaseException:
            for key in objects:
                with contextlib.suppress(Transient):
                    self.delete(key)
            raise
        return blobs

    def get(self, blob: BlobRef, *, operator: str, registration_id: str, kind: str) -> bytes:
        """The plaintext. Raises EvidenceMissing (gone, changed, not this registration's), Transient."""
        if not blob.key.startswith(f"{operator}/{registration_id}/"):
            raise EvidenceMissing("the reference points to another registration")
        try:
            sealed = bytes(self._store.get(blob.key).bytes())
        except FileNotFoundError:
            raise EvidenceMissing("gone") from None
        except (OSError, BaseError):
            raise Transient("the vault did not answer") from None
        if hashlib.sha256(sealed).hexdigest() != blob.sha256:
            raise EvidenceMissing("changed since it was stored")
        return unseal(sealed, keys=self._keys, operator=operator, registration_id=registration_id, kind=kind)

    def delete(self, key: str) -> None:
        """Idempotent. Raises Transient."""
        try:
            self._store.delete(key)
        except FileNotFoundError:
            return
        except (OSError, BaseError):
            raise Transient("the vault did not delete the object") from None

    def delete_registration(self, operator: str, registration_id: str) -> list[str]:
        """Delete every object of one registration, also those of a repeated upload. Returns the keys deleted."""
        keys = [found.key for found in self.objects(f"{operator}/{registration_id}")]
        for key in keys:
            self.delete(key)
        return keys

    def objects(self, prefix: str | None = None) -> Iterator[StoredObject]:
        """Everything stored under a folder prefix, in no order. Raises Transient."""
        try:
            store: Any = self._store  # its list() is only partly typed
            for batch in store.list(prefix):
                for meta in batch:
                    yield from _stored(meta)
        except (OSError, BaseError):
            raise Transient("the vault did not list its objects") from None

    def _write(self, objects: Mapping[str, bytes]) -> None:
        """By key. Where it raises, some may be there."""
        try:
            if self._local is not None:
                self._local.write(objects)
                return
            for key, sealed in objects.items():
                self._store.put(key, sealed, mode="create")
        except (OSError, BaseError) as error:
            if _is_for_want_of_space(error):
                raise VaultFull("no space left") from None
            raise Transient("the vault did not take the object") from None

    def _check_space(self, size_bytes: int) -> None:
        if self._folder is not None and self._free_bytes_min:
            try:
                free = shutil.disk_usage(self._folder).free
            except OSError:
                raise Transient("the vault's folder does not answer") from None
            if free - size_bytes < self._free_bytes_min:
                raise VaultFull("free space is at its limit")


def open_vault(url: str, keys: KeyProvider, *, free_bytes_min: int = 0) -> Vault:
    """url: `file:///folder`, `memory:` or `s3://bucket/prefix` (credentials from the environment, as obstore reads them)."""
    if url.startswith("file://"):
        folder = Path(url.removeprefix("file://"))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # automatic_cleanup: a registration's folder goes with its last object
        return Vault(LocalStore(str(folder), automatic_cleanup=True), keys, folder=folder, free_bytes_min=free_bytes_min)
    if url.startswith("memory:"):
        return Vault(MemoryStore(), keys)
    store: Any = obstore.store.from_url(url)
    return Vault(store, keys)


def _is_for_want_of_space(error: Exception) -> bool:
    """By its number where it has one: the text names the path, and a vault may lie below /workspace."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    return "space" in str(error).lower() or "quota" in str(error).lower()


def _stored(meta: Any) -> Iterator[StoredObject]:
    parts = str(meta["path"]).split("/")
    if len(parts) == 3:  # noqa: PLR2004 - operator/id/random; anything else is not ours
        yield StoredObject(str(meta["path"]), parts[0], parts[1], int(meta["size"]), meta["last_modified"])
