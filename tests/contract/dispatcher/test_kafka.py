"""What the dispatcher may rely on in Kafka: the same suite on the fake and on a real broker."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from confluent_kafka.admin import AdminClient
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from deploy.local.kafka import Broker
from deploy.local.topics import commit_first_offsets, create_topics
from realname.envelope import Record
from realname.topics import DECIDED, Topic
from services.dispatcher.kafka import (
    CALL_S,
    Aborted,
    Committed,
    KafkaSink,
    KafkaSource,
    LedgerLost,
    OffsetsMissing,
    consumer_config,
)
from services.dispatcher.ledger import TRANSACTION_OFFSETS_MAX
from services.dispatcher.offsets import Position
from services.dispatcher.ports import Sink, Source, Tail
from services.dispatcher.records import Outgoing, Received
from services.dispatcher.tail import DecidedTail
from tests.eventually import eventually
from tests.fakes.dispatcher import FakeClock, FakeKafka, FakeSink, FakeSource, FakeTail, Trap

PARTITIONS = 2
DAY_MS = 86_400_000


@dataclass
class Notes:
    """A listener that writes down what it is told."""

    owned: dict[int, Position] = field(default_factory=dict)
    on_revoked: Callable[[], None] = lambda: None

    def assigned(self, positions: Mapping[int, Position]) -> None:
        self.owned |= positions

    def revoked(self, partitions: set[int]) -> None:
        self.on_revoked()
        self.lost(partitions)

    def lost(self, partitions: set[int]) -> None:
        for partition in partitions:
            self.owned.pop(partition, None)


@dataclass
class Member:
    source: Source
    sink: Sink
    tail: Tail
    notes: Notes
    close: Callable[[], None]
    polls: int = 0

    def poll(self) -> list[Received]:
        """Both ways of waiting, in turn."""
        self.polls += 1
        return list(self.source.poll(100, 0.05, idle_s=0.1 * (self.polls % 2)))


class Rig(Protocol):
    decided: str

    def member(self) -> Member: ...
    def submit(self, partition: int, key: str) -> None: ...
    def visible(self) -> list[str]:
        """Keys of the decided topic, as a read_committed reader sees them."""
        ...

    def out_of_date(self) -> Member:
        """A member whose partitions went to another one, without its knowing."""
        ...


class FakeRig:
    decided = DECIDED

    def __init__(self) -> None:
        self.kafka = FakeKafka(PARTITIONS, FakeClock())
        self.kafka.owner = dict.fromkeys(range(PARTITIONS), 0)

    def member(self) -> Member:
        source, notes = FakeSource(self.kafka, 0, Trap()), Notes()
        source.listen(notes)
        return Member(source, FakeSink(self.kafka, 0, Trap()), FakeTail(self.kafka, Trap()), notes, lambda: None)

    def submit(self, partition: int, key: str) -> None:
        self.kafka.submit(partition, key.encode(), b"v", [])

    def visible(self) -> list[str]:
        return [record.key.decode() for topic, _, record, _ in self.kafka.visible if topic == DECIDED]

    def out_of_date(self) -> Member:
        member = self.member()
        member.poll()
        self.kafka.owner = dict.fromkeys(range(PARTITIONS), 1)
        return member


class RealRig:
    def __init__(self, broker: Broker, prefix: str) -> None:
        self.broker = broker
        self.submitted, self.decided, self.group = prefix + "submitted", prefix + "decided", prefix + "group"
        topics = [Topic(name, PARTITIONS, DAY_MS, log_append_time=True) for name in (self.submitted, self.decided)]
        create_topics(broker.bootstrap, topics)
        commit_first_offsets(broker.bootstrap, self.group, topics[0])
        self.producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
        self.members: list[Member] = []

    def member(self, *, group_metadata: Callable[[], Any] | None = None) -> Member:
        source = KafkaSource(consumer_config(self.broker.bootstrap, self.group, session_timeout_s=6), self.submitted)
        tail, notes = DecidedTail(self.broker.bootstrap, self.decided), Notes()
        sink = self.sink(group_metadata or source.group_metadata)
        source.listen(notes)

        def close() -> None:
            source.close()
            tail.close()

        self.members.append(Member(source, sink, tail, notes, close))
        return self.members[-1]

    def sink(self, group_metadata: Callable[[], Any], slot: int | None = None) -> KafkaSink:
        number = random.randrange(100_000) if slot is None else slot
        return KafkaSink(self.broker.bootstrap, slot=number, topic=self.submitted, timeout_s=15, group_metadata=group_metadata)

    def submit(self, partition: int, key: str) -> None:
        self.producer.send(self.submitted, b"v", key.encode(), partition=partition).get(10)

    def visible(self) -> list[str]:
        reader = KafkaConsumer(
            bootstrap_servers=self.broker.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest", group_id=None
        )
        places = [TopicPartition(self.decided, partition) for partition in range(PARTITIONS)]
        reader.assign(places)
        ends = reader.end_offsets(places)
        keys: list[str] = []
        while any(reader.position(place) < ends[place] for place in places):
            for records in reader.poll(timeout_ms=100).values():
                keys += [record.key.decode() for record in records]
        reader.close()
        return keys

    def out_of_date(self) -> Member:
        stale: list[Any] = []
        member = self.member(group_metadata=lambda: stale[0])
        all_owned(member)
        assert isinstance(member.source, KafkaSource)
        stale.append(member.source.group_metadata())
        other = self.member()
        eventually(lambda: member.poll() is not None and other.poll() is not None and other.notes.owned, within_s=20)
        return member

    def close(self) -> None:
        for member in self.members:
            member.close()
        self.producer.close(timeout=1)


@pytest.fixture(params=["fake", "real"])
def rig(request: pytest.FixtureRequest, prefix: str) -> Iterator[Rig]:
    if request.param == "fake":
        yield FakeRig()
        return
    real = RealRig(request.getfixturevalue("kafka"), prefix)
    yield real
    real.close()


@pytest.fixture
def real(kafka: Broker, prefix: str) -> Iterator[RealRig]:
    rig = RealRig(kafka, prefix)
    yield rig
    rig.close()


def all_owned(member: Member) -> None:
    eventually(lambda: member.poll() is not None and len(member.notes.owned) == PARTITIONS, within_s=20)


def read(member: Member, count: int) -> list[tuple[int, int]]:
    found: list[Received] = []

    def is_read() -> bool:
        found.extend(member.poll())
        return len(found) >= count

    eventually(is_read, within_s=20)
    return sorted((record.partition, record.offset) for record in found)


def decision(rig: Rig, key: str, partition: int = 0) -> Outgoing:
    return Outgoing(rig.decided, partition, Record(key.encode(), b"decided", [("ce_type", b"t")]))


def test_records_of_all_owned_partitions_come_with_key_value_and_the_brokers_time(rig: Rig) -> None:
    rig.submit(0, "a")
    rig.submit(1, "b")
    member = rig.member()
    assert read(member, 2) == [(0, 0), (1, 0)]
    rig.submit(1, "c")
    (record,) = eventually(member.poll)
    assert (record.key, record.value, record.partition, record.offset) == (b"c", b"v", 1, 1)
    assert record.at_ms > 1_700_000_000_000


def test_while_nothing_is_to_be_done_a_record_ends_the_wait(rig: Rig) -> None:
    member = rig.member()
    rig.submit(0, "a")
    read(member, 1)
    rig.submit(0, "b")
    before = time.monotonic()
    found = list(member.source.poll(100, 0.05, idle_s=30.0))
    assert [record.key for record in found] == [b"b"]
    assert time.monotonic() - before < 15


def test_a_decision_and_its_position_are_committed_together_and_the_next_owner_starts_there(rig: Rig) -> None:
    for key in ("a", "b", "c"):
        rig.submit(0, key)
    first = rig.member()
    assert read(first, 3) == [(0, 0), (0, 1), (0, 2)]
    assert first.sink.publish([decision(rig, "a"), decision(rig, "c")], {0: Position(1, "the map")}) == Committed()
    assert sorted(rig.visible()) == ["a", "c"]
    assert first.source.committed({0}) == {0: Position(1, "the map")}
    first.close()
    second = rig.member()
    assert read(second, 2) == [(0, 1), (0, 2)]
    assert second.notes.owned[0] == Position(1, "the map")


def test_a_full_transaction_of_fat_decisions_in_one_partition_is_committed(rig: Rig) -> None:
    member = rig.member()
    all_owned(member)
    keys = [f"fat-{number:03}" for number in range(TRANSACTION_OFFSETS_MAX)]
    fat = [Outgoing(rig.decided, 0, Record(key.encode(), random.randbytes(2500), [("ce_type", b"t")])) for key in keys]
    assert member.sink.publish(fat, {0: Position(0)}) == Committed()
    assert rig.visible() == keys


def test_a_member_whose_partitions_went_away_cannot_commit_and_nothing_of_it_is_seen(rig: Rig) -> None:
    member = rig.out_of_date()
    assert isinstance(member.sink.publish([decision(rig, "a")], {0: Position(1)}), Aborted)
    assert rig.visible() == []


def test_after_a_seek_the_same_records_come_again(rig: Rig) -> None:
    rig.submit(0, "a")
    rig.submit(0, "b")
    member = rig.member()
    read(member, 2)
    member.source.seek({0: Position(0)})
    assert read(member, 2) == [(0, 0), (0, 1)]


def test_a_paused_partition_brings_nothing_and_loses_nothing(rig: Rig) -> None:
    member = rig.member()
    all_owned(member)
    member.source.pause_only({0})
    rig.submit(0, "a")
    rig.submit(1, "b")
    assert read(member, 1) == [(1, 0)]
    member.source.pause_only({1})
    assert read(member, 1) == [(0, 0)]


def test_a_paused_partition_that_was_read_back_goes_on_from_there(rig: Rig) -> None:
    rig.submit(0, "a")
    rig.submit(0, "b")
    member = rig.member()
    read(member, 2)
    member.source.pause_only({0})
    member.poll()
    member.source.seek({0: Position(0)})
    member.poll()
    member.source.pause_only(set())
    assert read(member, 2) == [(0, 0), (0, 1)]


def test_the_tail_brings_the_ids_of_committed_decisions_and_says_when_it_is_complete(rig: Rig) -> None:
    member = rig.member()
    all_owned(member)
    member.sink.publish([decision(rig, "a"), decision(rig, "b", partition=1)], {0: Position(0)})
    member.sink.publish([decision(rig, "c")], {0: Position(0)})
    assert tail_of(member, 0, since_ms=0) == ["a", "c"]
    assert tail_of(member, 1, since_ms=0) == ["b"]
    assert tail_of(member, 0, since_ms=4_000_000_000_000) == []


def tail_of(member: Member, partition: int, *, since_ms: int) -> list[str]:
    ids: list[str] = []

    def is_complete() -> bool:
        read = member.tail.read()
        ids.extend(each.registration_id for each in read.ids if each.partition == partition)
        return partition in read.complete

    member.tail.start(partition, since_ms=since_ms)
    eventually(is_complete, within_s=20)
    return ids


def test_a_tail_waits_for_what_a_dead_dispatchers_open_transaction_hides(real: RealRig) -> None:
    member = real.member()
    all_owned(member)
    slot = random.randrange(100_000)
    dead = real.sink(member.source.group_metadata, slot)
    dead._producer.begin_transaction()
    dead._produce(decision(real, "never"))
    dead._producer.flush(10)
    member.sink.publish([decision(real, "hidden")], {0: Position(0)})
    member.tail.start(0, since_ms=0)
    for _ in range(20):
        assert member.tail.read().complete == set()
    real.sink(member.source.group_metadata, slot)  # its successor aborts it
    ids: list[str] = []

    def is_complete() -> bool:
        read = member.tail.read()
        ids.extend(each.registration_id for each in read.ids)
        return read.complete == {0}

    eventually(is_complete, within_s=20)
    assert ids == ["hidden"]


def test_a_tail_whose_first_records_went_meanwhile_ends_the_process_instead_of_waiting_for_ever(real: RealRig) -> None:
    member = real.member()
    all_owned(member)
    for key in ("a", "b", "c"):
        member.sink.publish([decision(real, key)], {0: Position(0)})
    admin = KafkaAdminClient(bootstrap_servers=real.broker.bootstrap)
    admin.delete_records({TopicPartition(real.decided, 0): 3})
    admin.close()
    assert isinstance(member.tail, DecidedTail)
    member.tail._begin(0, 0, 6)  # as they were told before the records went; a marker follows each
    with pytest.raises(LedgerLost, match="tail"):
        eventually(lambda: 0 in member.tail.read().complete, within_s=10)
    assert tail_of(real.member(), 0, since_ms=0) == ["c"]


def test_a_second_process_of_the_same_slot_fences_the_first(real: RealRig) -> None:
    member = real.member()
    all_owned(member)
    slot = random.randrange(100_000)
    first = real.sink(member.source.group_metadata, slot)
    assert first.publish([decision(real, "a")], {0: Position(0)}) == Committed()
    real.sink(member.source.group_metadata, slot)
    with pytest.raises(LedgerLost):
        first.publish([decision(real, "b")], {0: Position(0)})
    assert real.visible() == ["a"]


def test_leaving_the_group_is_the_last_chance_to_commit(real: RealRig) -> None:
    member = real.member()
    all_owned(member)
    outcomes: list[object] = []
    member.notes.on_revoked = lambda: outcomes.append(member.sink.publish([decision(real, "last")], {0: Position(0, "m")}))
    member.source.close()
    assert outcomes == [Committed()]
    assert real.visible() == ["last"]


def assigned_by_the_group(real: RealRig) -> int:
    admin = AdminClient({"bootstrap.servers": real.broker.bootstrap})
    group = admin.describe_consumer_groups([real.group])[real.group].result(10)
    return sum(len(member.assignment.topic_partitions) for member in group.members)


def test_who_leaves_before_hearing_of_its_partitions_asks_for_nothing_and_the_next_owner_has_them(real: RealRig) -> None:
    early = real.member()
    eventually(lambda: assigned_by_the_group(real) == PARTITIONS, within_s=20)
    gone: list[object] = []
    early.notes.on_revoked = lambda: gone.append("revoked")
    started_s = time.monotonic()
    early.source.close()
    assert time.monotonic() - started_s < CALL_S / 2  # it does not wait for an answer that cannot come
    assert (early.notes.owned, gone) == ({}, [])
    all_owned(real.member())


def test_a_partition_without_a_committed_offset_stops_the_process_instead_of_guessing(kafka: Broker, prefix: str) -> None:
    topic = Topic(prefix + "bare", 1, DAY_MS)
    create_topics(kafka.bootstrap, [topic])
    source = KafkaSource(consumer_config(kafka.bootstrap, prefix + "group", session_timeout_s=6), topic.name)
    source.listen(Notes())
    with pytest.raises(OffsetsMissing):
        poll_on(source)
    source.close()


def test_what_a_listener_raises_comes_out_of_poll(real: RealRig) -> None:
    class Broken(Notes):
        def assigned(self, positions: Mapping[int, Position]) -> None:
            raise LedgerLost(f"here {len(positions)}")

    source = KafkaSource(consumer_config(real.broker.bootstrap, real.group, session_timeout_s=6), real.submitted)
    source.listen(Broken())
    with pytest.raises(LedgerLost, match="here"):
        poll_on(source)
    source.close()


def poll_on(source: KafkaSource) -> None:
    """For 20 s at most."""
    for _ in range(200):
        source.poll(1, 0.1)
