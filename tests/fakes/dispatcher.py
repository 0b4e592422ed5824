"""The dispatcher's neighbours in memory. Kafka and Redis outlive dispatchers; the ports of one dispatcher die with it.

Any port call can be made to fail or to be the last thing that a dispatcher does: see Trap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from realname import stages
from realname.activation import PolicyActivated
from realname.envelope import Record, open_record
from realname.errors import Transient
from realname.messages import RegistrationDecided
from realname.stages import LivenessJob, StageResult
from realname.topics import DECIDED
from services.dispatcher.kafka import Aborted, Committed, Listener, Outcome
from services.dispatcher.offsets import Position
from services.dispatcher.overtaken import Mark
from services.dispatcher.records import Arrival, InFlight, Outgoing, Place, Received, Spent, Taken
from services.dispatcher.stages import Collected
from services.dispatcher.tail import DecidedId, Read
from tests.builders import NOON

NOTHING = Spent({})


class Killed(Exception):
    """The dispatcher is dead from here on."""


@dataclass
class Trap:
    """Kills the dispatcher at the n-th step from now; a step is any point between two effects on the outside."""

    steps: int | None = None

    def step(self) -> None:
        if self.steps is None:
            return
        self.steps -= 1
        if self.steps < 0:
            self.steps = None
            raise Killed


@dataclass
class FakeKafka:
    """A broker: submissions, committed positions, what a read_committed reader sees, and who owns what."""

    partitions: int
    clock: Callable[[], datetime]
    submitted: dict[int, list[Received]] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    visible: list[tuple[str, int, Record, int]] = field(default_factory=list)  # topic, partition, record, at_ms
    owner: dict[int, int] = field(default_factory=dict)  # partition -> member
    given: Counter[int] = field(default_factory=Counter)  # how often a partition changed hands: Kafka's generation
    seen: dict[Place, int] = field(default_factory=dict)  # member, partition -> `given` when the member was assigned it

    def __post_init__(self) -> None:
        self.submitted = {partition: [] for partition in range(self.partitions)}
        self.positions = {partition: Position(0) for partition in range(self.partitions)}

    @property
    def now_ms(self) -> int:
        return int(self.clock().timestamp() * 1000)

    def submit(self, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Place:
        offset = len(self.submitted[partition])
        self.submitted[partition].append(Received(partition, offset, key, value, headers, self.now_ms))
        return partition, offset

    def give(self, partition: int, member: int) -> None:
        """To another member, or back to one that has not noticed that it was another's meanwhile."""
        self.owner[partition] = member
        self.given[partition] += 1

    def is_held_by(self, partition: int, member: int) -> bool:
        """As of the member's own assignment, and still."""
        return self.owner.get(partition) == member and self.seen.get((member, partition)) == self.given[partition]

    def decisions(self, topic: str = DECIDED) -> list[RegistrationDecided]:
        found = [open_record(record.value, record.headers) for name, _, record, _ in self.visible if name == topic]
        return [each for each in found if isinstance(each, RegistrationDecided)]


class FakeSource:
    """One member's consumer. It owns what kafka.owner says; it learns of it in poll()."""

    def __init__(self, kafka: FakeKafka, member: int, trap: Trap) -> None:
        self.kafka, self.member, self.trap = kafka, member, trap
        self.at: dict[int, int] = {}
        self.paused: set[int] = set()
        self.waits_s: list[float] = []
        self.listener: Listener | None = None

    def listen(self, listener: Listener) -> None:
        self.listener = listener

    def poll(self, count_max: int, within_s: float, *, idle_s: float = 0.0) -> list[Received]:  # noqa: ARG002 - a fake never waits
        self.waits_s.append(idle_s)
        self.trap.step()
        self._rebalance()
        found: list[Received] = []
        for partition in sorted(self.at.keys() - self.paused):
            log = self.kafka.submitted[partition]
            taken = log[self.at[partition] : self.at[partition] + count_max - len(found)]
            self.at[partition] += len(taken)
            found += taken
        return found

    def release(self, partitions: set[int]) -> None:
        """An orderly hand-over."""
        assert self.listener is not None
        self.listener.revoked(partitions)
        for partition in partitions:
            self.at.pop(partition, None)
            self.kafka.owner.pop(partition, None)

    def committed(self, partitions: set[int]) -> dict[int, Position]:
        self.trap.step()
        return {each: self.kafka.positions[each] for each in partitions}

    def seek(self, positions: Mapping[int, Position]) -> None:
        self.trap.step()
        for partition, position in positions.items():
            self.at[partition] = position.offset

    def pause_only(self, partitions: set[int]) -> None:
        self.paused = set(partitions)

    def end_of(self, partition: int) -> int | None:
        return len(self.kafka.submitted[partition])

    def has_joined(self) -> bool:
        return True

    def _rebalance(self) -> None:
        assert self.listener is not None
        owned = {partition for partition, member in self.kafka.owner.items() if member == self.member}
        gone = {each for each in self.at if not self.kafka.is_held_by(each, self.member)}
        if gone:
            self.listener.lost(set(gone))
            for partition in gone:
                del self.at[partition]
        fresh = {each: self.kafka.positions[each] for each in owned - self.at.keys()}
        if fresh:
            self.paused -= fresh.keys()
            self.kafka.seen |= {(self.member, each): self.kafka.given[each] for each in fresh}
            self.listener.assigned(fresh)
            self.at |= {partition: position.offset for partition, position in fresh.items()}


class FakeSink:
    """One member's transactional producer. fate: what becomes of the next transaction."""

    def __init__(self, kafka: FakeKafka, member: int, trap: Trap) -> None:
        self.kafka, self.member, self.trap = kafka, member, trap
        self.fate = "commit"  # commit | abort | doubt (stands, and is reported as failed)

    def publish(self, outgoing: Sequence[Outgoing], positions: Mapping[int, Position]) -> Outcome:
        self.trap.step()
        fate, self.fate = self.fate, "commit"
        if fate == "abort" or not all(self.kafka.is_held_by(each, self.member) for each in positions):
            return Aborted("_FENCED")
        self.kafka.visible += [(each.topic, each.partition, each.record, self.kafka.now_ms) for each in outgoing]
        self.kafka.positions |= positions
        self.trap.step()
        return Aborted("_TIMED_OUT") if fate == "doubt" else Committed()


class FakePolicies:
    """policies.activated: what a test puts into `events` comes at the next read."""

    def __init__(self) -> None:
        self.events: list[PolicyActivated] = []
        self.stale = False

    def read(self) -> list[PolicyActivated]:
        came, self.events = self.events, []
        return came

    def is_stale(self) -> bool:
        return self.stale


class FakeTail:
    """Reads what is committed at the time of read()."""

    def __init__(self, kafka: FakeKafka, trap: Trap) -> None:
        self.kafka, self.trap = kafka, trap
        self.since_ms: dict[int, int] = {}
        self.is_slow = False  # as if a dead dispatcher's transaction were open

    def start(self, partition: int, *, since_ms: int) -> None:
        self.trap.step()
        self.since_ms[partition] = since_ms

    def stop(self, partition: int) -> None:
        self.since_ms.pop(partition, None)

    def read(self) -> Read:
        if self.is_slow:
            return Read([], set())
        ids = [
            DecidedId(partition, record.key.decode(), at_ms)
            for topic, partition, record, at_ms in self.kafka.visible
            if topic == DECIDED and partition in self.since_ms and at_ms >= self.since_ms[partition]
        ]
        complete = set(self.since_ms)
        self.since_ms.clear()
        return Read(ids, complete)


@dataclass
class FakeRedis:
    """Queue, markers, streams and epoch: all of it can be gone at once."""

    clock: Callable[[], datetime]
    is_down: bool = False
    epoch: int = 0
    entries: int = 0
    marks: dict[str, tuple[str, float, float | None]] = field(default_factory=dict)  # id -> state, at, started_at
    queue: list[LivenessJob] = field(default_factory=list)
    streams: dict[int, dict[int, StageResult | None]] = field(default_factory=dict)
    sent: int = 0
    asked: int = 0
    undecided: dict[int, dict[str, int]] = field(default_factory=dict)

    def wipe(self) -> None:
        self.epoch += 1
        self.marks.clear()
        self.queue.clear()
        self.streams.clear()
        self.entries = 0

    def add(self, result: StageResult, partition: int | None = None) -> None:
        self.entries += 1
        self.streams.setdefault(result.partition if partition is None else partition, {})[self.entries] = result


class FakeStages:
    """What one dispatcher sees of Redis; its cursors die with it."""

    def __init__(self, server: FakeRedis, trap: Trap, *, decide_within_s: float = 2700) -> None:
        self.server, self.trap = server, trap
        self.within_s = decide_within_s
        self.epoch: int | None = None
        self.cursors: dict[int, int] = {}

    def submit(self, jobs: Sequence[Taken], *, again: bool = False) -> list[InFlight]:
        now_s = self._answering().timestamp()
        placed: list[InFlight] = []
        for each in jobs:
            state, at_s, _ = self.server.marks.get(each.submitted.id, ("", now_s, None))
            if state == "dispatched" and not again:
                placed.append(InFlight(each, at_s))
                continue
            self.server.marks[each.submitted.id] = ("dispatching", now_s, None)
            self.trap.step()
            self.server.queue.append(self._job(each))
            self.server.sent += 1
            self.trap.step()
            self.server.marks[each.submitted.id] = ("dispatched", now_s, None)
            placed.append(InFlight(each, now_s))
        return placed

    def collect(self, partitions: Iterable[int], spent: Spent) -> Collected:
        self.server.asked += 1
        self.delete(spent)
        now = self._answering()
        lost = self.epoch not in {None, self.server.epoch}
        self.epoch = self.server.epoch
        if lost:
            self.cursors.clear()
            return Collected(now, lost, [])
        arrivals = [
            Arrival(partition, str(number), result)
            for partition in partitions
            for number, result in self.server.streams.get(partition, {}).items()
            if number > self.cursors.get(partition, 0)
        ]
        for arrival in arrivals:
            self.cursors[arrival.partition] = int(arrival.entry)
        return Collected(now, lost, arrivals)

    def read_again(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self.cursors.pop(partition, None)

    def delete(self, spent: Spent) -> None:
        if self.server.is_down:
            self.cursors.clear()
        self._answering()
        self.trap.step()
        for partition, numbers in spent.entries.items():
            for number in numbers:
                self.server.streams.get(partition, {}).pop(int(number), None)
        for each in spent.registration_ids:
            self.server.marks.pop(each, None)

    def marks(self, jobs: Sequence[Taken]) -> dict[Place, Mark]:
        self._answering()
        found = {each.place: self.server.marks.get(each.submitted.id) for each in jobs}
        return {place: Mark("liveness", mark[2]) if mark else Mark() for place, mark in found.items()}

    def held(self, jobs: Sequence[Taken]) -> set[Place]:
        self._answering()
        queued = {job.submitted.id for job in self.server.queue}
        return {each.place for each in jobs if each.submitted.id in queued}

    def queue_lengths(self) -> tuple[dict[str, int], int]:
        self._answering()
        return dict.fromkeys(stages.QUEUES, 0) | {"liveness": len(self.server.queue)}, 0

    def tell_undecided(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        self._answering()
        self.server.undecided |= {each: dict(by_operator) for each, by_operator in counts.items()}

    def _answering(self) -> datetime:
        if self.server.is_down:
            raise Transient("down")
        return self.server.clock()

    def _job(self, taken: Taken) -> LivenessJob:
        return LivenessJob(
            submitted=taken.submitted,
            partition=taken.partition,
            offset=taken.offset,
            deadline_at=taken.deadline_at(self.within_s),
            dispatched_at=self.server.clock(),
            traceparent=taken.traceparent,
        )


class FakeClock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    def move(self, by_s: float) -> None:
        self.now += timedelta(seconds=by_s)
