"""Writes records as the dispatcher does: in transactions, by a client of another make than the readers'."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from confluent_kafka import Producer

from realname import envelope
from realname.ids import partition_of
from realname.messages import RegistrationDecided, RegistrationSubmitted
from tests.builders import NOON, an_id

Line = tuple[int, envelope.Record]


class Transactions:
    """One transactional producer on a real broker."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "transactional.id": f"test-{uuid.uuid4().hex}", "linger.ms": 0, "log_level": 0}
        )
        self._producer.init_transactions(20)

    def write(self, topic: str, lines: Iterable[Line], *, commits: bool = True, at_ms: int | None = None) -> None:
        """All in one transaction, which is committed or aborted. at_ms: the record's own time, on a CreateTime topic."""
        self.begin(topic, lines, at_ms=at_ms)
        if commits:
            self._producer.commit_transaction(20)
        else:
            self._producer.abort_transaction(20)

    def begin(self, topic: str, lines: Iterable[Line], *, at_ms: int | None = None) -> None:
        """Leaves the transaction open, its records on the broker."""
        self._producer.begin_transaction()
        stamp = {} if at_ms is None else {"timestamp": at_ms}
        for partition, record in lines:
            self._producer.produce(topic, record.value, record.key, partition, headers=record.headers, **stamp)
        assert self._producer.flush(20) == 0

    def commit(self) -> None:
        self._producer.commit_transaction(20)


def a_decision(registration_id: str | None = None, **changes) -> RegistrationDecided:
    values = {
        "id": registration_id or an_id(),
        "operator": "north",
        "store": "store-1",
        "verdict": "approved",
        "reasons": ("all_checks_passed",),
        "policy": "test-1",
        "submitted_at": NOON,
        "decided_at": NOON,
    }
    return RegistrationDecided(**(values | changes))


def line_of(message: RegistrationDecided | RegistrationSubmitted, partitions: int) -> Line:
    """The message as a record, with its partition."""
    return partition_of(message.id, partitions), envelope.seal_record(message, key=message.id)
