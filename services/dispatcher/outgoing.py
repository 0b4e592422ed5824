"""Which records a decision or a parked record becomes. Pure: no Kafka."""

from __future__ import annotations

from collections.abc import Collection

from realname.envelope import seal_record
from realname.messages import RecordParked, RegistrationDecided
from realname.topics import DEAD, DECIDED, decisions_of
from services.dispatcher.records import Outgoing


def of_decision(
    decided: RegistrationDecided, partition: int, *, operators: Collection[str], traceparent: str | None = None
) -> tuple[Outgoing, ...]:
    """For registrations.decided and, where the operator is one of ours, its own topic; the submission's partition in both."""
    record = seal_record(decided, key=decided.id, traceparent=traceparent)
    internal = Outgoing(DECIDED, partition, record)
    if decided.operator not in operators:
        return (internal,)
    return internal, Outgoing(decisions_of(decided.operator), partition, record)


def of_parked(parked: RecordParked) -> tuple[Outgoing, ...]:
    """For registrations.dead, under the record's address."""
    record = seal_record(parked, key=f"{parked.topic}/{parked.partition}/{parked.offset}")
    return (Outgoing(DEAD, 0, record),)
