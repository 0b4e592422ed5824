"""registrations.decided as the projector reads it: this package's only door to kafka-python.

assign() on all partitions, never a group join: its join race leaves a member without partitions for ever (measured).
read_committed: a decision of an aborted transaction is none.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeArgument=false, reportUnusedImport=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false
# kafka-python has no types (and the stubs that pyright brings are of an old version); they end in this file.

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator

import crc32c  # noqa: F401  without it kafka-python spends 3-10 times the CPU on checksums: missing, it should be at the start
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from realname.errors import Transient
from realname.topics import DECIDED
from services.projector.loop import DecisionRecord

CALL_MS = 5_000  # any single question to the broker; well below the watchdog's limit
# The broker gathers so long, or so much: a fetch costs the same with one decision in it as with fifty. A status is late by
# no more than this.
GATHER_MS = 200
_GATHER_BYTES = 64 * 1024
_NEVER_MS = 500  # the longest pause between connection attempts; the default of 30 s would outlast a broker's restart


class KafkaDecisions:
    """`Decisions` on a real broker."""

    def __init__(self, bootstrap: str, partitions: int, *, topic: str = DECIDED) -> None:
        """Does not connect yet. topic: another name only in tests."""
        logging.getLogger("kafka").setLevel(logging.ERROR)  # an outage is told once, by the loop
        self._bootstrap = bootstrap
        self._places = [TopicPartition(topic, number) for number in range(partitions)]
        self._stopped: dict[int, int] = {}
        self._consumer: KafkaConsumer | None = None

    def rewind(self, age_s: float) -> dict[int, int]:
        with _transient():
            consumer = self._connected()
            consumer.resume(*self._places)
            self._stopped.clear()
            ends = consumer.end_offsets(self._places, timeout_ms=CALL_MS)
            since_ms = self._newest_ms() - int(age_s * 1000)
            starts = consumer.offsets_for_times(dict.fromkeys(self._places, max(0, since_ms)), timeout_ms=CALL_MS)
            for place in self._places:
                found = starts.get(place)
                # None: every record there is older than that, or there is none
                consumer.seek(place, ends[place] if found is None else found.offset)
            return {place.partition: ends[place] for place in self._places}

    def poll(self, records_max: int, wait_s: float) -> list[DecisionRecord]:
        with _transient():
            polled = self._connected().poll(timeout_ms=int(wait_s * 1000), max_records=records_max)
            return [
                DecisionRecord(record.partition, record.offset, record.value, record.headers)
                for records in polled.values()
                for record in records
            ]

    def positions(self) -> dict[int, int]:
        with _transient():
            consumer = self._connected()
            found = {place.partition: consumer.position(place, timeout_ms=CALL_MS) for place in self._places}
            return {partition: at for partition, at in found.items() if at is not None} | self._stopped

    def lags(self) -> dict[int, int]:
        with _transient():
            consumer = self._connected()
            ends = {place.partition: consumer.highwater(place) for place in self._places}
            positions = self.positions()
            return {partition: max(0, (ends[partition] or at) - at) for partition, at in positions.items()}

    def stop(self, partition: int, offset: int) -> None:
        self._stopped[partition] = offset
        self._connected().pause(*(place for place in self._places if place.partition == partition))

    def close(self) -> None:
        """Let go of the connections."""
        if self._consumer is not None:
            with contextlib.suppress(KafkaError):
                self._consumer.close(autocommit=False, timeout_ms=CALL_MS)
            self._consumer = None

    def _connected(self) -> KafkaConsumer:
        if self._consumer is None:
            consumer = KafkaConsumer(
                bootstrap_servers=self._bootstrap,
                bootstrap_timeout_ms=CALL_MS,
                request_timeout_ms=CALL_MS,
                reconnect_backoff_max_ms=_NEVER_MS,
                group_id=None,
                enable_auto_commit=False,
                fetch_max_wait_ms=GATHER_MS,
                fetch_min_bytes=_GATHER_BYTES,
                auto_offset_reset="earliest",  # out of range: retention passed it, or Kafka's data is new; read what is there
                isolation_level="read_committed",
                metrics_enabled=False,
            )
            consumer.assign(self._places)
            self._consumer = consumer
        return self._consumer

    def _newest_ms(self) -> int:
        """The newest broker timestamp in the topic, ms since 1970; 0 where it is empty. Never this process's clock."""
        admin = KafkaAdminClient(bootstrap_servers=self._bootstrap, bootstrap_timeout_ms=CALL_MS, request_timeout_ms=CALL_MS)
        try:
            newest = admin.list_partition_offsets(dict.fromkeys(self._places, OffsetSpec.MAX_TIMESTAMP))
        finally:
            admin.close()
        return max((found.timestamp for found in newest.values()), default=0)


@contextlib.contextmanager
def _transient() -> Generator[None]:
    try:
        yield
    except KafkaError:
        raise Transient("kafka_silent") from None
