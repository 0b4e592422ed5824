"""registrations.decided as the projector reads it: this package's only door to confluent-kafka.

assign() on all partitions, never a group: every replica reads all of them. read_committed: a decision of an aborted
transaction is none. librdkafka, because kafka-python's polling and its network thread cost more than all statuses do.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# The library types its admin calls only in part; that ends in this file.

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, cast

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # pyright: ignore[reportPrivateImportUsage]  its documented place

from realname.errors import Transient
from realname.topics import DECIDED
from services.projector.loop import DecisionRecord

CALL_S = 5.0  # any single question to the broker; well below the watchdog's limit
# The broker gathers so long, or so much: a fetch costs the same with one decision in it as with fifty. A status is late by
# no more than this.
GATHER_MS = 200
_GATHER_BYTES = 64 * 1024
_REST_S = 0.005  # for what came in the same fetch as the first record
_PREFETCH_KB = 16 * 1024  # librdkafka's own queue, all partitions together
_RECONNECT_MS_MAX = 500  # between connection attempts; the default of 10 s would outlast a broker's restart

_log = logging.getLogger(__name__)


class KafkaDecisions:
    """`Decisions` on a real broker.

    _at: by partition, the offset up to which records were handed out, or the end where nothing but markers was before it.
    """

    def __init__(self, bootstrap: str, partitions: int, *, topic: str = DECIDED) -> None:
        """Does not wait for the broker. topic: another name only in tests."""
        self._topic = topic
        self._partitions = range(partitions)
        self._at: dict[int, int] = {}
        self._stopped: dict[int, int] = {}
        self._noted: set[str] = set()
        self._common: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.max.ms": _RECONNECT_MS_MAX,
            "log_level": 2,  # librdkafka says each try to connect: some twenty a second; see _note
        }
        self._consumer = Consumer(
            self._common
            | {
                "error_cb": self._note,
                "group.id": "projector",  # librdkafka wants a name; it is never joined and commits nothing
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",  # out of range: retention passed it, or Kafka's data is new; read what is there
                "isolation.level": "read_committed",
                "enable.partition.eof": True,  # the position stands before trailing markers; this tells that nothing follows
                "fetch.wait.max.ms": GATHER_MS,
                "fetch.min.bytes": _GATHER_BYTES,
                "queued.max.messages.kbytes": _PREFETCH_KB,
            }
        )

    def rewind(self, age_s: float) -> dict[int, int]:
        with _transient():
            admin = AdminClient(self._common)
            ends = {each: found.offset for each, found in self._asked(admin, OffsetSpec.latest()).items()}
            newest = self._asked(admin, OffsetSpec.max_timestamp())  # the broker's time, never this process's clock
            since_ms = max((found.timestamp for found in newest.values()), default=0) - int(age_s * 1000)
            firsts = self._asked(admin, OffsetSpec.for_timestamp(max(0, since_ms)))
            # negative: every record there is older than that, or there is none
            starts = {each: found.offset if found.offset >= 0 else ends[each] for each, found in firsts.items()}
            self._consumer.assign([TopicPartition(self._topic, each, offset) for each, offset in starts.items()])
            self._stopped.clear()
            self._at = starts
            return ends

    def poll(self, records_max: int, wait_s: float) -> list[DecisionRecord]:
        with _transient():
            first = self._consumer.poll(wait_s)
            rest = [] if first is None else self._consumer.consume(records_max - 1, _REST_S)
            return [_record(message) for message in (first, *rest) if message is not None and self._is_record(message)]

    def positions(self) -> dict[int, int]:
        return self._at | self._stopped

    def lags(self) -> dict[int, int]:
        lags: dict[int, int] = {}
        for partition, at in self.positions().items():
            _, end = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
            lags[partition] = max(0, end - at) if end >= 0 else 0
        return lags

    def stop(self, partition: int, offset: int) -> None:
        if partition not in self._stopped:
            self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])
        self._stopped[partition] = offset

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _is_record(self, message: Message) -> bool:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  its public name
            if error.fatal():
                raise KafkaException(error)
            self._note(error)
            return False  # a fetch that is tried again
        self._noted.clear()
        if partition is None or offset is None or partition in self._stopped:
            return False
        self._at[partition] = offset + (error is None)
        return error is None

    def _note(self, error: KafkaError) -> None:
        """Each error once, until something is read again. Nothing is raised: a broker that is away is one without records."""
        if error.name() not in self._noted:
            self._noted.add(error.name())
            _log.warning("consumer error", extra={"error": error.name()})

    def _asked(self, admin: AdminClient, what: Any) -> dict[int, Any]:
        """One question about all partitions."""
        wanted: Any = {TopicPartition(self._topic, each): what for each in self._partitions}
        found = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=CALL_S)
        return {place.partition: _answer(future) for place, future in found.items()}


def _answer(future: Future[Any]) -> Any:
    return future.result(2 * CALL_S)


def _record(message: Message) -> DecisionRecord:
    headers = cast("list[tuple[str, Any]]", message.headers() or [])
    return DecisionRecord(message.partition() or 0, message.offset() or 0, message.value(), headers)


@contextlib.contextmanager
def _transient() -> Generator[None]:
    try:
        yield
    except (KafkaException, TimeoutError) as error:
        cause = error.args[0] if error.args else None
        if isinstance(cause, KafkaError) and cause.fatal():
            raise
        raise Transient("kafka_silent") from error
