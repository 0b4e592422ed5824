"""Media into the vault: all of a registration's or none, off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from realname.errors import Transient
from realname.messages import BlobRef
from services.intake.upload import Medium

THREADS = 16  # an S3 put takes some 20 ms: 16 at once are 800 a second


class Vault(Protocol):
    """What intake asks of realname.vault.Vault. Blocking."""

    def put_all(self, media: Mapping[str, Medium], *, operator: str, registration_id: str) -> dict[str, BlobRef]:
        """Every medium by its kind, or none; durable when it returns. Raises VaultFull, Transient."""
        ...

    def delete(self, key: str) -> None:
        """Idempotent. Raises Transient."""
        ...


class Evidence:
    """The vault as the event loop sees it."""

    def __init__(self, vault: Vault) -> None:
        """Starts no thread yet."""
        self._vault = vault
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vault")

    async def put(self, media: Mapping[str, Medium], *, operator: str, registration_id: str) -> dict[str, BlobRef]:
        """Every medium by its kind, or none: VaultFull and Transient leave nothing behind."""
        put = functools.partial(self._vault.put_all, media, operator=operator, registration_id=registration_id)
        return await asyncio.get_running_loop().run_in_executor(self._threads, put)

    async def discard(self, blobs: Iterable[BlobRef]) -> None:
        """Delete what a refused request had stored. What cannot be deleted now is an orphan, which the janitor finds."""
        keys = [blob.key for blob in blobs]
        if keys:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._delete_all, keys)

    def close(self) -> None:
        """Wait for what runs."""
        self._threads.shutdown()

    def _delete_all(self, keys: Iterable[str]) -> None:
        for key in keys:
            with contextlib.suppress(Transient):
                self._vault.delete(key)
