"""Submissions in, decisions and offsets out as one transaction: the dispatcher's consumer and producer.

librdkafka, because kafka-python hung twice in silence in this place (facts/kafka.md); see also tail.py.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from realname.errors import RealnameError
from services.dispatcher.offsets import Position
from services.dispatcher.records import Outgoing, Received

log = logging.getLogger("dispatcher.kafka")

CALL_S = 20.0  # one blocking question; a dead owner's open transaction ends within 15 + 1 s
TRY_S = 5.0  # one try of a transaction's step
ABORT_S = 8.0  # all tries to abort; a coordinator that librdkafka has lost is found at once by a new process (seen: 40 s)
FETCH_WAIT_MS = 250  # so long the broker keeps a fetch that finds nothing; what is assigned or sought meanwhile waits as long
REST_S = 0.005  # for what came in the same fetch as the first record after a quiet time
PREFETCH_KB = 16 * 1024  # librdkafka's own queue, all partitions together
BATCH_BYTES = 200_000  # below the topics' max.message.bytes, which limits a batch; librdkafka's own 1 MB is never split
RECONNECT_MS_MAX = 1000  # librdkafka's default of 10 s would outlast a broker's restart


class LedgerLost(RealnameError):
    """This process's consumer or producer is beyond repair (fenced, fatal, doubtful): end it; its supervisor starts another."""


class OffsetsMissing(RealnameError):
    """A partition has no usable committed offset: set up the topics first; see the runbook. Never guess one."""


class Listener(Protocol):
    """Told about partitions, from inside poll() and close()."""

    def assigned(self, positions: Mapping[int, Position]) -> None:
        """Ours, from their committed positions on."""
        ...

    def revoked(self, partitions: set[int]) -> None:
        """About to go to another dispatcher: the last chance to commit."""
        ...

    def lost(self, partitions: set[int]) -> None:
        """Already another dispatcher's: nothing may be committed."""
        ...


def consumer_config(bootstrap: str, group: str, *, session_timeout_s: float) -> dict[str, Any]:
    """Dynamic members (static ones get fenced after a failover), the classic protocol (KIP-848's session is 45 s)."""
    return {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "isolation.level": "read_committed",  # so that committed() waits for a dead owner's pending commit (KIP-447)
        "auto.offset.reset": "error",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": int(session_timeout_s * 1000),
        "heartbeat.interval.ms": int(session_timeout_s * 250),
        "fetch.wait.max.ms": FETCH_WAIT_MS,
        "queued.max.messages.kbytes": PREFETCH_KB,
        "reconnect.backoff.max.ms": RECONNECT_MS_MAX,
        "logger": log,
    }


class KafkaSource:
    """The consumer of registrations.submitted."""

    def __init__(self, config: Mapping[str, Any], topic: str) -> None:
        """Does not join yet: see listen()."""
        self._topic = topic
        self._consumer = Consumer(dict(config))
        self._paused: set[int] = set()
        self._owned: set[int] = set()  # as the listener was told
        self._leaving = False

    def listen(self, listener: Listener) -> None:
        """Join the group."""

        def assigned(_: Consumer, places: list[TopicPartition]) -> None:
            if not self._leaving:
                self._assign(listener, {place.partition for place in places})

        def revoked(_: Consumer, places: list[TopicPartition]) -> None:
            self._unassign(listener.revoked, places)

        def lost(_: Consumer, places: list[TopicPartition]) -> None:
            self._unassign(listener.lost, places)

        self._consumer.subscribe([self._topic], on_assign=assigned, on_revoke=revoked, on_lost=lost)

    def poll(self, count_max: int, within_s: float, *, idle_s: float = 0.0) -> list[Received]:
        """Up to count_max records; returns when there are so many, or after within_s. What the listener raises comes out here.

        idle_s: above 0, nothing else is to be done: returns as soon as a record comes, or after idle_s.
        Raises LedgerLost and OffsetsMissing. A broker that does not answer is no error here: records come later.
        """
        messages = self._first(count_max, idle_s) if idle_s else self._consumer.consume(count_max, within_s)
        return [self._received(message) for message in messages if not self._is_error(message)]

    def committed(self, partitions: set[int]) -> dict[int, Position]:
        """What the broker holds for us, once no transaction on it is pending. Raises OffsetsMissing, LedgerLost."""
        if not partitions:
            return {}
        try:
            found = self._consumer.committed([self._place(each) for each in sorted(partitions)], CALL_S)
        except KafkaException as error:
            raise LedgerLost(f"committed offsets do not come: {_name_of(error)}") from error
        broken = [place.partition for place in found if place.error is not None or place.offset < 0]
        if broken:
            raise OffsetsMissing(f"no committed offset for partitions {broken} of {self._topic}")
        return {place.partition: Position(place.offset, place.metadata or "") for place in found}

    def seek(self, positions: Mapping[int, Position]) -> None:
        """Read on from there."""
        try:
            for partition, position in positions.items():
                self._consumer.seek(self._place(partition, position.offset))
        except KafkaException as error:
            raise LedgerLost(f"cannot seek: {_name_of(error)}") from error

    def pause_only(self, partitions: set[int]) -> None:
        """These are paused, all others are read."""
        if partitions != self._paused:
            self._consumer.pause([self._place(each) for each in partitions - self._paused])
            self._consumer.resume([self._place(each) for each in self._paused - partitions])
            self._paused = set(partitions)

    def end_of(self, partition: int) -> int | None:
        """The end of the partition as far as fetches have told; None before the first one."""
        _, end = self._consumer.get_watermark_offsets(self._place(partition), cached=True)
        return end if end >= 0 else None

    def has_joined(self) -> bool:
        """Whether the group knows us."""
        return bool(self._consumer.memberid())

    def group_metadata(self) -> Any:
        """This member and its generation, which fence a transaction. Never only the group's name (no fencing at all)."""
        return self._consumer.consumer_group_metadata()

    def close(self) -> None:
        """Leave the group; the listener's revoked() is called for what is ours.

        An assignment that comes only now is not taken: nothing would be read of it, and a consumer that closes
        gets no answer any more to the question for its committed offsets.
        """
        self._leaving = True
        self._consumer.close()

    def _first(self, count_max: int, idle_s: float) -> list[Message]:
        first = self._consumer.poll(idle_s)
        return [] if first is None else [first, *self._consumer.consume(count_max - 1, REST_S)]

    def _assign(self, listener: Listener, partitions: set[int]) -> None:
        positions = self.committed(partitions)
        listener.assigned(positions)
        self._owned |= partitions
        self._paused -= partitions
        self._consumer.incremental_assign([self._place(each, position.offset) for each, position in positions.items()])

    def _unassign(self, tell: Callable[[set[int]], None], places: list[TopicPartition]) -> None:
        partitions = {place.partition for place in places}
        if told := partitions & self._owned:
            tell(told)
        self._owned -= partitions
        self._paused -= partitions
        self._consumer.incremental_unassign(places)

    def _is_error(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return False
        if error.fatal():
            raise LedgerLost(f"consumer: {error.name()}")
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001 - librdkafka's spelling
            raise OffsetsMissing(f"partition {message.partition()} of {self._topic}: the committed offset is not in the log")
        log.warning("consumer error", extra={"error": error.name()})
        return True

    def _received(self, message: Message) -> Received:
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        headers = message.headers() or []
        pairs = headers.items() if isinstance(headers, dict) else headers
        bytes_only = [(name, value) for name, value in pairs if isinstance(value, bytes)]
        return Received(partition, offset, message.key(), message.value(), bytes_only, message.timestamp()[1])

    def _place(self, partition: int, offset: int | None = None) -> TopicPartition:
        return TopicPartition(self._topic, partition) if offset is None else TopicPartition(self._topic, partition, offset)


class Committed(NamedTuple):
    """The transaction stands."""


class Aborted(NamedTuple):
    """It does not: read the committed positions again and go on from there. cause: librdkafka's name of the error."""

    cause: str


Outcome = Committed | Aborted


class KafkaSink:
    """The producer of decisions, with the offsets that they complete."""

    def __init__(self, bootstrap: str, *, slot: int, topic: str, timeout_s: float, group_metadata: Callable[[], Any]) -> None:
        """topic: whose offsets are committed. Waits until the slot's last transaction is settled; raises LedgerLost."""
        self._topic = topic
        self._within_s = timeout_s + 1.0  # beyond it the broker has aborted the transaction, and waiting is in vain
        self._group_metadata = group_metadata
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "transactional.id": f"dispatcher-{slot}",
                "transaction.timeout.ms": int(timeout_s * 1000),
                "acks": "all",
                "linger.ms": 0,
                "batch.size": BATCH_BYTES,
                "retry.backoff.ms": 20,  # while the last transaction's markers are written, the next one is told to try again
                "retry.backoff.max.ms": 500,
                "reconnect.backoff.max.ms": RECONNECT_MS_MAX,
                "logger": log,
            }
        )
        self._insist(lambda: self._producer.init_transactions(CALL_S), time.monotonic() + 3 * CALL_S)

    def publish(self, outgoing: Sequence[Outgoing], positions: Mapping[int, Position]) -> Outcome:
        """All or nothing. Raises LedgerLost where only a new process can know."""
        until = time.monotonic() + self._within_s
        offsets = [TopicPartition(self._topic, each, at.offset, at.metadata) for each, at in positions.items()]
        try:
            self._producer.begin_transaction()
            for each in outgoing:
                self._produce(each)
            self._insist(lambda: self._producer.send_offsets_to_transaction(offsets, self._group_metadata(), TRY_S), until)
            self._insist(lambda: self._producer.commit_transaction(TRY_S), until)
        except KafkaException as error:
            return self._abort(error)
        return Committed()

    def _produce(self, each: Outgoing) -> None:
        record = each.record
        while True:
            try:
                self._producer.produce(
                    each.topic,
                    record.value,
                    record.key,
                    each.partition,
                    headers=[(name, value) for name, value in record.headers],
                )
            except BufferError:
                self._producer.poll(0.05)  # its queue is full: let some go out
            else:
                self._producer.poll(0)
                return

    def _insist(self, call: Callable[[], None], until: float) -> None:
        """Again while librdkafka says that again is right; a call that timed out resumes where it was."""
        while True:
            try:
                call()
            except KafkaException as error:
                cause: KafkaError = error.args[0]
                if not cause.retriable() or cause.txn_requires_abort():
                    raise
                if time.monotonic() > until:
                    raise LedgerLost(f"transaction in doubt: {cause.name()}") from error
            else:
                return

    def _abort(self, error: KafkaException) -> Aborted:
        cause: KafkaError = error.args[0]
        if cause.fatal():
            raise LedgerLost(f"producer: {cause.name()}") from error
        try:
            self._insist(lambda: self._producer.abort_transaction(TRY_S), time.monotonic() + ABORT_S)
        except KafkaException as second:
            raise LedgerLost(f"abort failed: {_name_of(second)} after {cause.name()}") from second
        return Aborted(cause.name())


def _name_of(error: KafkaException) -> str:
    cause: KafkaError = error.args[0]
    return cause.name()
