"""Lists the vault now and then: what lies there by operator, and what is old enough to be looked at as an orphan.

The listing runs in a thread: of a large bucket it takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from realname.ids import is_registration_id, partition_of
from realname.vault import Vault
from services.janitor.orphans import Candidate

CANDIDATES_MAX = 50_000  # a sweep; more are looked at in the next one


@dataclass(slots=True)
class Holding:
    """What lies in the vault of one operator, in this janitor's partitions."""

    objects: int = 0
    size_bytes: int = 0
    oldest_at: datetime | None = None


@dataclass(slots=True)
class Listing:
    """One sweep's result. is_cut: there were more candidates than a sweep takes."""

    holdings: dict[str, Holding] = field(default_factory=dict[str, Holding])
    candidates: list[Candidate] = field(default_factory=list[Candidate])
    is_cut: bool = False


def list_vault(
    vault: Vault,
    *,
    partitions: int,
    owned: frozenset[int],
    stored_before: datetime | None,
    is_pending: Callable[[str], bool],
) -> Listing:
    """Everything in the vault that belongs to our partitions. Raises Transient.

    stored_before: the age limit of orphans; None: no candidates, the time is not known.
    is_pending: only spares memory here (reviews are old and many); it is asked again when an orphan is judged.
    An object whose id is no registration id is not ours to judge or to count.
    """
    listing = Listing()
    for stored in vault.objects():
        if not is_registration_id(stored.registration_id):
            continue
        partition = partition_of(stored.registration_id, partitions)
        if partition not in owned:
            continue
        holding = listing.holdings.setdefault(stored.operator, Holding())
        holding.objects += 1
        holding.size_bytes += stored.size_bytes
        holding.oldest_at = min(stored.stored_at, holding.oldest_at or stored.stored_at)
        if stored_before is None or stored.stored_at > stored_before or is_pending(stored.registration_id):
            continue
        if len(listing.candidates) < CANDIDATES_MAX:
            listing.candidates.append(Candidate(stored, partition))
        else:
            listing.is_cut = True
    return listing


class VaultSweep:
    """`Sweep` on a real vault: one listing at a time, in a thread of its own."""

    def __init__(self, vault: Vault, *, partitions: int) -> None:
        """partitions: of registrations.submitted."""
        self._vault = vault
        self._partitions = partitions
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sweep")
        self._running: Future[Listing] | None = None

    @property
    def is_running(self) -> bool:
        return self._running is not None

    def start(self, owned: frozenset[int], stored_before: datetime | None, is_pending: Callable[[str], bool]) -> None:
        self._running = self._pool.submit(
            list_vault,
            self._vault,
            partitions=self._partitions,
            owned=owned,
            stored_before=stored_before,
            is_pending=is_pending,
        )

    def result(self) -> Listing | None:
        if self._running is None or not self._running.done():
            return None
        running, self._running = self._running, None
        return running.result()

    def close(self) -> None:
        """Waits for a listing that runs."""
        self._pool.shutdown(cancel_futures=True)
