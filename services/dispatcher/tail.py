"""The recent decisions of a partition, read back by the dispatcher that takes it over, so that it knows their ids."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.dispatcher.kafka import CALL_S, PREFETCH_KB, RECONNECT_MS_MAX, LedgerLost

log = logging.getLogger("dispatcher.tail")

READ_MAX = 5000  # records at once
# the log's start passed ours (retention, seconds after we were told of it): it will never be complete, so ask anew
_GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)  # noqa: SLF001 - librdkafka's spelling


class DecidedId(NamedTuple):
    """An id whose decision is committed. at_ms: LogAppendTime of the decision."""

    partition: int
    registration_id: str
    at_ms: int


class Read(NamedTuple):
    """What came, and the partitions whose tail is complete now."""

    ids: list[DecidedId]
    complete: set[int]


class DecidedTail:
    """Reads without blocking, several partitions at a time.

    A tail is complete at the log's end as it stood at the start, open transactions included: a dead dispatcher's open
    transaction hides whatever was committed after it until the broker aborts it (15 + 1 s at most).
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        """topic: registrations.decided."""
        self._topic = topic
        self._ends: dict[int, int] = {}
        common: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": "dispatcher-tail",  # librdkafka wants a name; it is never joined and commits nothing
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "reconnect.backoff.max.ms": RECONNECT_MS_MAX,
            "logger": log,
        }
        self._asker = Consumer({**common, "isolation.level": "read_uncommitted"})  # is told the log's true end
        self._reader = Consumer(
            {
                **common,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
                "queued.max.messages.kbytes": PREFETCH_KB,
            }
        )

    def start(self, partition: int, *, since_ms: int) -> None:
        """Read the decisions stamped at or after since_ms. Raises LedgerLost where the broker does not say where they are."""
        self.stop(partition)
        place = TopicPartition(self._topic, partition)
        try:
            _, end = self._asker.get_watermark_offsets(place, timeout=CALL_S)
            asked = TopicPartition(self._topic, partition, max(0, since_ms))
            first = self._asker.offsets_for_times([asked], CALL_S)[0].offset
        except KafkaException as error:
            raise LedgerLost(f"offsets of {self._topic} do not come") from error
        self._begin(partition, first, end)

    def stop(self, partition: int) -> None:
        """Its partition is no longer ours."""
        if self._ends.pop(partition, 0):
            self._reader.incremental_unassign([TopicPartition(self._topic, partition)])

    def read(self) -> Read:
        """What has arrived meanwhile. Empty where no tail is being read. Raises LedgerLost where one can never be complete."""
        ids: list[DecidedId] = []
        complete = {partition for partition, end in self._ends.items() if end == 0}
        if len(self._ends) > len(complete):
            self._read_into(ids, complete)
        for partition in complete:
            self.stop(partition)
        return Read(ids, complete)

    def close(self) -> None:
        """Ends its connections."""
        self._reader.close()
        self._asker.close()

    def _begin(self, partition: int, first: int, end: int) -> None:
        """first: negative where none is so young."""
        is_any_so_young = 0 <= first < end
        self._ends[partition] = end if is_any_so_young else 0
        if is_any_so_young:
            self._reader.incremental_assign([TopicPartition(self._topic, partition, first)])

    def _read_into(self, ids: list[DecidedId], complete: set[int]) -> None:
        for message in self._reader.consume(READ_MAX, 0.01):
            error, partition, offset = message.error(), message.partition(), message.offset()
            if partition is None or offset is None or partition not in self._ends:
                continue
            at_end = error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's spelling
            if error is not None and not at_end:
                if error.fatal() or error.code() in _GONE:
                    raise LedgerLost(f"tail of partition {partition}: {error.name()}")
                log.warning("tail error", extra={"error": error.name()})
                continue
            if error is None and message.key() is not None:
                ids.append(DecidedId(partition, (message.key() or b"").decode("utf-8", "replace"), message.timestamp()[1]))
            if offset + (not at_end) >= self._ends[partition]:
                complete.add(partition)
