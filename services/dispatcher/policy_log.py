"""policies.activated as the dispatcher reads it: whole at its start, then what comes."""

from __future__ import annotations

import logging
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from realname.activation import PolicyActivated
from realname.envelope import header, open_record
from realname.errors import RealnameError, RecordTooNew, RecordUnreadable
from realname.topics import POLICIES
from services.dispatcher.kafka import CALL_S, RECONNECT_MS_MAX

log = logging.getLogger("dispatcher.policies")

READ_MAX = 200
FAMILY = str(PolicyActivated.__struct_config__.tag).rpartition(".v")[0]  # whatever its version
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
        """What has come since. Raises PoliciesUnread for an event that this version does not read."""
        return self._read(0.0)[0]

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
                at_end = at_end or error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's spelling
                continue
            event = _event(message.value(), message.headers())
            if event is not None:
                found.append(event)
        return found, at_end


def _event(value: bytes | None, headers: Any) -> PolicyActivated | None:
    """None of what does not claim to be an event. One that does and is unreadable stops us: it may hold."""
    if not (header(headers, "ce_type") or "").startswith(FAMILY):
        log.error("no policy event", extra={"type": "other"})
        return None
    try:
        opened = open_record(value, headers)
    except (RecordTooNew, RecordUnreadable) as error:
        raise PoliciesUnread(f"an event of {POLICIES} was written by another version: {error}") from None
    assert isinstance(opened, PolicyActivated)
    return opened
