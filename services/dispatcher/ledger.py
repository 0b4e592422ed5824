"""One partition's books during one assignment. Pure: what is undecided, what waits for its commit, what is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from realname.messages import RegistrationDecided
from services.dispatcher.known_ids import KnownIds
from services.dispatcher.offset_map import STOP_TAKING_CHARS
from services.dispatcher.offsets import Fitting, OffsetTracker, Position, fitting
from services.dispatcher.records import Arrival, Outgoing, Received, Taken

TRANSACTION_OFFSETS_MAX = 500  # of one partition in one transaction; bounds its memory and its time
TRANSACTION_BYTES_MAX = 4_000_000  # as much for what they send; 500 decisions of 2.5 kB to two topics are 2.5 MB


@dataclass(slots=True)
class Finished:
    """An offset whose completion waits for the next commit, with the records that go out in the same transaction.

    decided, taken: None where it completes without a decision (known id, parked).
    """

    outgoing: tuple[Outgoing, ...] = ()
    decided: RegistrationDecided | None = None
    taken: Taken | None = None

    @property
    def size_bytes(self) -> int:
        """What it sends."""
        return sum(len(each.record.value) for each in self.outgoing)


@dataclass(slots=True)
class PartitionLedger:
    """rebuilt: its known ids are complete; until then records are held. stopped: takes no more, and why."""

    partition: int
    offsets: OffsetTracker
    known: KnownIds
    rebuilt: bool = False
    stopped: str | None = None
    map_chars: int = 0
    held: list[Received] = field(default_factory=list[Received])
    undecided: dict[int, Taken] = field(default_factory=dict[int, Taken])
    finished: dict[int, Finished] = field(default_factory=dict[int, Finished])
    early: dict[int, list[Arrival]] = field(default_factory=dict[int, list[Arrival]])
    entries: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    undecided_of: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def resume(cls, partition: int, position: Position, known: KnownIds) -> PartitionLedger:
        """As committed. Raises MapUnreadable."""
        tracker = OffsetTracker.resume(position)
        return cls(partition, tracker, known, map_chars=len(position.metadata))

    def resumed(self, position: Position) -> PartitionLedger:
        """After a failed or doubtful commit: only the ledger on the broker counts, and the ids that were seen.

        Not `stopped`: what lies before the record that stopped it is taken again, and that record stops it again.
        """
        fresh = PartitionLedger.resume(self.partition, position, self.known)
        fresh.rebuilt = self.rebuilt
        return fresh

    def is_new(self, offset: int) -> bool:
        """Whether a received record has to be worked on: not below max(position, watermark), not complete before."""
        if offset < self.offsets.next_offset:
            return False
        if self.offsets.is_complete(offset):
            self.offsets.pass_over(offset)
            return False
        return True

    def wants_records(self, lookahead_max: int) -> bool:
        """Whether to take more: known ids complete, room in memory, room in the offset map."""
        if self.stopped or self.held or self.map_chars >= STOP_TAKING_CHARS:
            return False
        return len(self.undecided) + len(self.finished) < lookahead_max

    def add(self, taken: Taken) -> None:
        """Under decision from now on."""
        self.undecided[taken.offset] = taken
        self.undecided_of[taken.submitted.operator] += 1

    def finish(self, offset: int, finished: Finished) -> None:
        """Decided, or completed without a decision; its commit is due."""
        taken = self.undecided.pop(offset, None)
        if taken is not None:
            self.undecided_of[taken.submitted.operator] -= 1
        self.finished[offset] = finished

    def fitting(self) -> Fitting | None:
        """What can be committed now; None where nothing can."""
        lowest = sorted(self.finished)[:TRANSACTION_OFFSETS_MAX]
        sizes = accumulate(self.finished[offset].size_bytes for offset in lowest)
        within = sum(1 for size_bytes in sizes if size_bytes <= TRANSACTION_BYTES_MAX)
        return fitting(self.offsets, lowest[: max(within, 1)]) if lowest else None

    def settle(self, fit: Fitting) -> Iterable[tuple[Finished, list[str]]]:
        """Committed: each finished offset with its result stream entries, which are now to be deleted."""
        self.map_chars = len(fit.position.metadata)
        for offset in fit.offsets:
            self.offsets.complete(offset)
            yield self.finished.pop(offset), self.entries.pop(offset, [])
