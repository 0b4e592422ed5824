"""The loop's neighbours as it needs them. Pure: Protocols only; fakes and the real ones pass the same tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from realname.activation import PolicyActivated
from services.dispatcher.kafka import Outcome
from services.dispatcher.offsets import Position
from services.dispatcher.overtaken import Mark
from services.dispatcher.records import InFlight, Outgoing, Place, Received, Spent, Taken
from services.dispatcher.stages import Collected
from services.dispatcher.tail import Read


class Source(Protocol):
    """registrations.submitted; see KafkaSource."""

    def poll(self, count_max: int, within_s: float, *, idle_s: float) -> Sequence[Received]: ...
    def committed(self, partitions: set[int]) -> Mapping[int, Position]: ...
    def seek(self, positions: Mapping[int, Position]) -> None: ...
    def pause_only(self, partitions: set[int]) -> None: ...
    def end_of(self, partition: int) -> int | None: ...
    def has_joined(self) -> bool: ...


class Sink(Protocol):
    """Decisions and offsets, in one transaction; see KafkaSink."""

    def publish(self, outgoing: Sequence[Outgoing], positions: Mapping[int, Position]) -> Outcome: ...


class Tail(Protocol):
    """The recent ids of registrations.decided; see DecidedTail."""

    def start(self, partition: int, *, since_ms: int) -> None: ...
    def stop(self, partition: int) -> None: ...
    def read(self) -> Read: ...


class Stages(Protocol):
    """Where liveness and matching are measured; see RedisStages."""

    def submit(self, jobs: Sequence[Taken], *, again: bool = False) -> Sequence[InFlight]: ...
    def collect(self, partitions: Iterable[int], spent: Spent) -> Collected: ...
    def read_again(self, partitions: Iterable[int]) -> None: ...
    def delete(self, spent: Spent) -> None: ...
    def marks(self, jobs: Sequence[Taken]) -> Mapping[Place, Mark]: ...
    def held(self, jobs: Sequence[Taken]) -> set[Place]: ...
    def queue_lengths(self) -> tuple[Mapping[str, int], int]: ...
    def tell_undecided(self, counts: Mapping[int, Mapping[str, int]]) -> None: ...


class Policies(Protocol):
    """policies.activated; see PolicyLog."""

    def read(self) -> Sequence[PolicyActivated]: ...
    def is_stale(self) -> bool: ...


class Ports(NamedTuple):
    """The neighbours."""

    source: Source
    sink: Sink
    tail: Tail
    stages: Stages
    policies: Policies
