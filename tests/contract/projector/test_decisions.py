"""What the projector may expect of its log, on the fake and on a real broker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

import pytest

from deploy.local.kafka import Broker
from deploy.local.topics import create_topics
from realname.envelope import Record, seal_record
from realname.topics import Topic
from services.projector.decisions import KafkaDecisions
from services.projector.loop import Decisions
from tests.eventually import eventually
from tests.fakes.projector import FakeDecisions, FakeLog
from tests.transactions import Transactions, a_decision

PARTITIONS = 3
HOUR_MS = 3_600_000
NOW_MS = int(time.time() * 1000)  # the markers of a transaction carry the broker's time, and count as records do


class Rig(Protocol):
    decisions: Decisions

    def write(self, partition: int, record: Record, at_ms: int, *, commits: bool = True) -> None: ...


class FakeRig:
    def __init__(self) -> None:
        self.log = FakeLog({partition: [] for partition in range(PARTITIONS)})
        self.decisions = FakeDecisions(self.log)

    def write(self, partition: int, record: Record, at_ms: int, *, commits: bool = True) -> None:
        self.log.write(partition, record, at_ms, commits=commits)


class RealRig:
    def __init__(self, broker: Broker, topic: str) -> None:
        # CreateTime, so that a test says when a record was written
        create_topics(broker.bootstrap, [Topic(topic, PARTITIONS, 400 * 24 * HOUR_MS)])
        self.topic = topic
        self.transactions = Transactions(broker.bootstrap)
        self.decisions = KafkaDecisions(broker.bootstrap, PARTITIONS, topic=topic)

    def write(self, partition: int, record: Record, at_ms: int, *, commits: bool = True) -> None:
        self.transactions.write(self.topic, [(partition, record)], commits=commits, at_ms=at_ms)


@pytest.fixture(params=["fake", "real"])
def rig(request: pytest.FixtureRequest, prefix: str) -> Iterator[Rig]:
    if request.param == "fake":
        yield FakeRig()
        return
    real = RealRig(request.getfixturevalue("kafka"), prefix + "decided")
    yield real
    real.decisions.close()


def a_record() -> Record:
    decided = a_decision()
    return seal_record(decided, key=decided.id)


def read_all(decisions: Decisions, ends: dict[int, int]) -> list[bytes | None]:
    """Everything up to these ends."""
    found: list[bytes | None] = []

    def is_read() -> bool:
        found.extend(record.value for record in decisions.poll(100, 0.1))
        positions = decisions.positions()
        return all(positions.get(partition, -1) >= end for partition, end in ends.items())

    eventually(is_read, within_s=15)
    return found


def test_a_rewind_goes_back_by_the_age_counted_from_the_newest_record(rig: Rig) -> None:
    old, young, newest = a_record(), a_record(), a_record()
    rig.write(0, old, NOW_MS - 3 * HOUR_MS)
    rig.write(0, young, NOW_MS - HOUR_MS)
    rig.write(1, newest, NOW_MS)
    ends = rig.decisions.rewind(2 * 3600)
    assert sorted(read_all(rig.decisions, ends)) == sorted([young.value, newest.value])


def test_an_empty_log_is_read_at_once(rig: Rig) -> None:
    ends = rig.decisions.rewind(3600)
    assert ends == dict.fromkeys(range(PARTITIONS), 0)
    assert read_all(rig.decisions, ends) == []


def test_an_aborted_decision_is_never_seen_and_does_not_hold_up_the_end(rig: Rig) -> None:
    kept, aborted = a_record(), a_record()
    rig.write(2, kept, NOW_MS)
    rig.write(2, aborted, NOW_MS, commits=False)
    ends = rig.decisions.rewind(3600)
    assert read_all(rig.decisions, ends) == [kept.value]


def test_what_comes_later_is_read_too_in_order(rig: Rig) -> None:
    read_all(rig.decisions, rig.decisions.rewind(3600))
    first, second = a_record(), a_record()
    rig.write(0, first, NOW_MS)
    rig.write(0, second, NOW_MS)
    found: list[bytes | None] = []
    eventually(lambda: found.extend(r.value for r in rig.decisions.poll(100, 0.1)) or len(found) == 2)
    assert found == [first.value, second.value]


def test_a_second_rewind_reads_the_same_again(rig: Rig) -> None:
    record = a_record()
    rig.write(0, record, NOW_MS)
    for _ in range(2):
        assert read_all(rig.decisions, rig.decisions.rewind(3600)) == [record.value]


def test_a_stopped_partition_brings_nothing_until_the_next_rewind(rig: Rig) -> None:
    rig.write(0, a_record(), NOW_MS)
    read_all(rig.decisions, rig.decisions.rewind(3600))
    rig.decisions.stop(0, 0)
    rig.write(0, a_record(), NOW_MS)
    beside = a_record()
    rig.write(1, beside, NOW_MS)
    found: list[bytes | None] = []
    eventually(lambda: found.extend(r.value for r in rig.decisions.poll(100, 0.1)) or found)
    assert found == [beside.value]
    assert rig.decisions.positions()[0] == 0
    assert len(read_all(rig.decisions, rig.decisions.rewind(3600))) == 3


def test_nothing_is_behind_when_all_is_read(rig: Rig) -> None:
    rig.write(0, a_record(), NOW_MS)
    read_all(rig.decisions, rig.decisions.rewind(3600))
    assert rig.decisions.lags() == dict.fromkeys(range(PARTITIONS), 0)
