"""registrations.decided as the janitor reads it, and the offsets an orphan is judged by: the door to confluent-kafka.

auto.offset.reset is `earliest`, unlike the dispatcher's `error`: where the group's offsets are lost, every decision is
read again, deletions are repeated (they change nothing) and no media goes before its time, since that comes from the
record. `latest` would leave the media of every decision in between to the orphan sweep, and `error` would stop deleting.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# The library types its admin calls only in part; that ends in this file.

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, cast

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # pyright: ignore[reportPrivateImportUsage]  its documented place

from realname.errors import SettingsWrong, Transient
from realname.topics import DECIDED, DISPATCHER_GROUP, SUBMITTED
from services.janitor.orphans import LogView
from services.janitor.ports import DecisionRecord, Polled

GROUP = "janitor"
CALL_S = 5.0
GATHER_MS = 500  # the broker gathers so long: media that goes at once goes half a second later, in fewer turns
GATHER_BYTES = 64 * 1024
SESSION_MS = 6_000  # the broker's minimum: a killed janitor's partitions are read again after this


class KafkaDecisionLog:
    """`DecisionLog` on a real broker, as one member of a dynamic group."""

    def __init__(
        self,
        bootstrap: str,
        partitions: int,
        *,
        submitted: str = SUBMITTED,
        decided: str = DECIDED,
        group: str = GROUP,
        dispatchers: str = DISPATCHER_GROUP,
    ) -> None:
        """Does not wait for the broker. Other names than the defaults are for tests on a shared broker."""
        self._submitted, self._decided, self._dispatchers, self._count = submitted, decided, dispatchers, partitions
        self._opened: set[int] = set()
        self._closed: set[int] = set()
        self._read: dict[int, int] = {}
        self._stopped: set[int] = set()
        self._is_checked = self._is_held = self._is_refused = False
        common: dict[str, str | int | float | bool] = {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.max.ms": 1000,
            "log_level": 2,
        }
        self._admin = AdminClient(common)
        self._consumer = Consumer(
            common
            | {
                "group.id": group,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "on_commit": self._answered,
                "fetch.wait.max.ms": GATHER_MS,
                "fetch.min.bytes": GATHER_BYTES,
                "enable.partition.eof": True,  # the position stands before trailing markers; this tells that nothing follows
                "session.timeout.ms": SESSION_MS,
                "heartbeat.interval.ms": SESSION_MS // 3,
                "partition.assignment.strategy": "cooperative-sticky",
            }
        )
        self._consumer.subscribe([decided], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def poll(self, records_max: int, wait_s: float) -> Polled:
        self._hold(is_held=records_max == 0)
        deadline_s = time.monotonic() + wait_s
        messages: list[Message] = []
        while len(messages) < max(1, records_max):
            message = self._consumer.poll(0 if messages else max(0.0, deadline_s - time.monotonic()))
            if message is None:
                break
            if self._is_record(message):
                messages.append(message)
        closed, opened = self._closed, self._opened
        self._closed, self._opened = set(), set()
        # a rebalance in the midst of this poll can have taken the partition of a message already polled
        records = [_record(message) for message in messages if message.partition() in self._read.keys() - self._stopped]
        for record in records:
            self._read[record.partition] = max(self._read[record.partition], record.offset + 1)
        return Polled(frozenset(closed), frozenset(opened), records)

    def commit(self, positions: Mapping[int, int]) -> None:
        """Does not wait: a synchronous commit waits for a minute where the broker is gone. A refusal is raised next time."""
        if self._is_refused:
            self._is_refused = False
            raise Transient("commit_refused")
        offsets = [TopicPartition(self._decided, partition, offset) for partition, offset in positions.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            _raise_fatal(error)
            raise Transient("kafka_silent") from None

    def stop(self, partition: int, offset: int) -> None:
        self._consumer.pause([TopicPartition(self._decided, partition)])
        self._stopped.add(partition)
        self._read[partition] = min(offset, self._read.get(partition, offset))

    def read(self) -> dict[int, int]:
        return dict(self._read)

    def lags(self) -> dict[int, int]:
        lags: dict[int, int] = {}
        for partition, read in self._read.items():
            _, end = self._consumer.get_watermark_offsets(TopicPartition(self._decided, partition), cached=True)
            lags[partition] = max(0, end - max(read, 0)) if end >= 0 else 0
        return lags

    def view(self) -> LogView:
        try:
            self._check_partitions()
            owned = sorted(self._read)
            submitted = self._ends(self._submitted, owned)
            complete = self._complete(owned)
            decided = self._ends(self._decided, owned)
        except KafkaException as error:
            _raise_fatal(error)
            raise Transient("kafka_silent") from None
        return LogView(submitted, complete, decided, self.read())

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _assigned(self, _consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        for place in places:
            self._opened.add(place.partition)
            self._read[place.partition] = -1

    def _revoked(self, _consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        for place in places:
            self._closed.add(place.partition)
            self._opened.discard(place.partition)
            self._stopped.discard(place.partition)
            self._read.pop(place.partition, None)

    def _answered(self, error: KafkaError | None, _places: Sequence[TopicPartition]) -> None:
        self._is_refused = self._is_refused or error is not None

    def _hold(self, *, is_held: bool) -> None:
        """Polled as ever, for the group's sake, but without records."""
        if is_held == self._is_held:
            return
        self._is_held = is_held
        places = [TopicPartition(self._decided, partition) for partition in self._read.keys() - self._stopped]
        (self._consumer.pause if is_held else self._consumer.resume)(places)

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  its public name
            partition, offset = message.partition(), message.offset()
            if partition in self._read and partition not in self._stopped and offset is not None:
                self._read[partition] = max(self._read[partition], offset)
        elif error.fatal():
            raise KafkaException(error)
        return False

    def _check_partitions(self) -> None:
        """A wrong count would look for an object's submission in another partition, and take it for an orphan."""
        if self._is_checked:
            return
        for topic in (self._submitted, self._decided):
            found = len(self._admin.list_topics(topic, timeout=CALL_S).topics[topic].partitions)
            if found != self._count:
                raise SettingsWrong(f"REALNAME_PARTITIONS is {self._count}, topic {topic} has {found}")
        self._is_checked = True

    def _ends(self, topic: str, owned: Sequence[int]) -> dict[int, int]:
        """The ends of the log, those of open transactions included."""
        wanted: Any = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in owned}
        found = self._admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=CALL_S)
        return {place.partition: _answer(future).offset for place, future in found.items()}

    def _complete(self, owned: Sequence[int]) -> dict[int, int]:
        """The dispatchers' committed watermarks; a partition without one is left out."""
        asked = ConsumerGroupTopicPartitions(
            self._dispatchers, [TopicPartition(self._submitted, partition) for partition in owned]
        )
        answer = self._admin.list_consumer_group_offsets([asked], require_stable=True, request_timeout=CALL_S)
        places: list[TopicPartition] = _answer(answer[self._dispatchers]).topic_partitions
        return {place.partition: place.offset for place in places if place.error is None and place.offset >= 0}


def _answer(future: Future[Any]) -> Any:
    return future.result(2 * CALL_S)


def _record(message: Message) -> DecisionRecord:
    _, at_ms = message.timestamp()
    return DecisionRecord(
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        recorded_at=datetime.fromtimestamp(at_ms / 1000, tz=UTC),
        value=message.value(),
        headers=list(cast("list[tuple[str, Any]]", message.headers() or [])),
    )


def _raise_fatal(error: KafkaException) -> None:
    """A fatal error ends the process; the supervisor starts it anew."""
    cause = error.args[0]
    if isinstance(cause, KafkaError) and cause.fatal():
        raise error
