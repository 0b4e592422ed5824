"""A topic of decisions, decisions.<operator> as an operator's own system would read it or the internal one."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportUnusedImport=false
# kafka-python has no types (and the stubs that pyright brings are of an old version); they end in this file.

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

import crc32c  # noqa: F401  see the projector
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from realname.envelope import open_record
from realname.errors import RealnameError, RecordTooNew, RecordUnreadable
from realname.messages import RegistrationDecided

CALL_MS = 5_000
POLL_MS = 200


class DecisionTopic:
    """All partitions, assigned and not joined: reading leaves nothing behind on the broker."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        """Connects. Raises RealnameError where no broker answers or there is no such topic."""
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
            raise RealnameError(f"no topic {topic}: is that an operator of this stack?")
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

    def read(self) -> Iterator[RegistrationDecided]:
        """What came, within a fifth of a second. Raises RealnameError for what this version cannot read."""
        polled = self._consumer.poll(timeout_ms=POLL_MS)
        records = [record for batch in polled.values() for record in batch]
        for record in sorted(records, key=lambda each: each.timestamp):
            try:
                message = open_record(record.value, record.headers)
            except (RecordTooNew, RecordUnreadable) as error:
                raise RealnameError(f"partition {record.partition}, offset {record.offset}: {error}") from None
            if isinstance(message, RegistrationDecided):
                yield message

    def is_at_end(self) -> bool:
        """Whether all has been read that was there at the start."""
        positions = {place: self._consumer.position(place, timeout_ms=CALL_MS) for place in self._places}
        return all((positions[place] or 0) >= end for place, end in self._ends.items())

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close(autocommit=False, timeout_ms=CALL_MS)
