"""What the janitor may expect of its log, on the fake and on a real broker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

import pytest

from deploy.local.kafka import Broker
from deploy.local.topics import commit_first_offsets, create_topics
from realname.envelope import Record, seal_record
from realname.errors import SettingsWrong
from realname.topics import Topic
from services.janitor.decision_log import KafkaDecisionLog
from services.janitor.ports import DecisionLog, DecisionRecord
from tests.eventually import eventually
from tests.fakes.janitor import FakeBroker, FakeDecisionLog
from tests.transactions import Transactions, a_decision

PARTITIONS = 2
DAY_MS = 86_400_000


class Rig(Protocol):
    """A broker that outlives the janitors that `join` it, one after the other."""

    def join(self) -> contextlib.AbstractContextManager[DecisionLog]: ...
    def write(self, partition: int, record: Record, *, commits: bool = True) -> None: ...
    def begin(self, partition: int, record: Record) -> None: ...
    def end(self, partition: int) -> None: ...
    def submit(self, partition: int, record: Record) -> None: ...


class FakeRig:
    def __init__(self) -> None:
        self.broker = FakeBroker(PARTITIONS)

    @contextlib.contextmanager
    def join(self) -> Iterator[DecisionLog]:
        yield FakeDecisionLog(self.broker)

    def write(self, partition: int, record: Record, *, commits: bool = True) -> None:
        self.broker.write(partition, record, datetime.now(tz=UTC), commits=commits)

    def begin(self, partition: int, record: Record) -> None:
        self.broker.begin(partition, record, datetime.now(tz=UTC))

    def end(self, partition: int) -> None:
        self.broker.end(partition, datetime.now(tz=UTC))

    def submit(self, partition: int, record: Record) -> None:  # noqa: ARG002
        self.broker.submitted[partition] += 2  # the record and its transaction's marker


class RealRig:
    def __init__(self, broker: Broker, prefix: str) -> None:
        self.broker = broker
        self.names = {
            "submitted": prefix + "submitted",
            "decided": prefix + "decided",
            "group": prefix + "janitor",
            "dispatchers": prefix + "dispatchers",
        }
        topics = [Topic(self.names[name], PARTITIONS, DAY_MS, log_append_time=True) for name in ("submitted", "decided")]
        create_topics(broker.bootstrap, topics)
        commit_first_offsets(broker.bootstrap, self.names["dispatchers"], topics[0])
        self.transactions = Transactions(broker.bootstrap)

    @contextlib.contextmanager
    def join(self, partitions: int = PARTITIONS) -> Iterator[KafkaDecisionLog]:
        log = KafkaDecisionLog(self.broker.bootstrap, partitions, **self.names)
        yield log
        log.close()

    def write(self, partition: int, record: Record, *, commits: bool = True) -> None:
        self.transactions.write(self.names["decided"], [(partition, record)], commits=commits)

    def begin(self, partition: int, record: Record) -> None:
        self.transactions.begin(self.names["decided"], [(partition, record)])

    def end(self, partition: int) -> None:  # noqa: ARG002
        self.transactions.commit()

    def submit(self, partition: int, record: Record) -> None:
        self.transactions.write(self.names["submitted"], [(partition, record)])


@pytest.fixture(params=["fake", "real"])
def rig(request: pytest.FixtureRequest, prefix: str) -> Rig:
    return FakeRig() if request.param == "fake" else RealRig(request.getfixturevalue("kafka"), prefix)


def a_record() -> Record:
    decided = a_decision()
    return seal_record(decided, key=decided.id)


def poll_until(log: DecisionLog, count: int) -> list[DecisionRecord]:
    """The next `count` records."""
    records: list[DecisionRecord] = []
    eventually(lambda: records.extend(log.poll(100, 0.1).records) or len(records) >= count, within_s=20)
    assert len(records) == count
    return records


def is_read_up_to(log: DecisionLog, partition: int, end: int) -> bool:
    """Polls once more."""
    log.poll(100, 0.05)
    return log.read().get(partition) == end


def test_all_partitions_are_opened_and_told_once(rig: Rig) -> None:
    with rig.join() as log:
        opened: set[int] = set()
        eventually(lambda: opened.update(log.poll(10, 0.1).opened) or len(opened) == PARTITIONS, within_s=20)
        assert not log.poll(10, 0.1).opened


def test_a_record_carries_the_brokers_time(rig: Rig) -> None:
    with rig.join() as log:
        rig.write(0, a_record())
        (record,) = poll_until(log, 1)
        assert abs((datetime.now(tz=UTC) - record.recorded_at).total_seconds()) < 60


def test_the_next_janitor_starts_at_the_committed_position(rig: Rig) -> None:
    first, second = a_record(), a_record()
    rig.write(0, first)
    rig.write(0, second)
    with rig.join() as log:
        records = poll_until(log, 2)
        log.commit({0: records[1].offset})
    with rig.join() as log:
        assert [record.value for record in poll_until(log, 1)] == [second.value]


def test_without_a_commit_the_next_janitor_reads_all_again(rig: Rig) -> None:
    rig.write(0, a_record())
    for _ in range(2):
        with rig.join() as log:
            poll_until(log, 1)


def test_an_aborted_decision_is_not_seen_but_read_past(rig: Rig) -> None:
    kept = a_record()
    rig.write(1, a_record(), commits=False)
    rig.write(1, kept)
    rig.write(1, a_record(), commits=False)
    with rig.join() as log:
        assert [record.value for record in poll_until(log, 1)] == [kept.value]
        # three records and three markers: an idle log is read to its very end, or no orphan would ever be one
        eventually(lambda: is_read_up_to(log, 1, 6), within_s=20)
        assert log.view().decided[1] == 6
        assert log.lags()[1] == 0


def test_an_open_transaction_lies_before_the_end_that_is_shown_but_not_before_what_is_read(rig: Rig) -> None:
    with rig.join() as log:
        rig.write(0, a_record())
        poll_until(log, 1)
        eventually(lambda: is_read_up_to(log, 0, 2))
        rig.begin(0, a_record())
        log.poll(10, 0.3)
        view = log.view()
        assert view.decided[0] == 3
        assert view.read[0] == 2
        rig.end(0)
        eventually(lambda: is_read_up_to(log, 0, 4))


def test_the_view_shows_what_is_submitted_and_what_is_complete(rig: Rig) -> None:
    with rig.join() as log:
        eventually(lambda: is_read_up_to(log, 0, 0) and is_read_up_to(log, 1, 0), within_s=20)
        rig.submit(1, a_record())
        eventually(lambda: log.view().submitted == {0: 0, 1: 2})  # a commit is answered before its marker is written
        view = log.view()
        assert view.complete == {0: 0, 1: 0}
        assert view.read == {0: 0, 1: 0}


def test_a_stopped_partition_brings_nothing_and_is_not_read_further(rig: Rig) -> None:
    rig.write(0, a_record())
    with rig.join() as log:
        (record,) = poll_until(log, 1)
        log.stop(0, record.offset)
        rig.write(0, a_record())
        rig.write(1, a_record())
        assert [each.partition for each in poll_until(log, 1)] == [1]
        assert log.read()[0] == record.offset


def test_a_poll_for_nothing_brings_nothing_and_loses_nothing(rig: Rig) -> None:
    with rig.join() as log:
        rig.write(0, a_record())
        poll_until(log, 1)
        log.poll(0, 0.1)
        rig.write(0, a_record())
        assert log.poll(0, 0.3).records == []
        poll_until(log, 1)


def test_another_count_of_partitions_than_the_settings_say_is_refused(kafka: Broker, prefix: str) -> None:
    with RealRig(kafka, prefix).join(partitions=PARTITIONS + 1) as log, pytest.raises(SettingsWrong, match="REALNAME_PARTITIONS"):
        log.view()


def test_two_janitors_share_the_partitions_and_one_takes_over(kafka: Broker, prefix: str) -> None:
    rig = RealRig(kafka, prefix)
    with rig.join() as first:
        eventually(lambda: first.poll(10, 0.1) and len(first.read()) == PARTITIONS, within_s=20)
        with rig.join() as second:
            eventually(lambda: first.poll(10, 0.1) and second.poll(10, 0.1) and len(second.read()) == 1, within_s=30)
            eventually(lambda: first.poll(10, 0.1) and second.poll(10, 0.1) and len(first.read()) == 1, within_s=30)
            assert set(first.read()) | set(second.read()) == set(range(PARTITIONS))
        eventually(lambda: first.poll(10, 0.1) and len(first.read()) == PARTITIONS, within_s=30)
