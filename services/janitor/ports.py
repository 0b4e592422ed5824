"""What the janitor's loop needs of the world, as Protocols, and the values that pass. Pure: no calls are made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from realname.vault import StoredObject
from services.janitor.orphans import LogView
from services.janitor.pending import Deletion
from services.janitor.sweep import Listing


class DecisionRecord(NamedTuple):
    """One record of registrations.decided, not yet opened. recorded_at: the broker's stamp."""

    partition: int
    offset: int
    recorded_at: datetime
    value: bytes | None
    headers: Sequence[tuple[str, Any]]


class Polled(NamedTuple):
    """What a poll brought, in the order in which it counts: partitions lost, partitions gained, records."""

    closed: frozenset[int]
    opened: frozenset[int]
    records: list[DecisionRecord]


class Outcome(NamedTuple):
    """A deletion that ended. deleted: objects; None: the vault did not answer."""

    job: Deletion | StoredObject
    deleted: int | None


class DecisionLog(Protocol):
    """registrations.decided, read committed, as a member of the group `janitor`."""

    def poll(self, records_max: int, wait_s: float) -> Polled:
        """The next records; empty after wait_s or where Kafka is silent."""
        ...

    def commit(self, positions: dict[int, int]) -> None:
        """Raises Transient: refused or not answered, to be tried again."""
        ...

    def stop(self, partition: int, offset: int) -> None:
        """Read no further in this partition than before this offset."""
        ...

    def read(self) -> dict[int, int]:
        """Up to where each of our partitions has been handed out; -1: not known yet."""
        ...

    def lags(self) -> dict[int, int]:
        """Records behind the end, by partition, as last heard."""
        ...

    def view(self) -> LogView:
        """For the judgement of orphans. Raises Transient."""
        ...


class Deletions(Protocol):
    """Deletions in the vault, several at once."""

    @property
    def room(self) -> int:
        """How many more may be started."""
        ...

    def start(self, job: Deletion | StoredObject) -> None:
        """All media of a registration, or one object."""
        ...

    def finished(self, wait_s: float) -> list[Outcome]:
        """Those that have ended since the last call; waits at most wait_s for the first where some run."""
        ...


class Sweep(Protocol):
    """Listings of the vault, one at a time."""

    @property
    def is_running(self) -> bool:
        """Whether one was started and its result not yet taken."""
        ...

    def start(self, owned: frozenset[int], stored_before: datetime | None, is_pending: Callable[[str], bool]) -> None:
        """Start one."""
        ...

    def result(self) -> Listing | None:
        """None while it runs. Raises Transient."""
        ...
