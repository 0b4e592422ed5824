"""The projector's neighbours in memory; held to the same contract as the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from realname.envelope import Record
from realname.errors import Transient
from realname.statuses import RANK, Status
from services.projector.loop import DecisionRecord, Written


@dataclass
class FakeLog:
    """Partitions of (record or None for a marker or an aborted record, at_ms)."""

    partitions: dict[int, list[tuple[Record | None, int]]]

    def write(self, partition: int, record: Record, at_ms: int, *, commits: bool = True) -> None:
        self.partitions[partition] += [(record if commits else None, at_ms), (None, at_ms)]


class FakeDecisions:
    def __init__(self, log: FakeLog) -> None:
        self.log = log
        self.at = dict.fromkeys(log.partitions, 0)
        self.stopped: dict[int, int] = {}
        self.is_silent = False
        self.rewinds = 0

    def rewind(self, age_s: float) -> dict[int, int]:
        self._answer()
        self.rewinds += 1
        self.stopped.clear()
        newest = max((at for lines in self.log.partitions.values() for _, at in lines), default=0)
        for partition, lines in self.log.partitions.items():
            found = (offset for offset, (_, at) in enumerate(lines) if at >= newest - age_s * 1000)
            self.at[partition] = next(found, len(lines))
        return {partition: len(lines) for partition, lines in self.log.partitions.items()}

    def poll(self, records_max: int, wait_s: float) -> list[DecisionRecord]:  # noqa: ARG002
        self._answer()
        found: list[DecisionRecord] = []
        for partition, lines in self.log.partitions.items():
            while partition not in self.stopped and self.at[partition] < len(lines) and len(found) < records_max:
                record = lines[self.at[partition]][0]
                if record is not None:
                    found.append(DecisionRecord(partition, self.at[partition], record.value, record.headers))
                self.at[partition] += 1
        return found

    def positions(self) -> dict[int, int]:
        self._answer()
        return self.at | self.stopped

    def lags(self) -> dict[int, int]:
        return {partition: len(self.log.partitions[partition]) - at for partition, at in self.positions().items()}

    def stop(self, partition: int, offset: int) -> None:
        self.stopped[partition] = offset

    def _answer(self) -> None:
        if self.is_silent:
            raise Transient("kafka_silent")


@dataclass
class FakeStatuses:
    store: dict[str, Status] = field(default_factory=dict)
    name: str = ""
    losses: int = 0
    is_silent: bool = False
    writes: list[int] = field(default_factory=list)

    def lose(self) -> None:
        self.store, self.name = {}, ""
        self.losses += 1

    def epoch(self) -> str:
        self._answer()
        self.name = self.name or f"epoch {self.losses}"
        return self.name

    def write(self, statuses: Sequence[Status]) -> Written:
        self._answer()
        moved = 0
        for status in statuses:
            held = self.store.get(status.id)
            if held is None or RANK[held.step] < RANK[status.step]:
                self.store[status.id] = status
                moved += 1
        self.writes.append(len(statuses))
        return Written(self.name, moved)

    def _answer(self) -> None:
        if self.is_silent:
            raise Transient("redis_silent")
