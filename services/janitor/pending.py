"""Which decided registrations still hold media, and which offset may be committed. Pure: no vault, no Kafka, no clock.

An offset is finished when its media is gone. The committed position of a partition never passes an unfinished offset,
so a restart reads exactly the unfinished ones again, and some finished ones: deleting twice changes nothing.
A review keeps its offset unfinished for as long as it may last (72 h by default).
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

Cause = Literal["approved", "refused", "retry", "review", "orphan"]
RETRY_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Deletion:
    """All media of one decided registration. due_at: not before; None: at once. tries: failed ones."""

    partition: int
    offset: int
    operator: str
    registration_id: str
    cause: Cause
    due_at: datetime | None = None
    tries: int = 0

    @property
    def retry_after_s(self) -> float:
        """How long to wait after the last failure: 1, 2, 4 ... RETRY_S_MAX seconds."""
        return min(RETRY_S_MAX, 2.0 ** min(self.tries - 1, 10))


@dataclass(slots=True)
class PartitionOffsets:
    """One partition during one assignment.

    next_offset: the first offset not yet read; None before the first.
    unfinished:  read and not finished, each < next_offset.
    """

    next_offset: int | None = None
    unfinished: set[int] = field(default_factory=set[int])
    _order: list[int] = field(default_factory=list[int])  # a heap of unfinished and, not yet dropped, finished ones

    def take(self, offset: int) -> None:
        """Offsets may skip (compaction, transaction markers) but never go back."""
        assert self.next_offset is None or offset >= self.next_offset, (offset, self.next_offset)
        self.next_offset = offset + 1
        self.unfinished.add(offset)
        heapq.heappush(self._order, offset)

    def finish(self, offset: int) -> None:
        """Its media is gone. An offset of an earlier assignment is none of ours."""
        self.unfinished.discard(offset)

    @property
    def committable(self) -> int | None:
        """The position to commit: every offset read below it is finished. None before the first record."""
        while self._order and self._order[0] not in self.unfinished:
            heapq.heappop(self._order)
        return self._order[0] if self._order else self.next_offset


@dataclass(slots=True)
class Pending:
    """Everything that is to be deleted, over all assigned partitions."""

    _partitions: dict[int, PartitionOffsets] = field(default_factory=dict[int, PartitionOffsets])
    _held: dict[int, Counter[str]] = field(default_factory=dict[int, Counter[str]])  # unfinished ones by partition and id
    _ready: deque[Deletion] = field(default_factory=deque[Deletion])
    _timed: list[tuple[datetime, int, int, Deletion]] = field(default_factory=list[tuple[datetime, int, int, Deletion]])
    _failed: list[tuple[float, int, int, Deletion]] = field(default_factory=list[tuple[float, int, int, Deletion]])

    def __len__(self) -> int:
        return sum(len(each.unfinished) for each in self._partitions.values())

    def open(self, partition: int) -> None:
        """The partition is ours from now on; what was known of an earlier assignment is dropped."""
        self.close(partition)
        self._partitions[partition] = PartitionOffsets()
        self._held[partition] = Counter()

    def close(self, partition: int) -> None:
        """The partition is no longer ours: another janitor reads its unfinished offsets again."""
        self._partitions.pop(partition, None)
        self._held.pop(partition, None)
        self._ready = deque(each for each in self._ready if each.partition != partition)
        self._timed = [entry for entry in self._timed if entry[1] != partition]
        self._failed = [entry for entry in self._failed if entry[1] != partition]
        heapq.heapify(self._timed)
        heapq.heapify(self._failed)

    def take(self, partition: int, offset: int) -> None:
        """A record without media of its own was read."""
        self._partitions[partition].take(offset)
        self._partitions[partition].finish(offset)

    def add(self, deletion: Deletion) -> None:
        """A decision was read: its media goes when it is due."""
        self._partitions[deletion.partition].take(deletion.offset)
        self._held[deletion.partition][deletion.registration_id] += 1
        self._enqueue(deletion)

    def take_due(self, now: datetime | None, at_s: float, limit: int) -> list[Deletion]:
        """At most `limit` that may go now; each must end in finish() or fail().

        now: RetentionClock's; None: only what goes at once. at_s: monotonic seconds, for repeats after a failure.
        """
        while now is not None and self._timed and self._timed[0][0] <= now:
            self._ready.append(heapq.heappop(self._timed)[3])
        while self._failed and self._failed[0][0] <= at_s:
            self._ready.append(heapq.heappop(self._failed)[3])
        return [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]

    def finish(self, deletion: Deletion) -> None:
        """Its media is gone."""
        offsets = self._partitions.get(deletion.partition)
        if offsets is not None and deletion.offset in offsets.unfinished:
            offsets.finish(deletion.offset)
            held = self._held[deletion.partition]
            held[deletion.registration_id] -= 1
            if not held[deletion.registration_id]:
                del held[deletion.registration_id]

    def fail(self, deletion: Deletion, at_s: float) -> None:
        """The vault did not delete it: it is due again after a while. at_s: monotonic seconds, now."""
        offsets = self._partitions.get(deletion.partition)
        if offsets is not None and deletion.offset in offsets.unfinished:
            again = replace(deletion, tries=deletion.tries + 1)
            heapq.heappush(self._failed, (at_s + again.retry_after_s, again.partition, again.offset, again))

    def holds(self, registration_id: str) -> bool:
        """Whether its media waits for its time or is being deleted."""
        return any(registration_id in held for held in tuple(self._held.values()))

    def committable(self) -> dict[int, int]:
        """By partition, the position to commit."""
        found = {partition: offsets.committable for partition, offsets in self._partitions.items()}
        return {partition: offset for partition, offset in found.items() if offset is not None}

    def _enqueue(self, deletion: Deletion) -> None:
        if deletion.due_at is None:
            self._ready.append(deletion)
        else:
            heapq.heappush(self._timed, (deletion.due_at, deletion.partition, deletion.offset, deletion))
