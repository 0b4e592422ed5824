"""The janitor's neighbours in memory; held to the same contract as the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from realname.envelope import Record
from realname.errors import Transient
from realname.vault import StoredObject
from services.janitor.orphans import LogView
from services.janitor.pending import Deletion
from services.janitor.ports import DecisionRecord, Outcome, Polled
from services.janitor.sweep import Listing

Lines = dict[int, list[tuple[Record | None, datetime]]]  # None: a marker or an aborted record


@dataclass
class FakeBroker:
    """What outlives a janitor. shown: up to where each partition of decided is stable."""

    partitions: int
    decided: Lines = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    submitted: dict[int, int] = field(default_factory=dict)
    complete: dict[int, int] = field(default_factory=dict)
    committed: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for partition in range(self.partitions):
            self.decided[partition] = []
            self.shown[partition] = self.submitted[partition] = self.complete[partition] = 0

    def write(self, partition: int, record: Record, at: datetime, *, commits: bool = True) -> None:
        self.begin(partition, record if commits else None, at)
        self.end(partition, at)

    def begin(self, partition: int, record: Record | None, at: datetime) -> None:
        self.decided[partition].append((record, at))

    def end(self, partition: int, at: datetime) -> None:
        self.decided[partition].append((None, at))
        self.shown[partition] = len(self.decided[partition])


class FakeDecisionLog:
    def __init__(self, broker: FakeBroker) -> None:
        self.broker = broker
        self.at: dict[int, int] = {}
        self.noted: dict[int, int] = {}
        self.stopped: set[int] = set()
        self.is_silent = False
        self.refuses = False

    def poll(self, records_max: int, wait_s: float) -> Polled:  # noqa: ARG002
        opened = frozenset(range(self.broker.partitions)) if not self.at else frozenset[int]()
        if opened:
            self.at = {partition: self.broker.committed.get(partition, 0) for partition in opened}
            self.noted = dict.fromkeys(opened, -1)
        records: list[DecisionRecord] = []
        for partition in self.at.keys() - self.stopped if records_max and not self.is_silent else ():
            while self.at[partition] < self.broker.shown[partition] and len(records) < records_max:
                record, at = self.broker.decided[partition][self.at[partition]]
                if record is not None:
                    records.append(DecisionRecord(partition, self.at[partition], at, record.value, record.headers))
                self.at[partition] += 1
            self.noted[partition] = self.at[partition]
        return Polled(frozenset(), opened, records)

    def commit(self, positions: Mapping[int, int]) -> None:
        if self.is_silent or self.refuses:
            raise Transient("kafka_silent")
        self.broker.committed |= positions

    def stop(self, partition: int, offset: int) -> None:
        self.stopped.add(partition)
        self.noted[partition] = offset

    def read(self) -> dict[int, int]:
        return dict(self.noted)

    def lags(self) -> dict[int, int]:
        return {partition: len(self.broker.decided[partition]) - max(0, at) for partition, at in self.noted.items()}

    def view(self) -> LogView:
        if self.is_silent:
            raise Transient("kafka_silent")
        ends = {partition: len(lines) for partition, lines in self.broker.decided.items()}
        return LogView(dict(self.broker.submitted), dict(self.broker.complete), ends, self.read())


@dataclass
class FakeVault:
    """The objects by key; both the deletions and the listing of the janitor."""

    objects: dict[str, StoredObject] = field(default_factory=dict)
    is_silent: bool = False
    room: int = 16
    waiting: list[Deletion | StoredObject] = field(default_factory=list)

    def store(self, operator: str, registration_id: str, name: str, at: datetime) -> str:
        key = f"{operator}/{registration_id}/{name}"
        self.objects[key] = StoredObject(key, operator, registration_id, 10, at)
        return key

    def holds(self, registration_id: str) -> bool:
        return any(each.registration_id == registration_id for each in self.objects.values())

    def start(self, job: Deletion | StoredObject) -> None:
        self.waiting.append(job)

    def finished(self, wait_s: float) -> list[Outcome]:  # noqa: ARG002
        jobs, self.waiting = self.waiting, []
        return [Outcome(job, None if self.is_silent else self._delete(job)) for job in jobs]

    def _delete(self, job: Deletion | StoredObject) -> int:
        if isinstance(job, StoredObject):
            return int(self.objects.pop(job.key, None) is not None)
        keys = [key for key in self.objects if key.startswith(f"{job.operator}/{job.registration_id}/")]
        for key in keys:
            del self.objects[key]
        return len(keys)


class FakeSweep:
    def __init__(self, list_now: Callable[[frozenset[int], datetime | None, Callable[[str], bool]], Listing]) -> None:
        self._list_now = list_now
        self._listing: Listing | None = None

    @property
    def is_running(self) -> bool:
        return self._listing is not None

    def start(self, owned: frozenset[int], stored_before: datetime | None, is_pending: Callable[[str], bool]) -> None:
        self._listing = self._list_now(owned, stored_before, is_pending)

    def result(self) -> Listing | None:
        listing, self._listing = self._listing, None
        return listing
