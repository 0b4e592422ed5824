"""One topic, read by the command line: assigned and not joined, so that reading leaves nothing behind on the broker."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportUnusedImport=false
# kafka-python has no types (and the stubs that pyright brings are of an old version); they end in this file.

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import crc32c  # noqa: F401  see the projector
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from realname.errors import RealnameError

CALL_MS = 5_000
POLL_MS = 200
BEGINNING = datetime.fromtimestamp(0, tz=UTC)


class TopicReader:
    """All partitions of one topic, read_committed."""

    def __init__(self, bootstrap: str, topic: str, *, missing: str) -> None:
        """Connects. missing: what it may mean that there is no such topic.

        Raises RealnameError where no broker answers or there is none.
        """
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=bootstrap,
                bootstrap_timeout_ms=CALL_MS,
                request_timeout_ms=CALL_MS,
                reconnect_backoff_max_ms=500,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                metrics_enabled=False,
            )
            partitions = self._consumer.partitions_for_topic(topic)
        except KafkaError:
            raise RealnameError(f"no answer from Kafka at {bootstrap}: `realname status`") from None
        if not partitions:
            self._consumer.close()
            raise RealnameError(f"no topic {topic}: {missing}")
        self._places = [TopicPartition(topic, number) for number in sorted(partitions)]
        self._ends: dict[TopicPartition, int] = {}

    def start(self, since: datetime) -> None:
        """From the first record not older than that on."""
        try:
            self._consumer.assign(self._places)
            self._ends = self._consumer.end_offsets(self._places, timeout_ms=CALL_MS)
            since_ms = max(0, int(since.timestamp() * 1000))
            starts = self._consumer.offsets_for_times(dict.fromkeys(self._places, since_ms), timeout_ms=CALL_MS)
        except KafkaError:
            raise RealnameError("Kafka stopped answering") from None
        for place in self._places:
            found = starts.get(place)
            self._consumer.seek(place, self._ends[place] if found is None else found.offset)

    def records(self) -> list[Any]:
        """What came, within a fifth of a second: kafka-python's records, each partition's in its order."""
        polled = self._consumer.poll(timeout_ms=POLL_MS)
        return [record for batch in polled.values() for record in batch]

    def is_at_end(self) -> bool:
        """Whether all has been read that was there at the start."""
        positions = {place: self._consumer.position(place, timeout_ms=CALL_MS) for place in self._places}
        return all((positions[place] or 0) >= end for place, end in self._ends.items())

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close(autocommit=False, timeout_ms=CALL_MS)
