"""policies.activated as the dispatcher reads it: whole at its start, then what comes."""

from __future__ import annotations

import logging
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from realname.activation import PolicyActivated
from realname.envelope import open_record
from realname.errors import RealnameError, RecordTooNew, RecordUnreadable
from services.dispatcher.kafka import CALL_S, RECONNECT_MS_MAX

log = logging.getLogger("dispatcher.policies")

READ_MAX = 200
STALE_AFTER_S = 30.0  # of errors and no answer
WHOLE_WITHIN_S = 30.0


class PoliciesUnread(RealnameError):
    """The policies cannot be read whole: without them nobody knows what to judge with. See the runbook."""


class PolicyLog:
    """Reads without blocking after the first time. Keeps no position: the topic is short, and a start reads all of it."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        """Assigns the topic's one partition from its beginning."""
        self._place = TopicPartition(topic, 0, 0)
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": "dispatcher-policies",  # librdkafka wants a name; it is never joined and commits nothing
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "reconnect.backoff.max.ms": RECONNECT_MS_MAX,
            "logger": log,
        }
        self._failing_since_s: float | None = None
        self._reader = Consumer(config)
        self._reader.assign([self._place])

    def read_whole(self) -> list[PolicyActivated]:
        """Everything up to the end as it stands now. Raises PoliciesUnread."""
        self._insist_on_topic()
        found: list[PolicyActivated] = []
        deadline = time.monotonic() + WHOLE_WITHIN_S
        while time.monotonic() < deadline:
            events, at_end = self._read(0.5)
            found += events
            if at_end:
                return found
        raise PoliciesUnread(f"{self._place.topic} was not read within {WHOLE_WITHIN_S:g} s")

    def read(self) -> list[PolicyActivated]:
        """What has come since."""
        return self._read(0.0)[0]

    def is_stale(self) -> bool:
        """Whether nothing but errors came for a while: an activation may have been missed."""
        return self._failing_since_s is not None and time.monotonic() - self._failing_since_s > STALE_AFTER_S

    def _note_error(self, name: str | None) -> None:
        if name is None:
            self._failing_since_s = None
        elif self._failing_since_s is None:
            self._failing_since_s = time.monotonic()
            log.warning("policies do not read", extra={"error": name})

    def close(self) -> None:
        """Ends its connection."""
        self._reader.close()

    def _insist_on_topic(self) -> None:
        """Librdkafka waits half a minute for a topic to appear before it says that there is none."""
        topic = self._place.topic
        try:
            found = self._reader.list_topics(topic, timeout=CALL_S).topics[topic]
        except KafkaException as error:
            raise PoliciesUnread(f"{topic}: the broker does not answer") from error
        if found.error is not None:
            raise PoliciesUnread(f"topic {topic} is missing: set the topics up")

    def _read(self, within_s: float) -> tuple[list[PolicyActivated], bool]:
        found: list[PolicyActivated] = []
        at_end = False
        try:
            messages = self._reader.consume(READ_MAX, within_s or 0.001)
        except KafkaException as error:
            raise PoliciesUnread(f"{self._place.topic} does not read") from error
        for message in messages:
            error = message.error()
            if error is not None:
                is_end = error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's spelling
                at_end = at_end or is_end
                self._note_error(None if is_end else error.name())
                continue
            self._note_error(None)
            event = _event(message.value(), message.headers())
            if event is not None:
                found.append(event)
        return found, at_end


def _event(value: bytes | None, headers: Any) -> PolicyActivated | None:
    """None of what does not decode: nobody has signed it, and whoever can write there must not be able to stop us."""
    try:
        opened = open_record(value, headers)
    except (RecordTooNew, RecordUnreadable):
        opened = None
    if not isinstance(opened, PolicyActivated):
        log.error("no policy event")
        return None
    return opened
