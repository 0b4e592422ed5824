"""What moves through the dispatcher. Pure: values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from realname.envelope import Record
from realname.messages import RegistrationSubmitted
from realname.stages import StageResult

Place = tuple[int, int]  # partition of registrations.submitted, offset


class Received(NamedTuple):
    """One record of registrations.submitted. at_ms: its LogAppendTime, the broker's clock."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    at_ms: int

    @property
    def at(self) -> datetime:
        """Its LogAppendTime."""
        return datetime.fromtimestamp(self.at_ms / 1000, tz=UTC)


class Taken(NamedTuple):
    """A submission under decision."""

    partition: int
    offset: int
    submitted: RegistrationSubmitted
    at: datetime  # LogAppendTime
    traceparent: str | None = None

    @property
    def place(self) -> Place:
        """Where its record lies."""
        return self.partition, self.offset

    def deadline_at(self, within_s: float) -> datetime:
        """When it ends without a verdict."""
        return self.at + timedelta(seconds=within_s)


class InFlight(NamedTuple):
    """Sent to a stage, by us or by the partition's last owner. at_s: Redis TIME of the dispatch, seconds."""

    taken: Taken
    at_s: float


class Arrival(NamedTuple):
    """One entry of a partition's result stream. result: None where it does not decode."""

    partition: int
    entry: str
    result: StageResult | None


class Spent(NamedTuple):
    """What nobody needs any more. entries: of result streams, by partition; registration_ids: decided, with scratch keys left."""

    entries: Mapping[int, Sequence[str]]
    registration_ids: Sequence[str] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.entries or self.registration_ids)


class Outgoing(NamedTuple):
    """One record to produce."""

    topic: str
    partition: int
    record: Record
