"""Which records a decision or a parked record becomes. Pure: no Kafka."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from realname.envelope import Record, seal_and_read, seal_record
from realname.errors import RealnameError
from realname.messages import RecordParked, RegistrationDecided
from realname.topics import DEAD, DECIDED, decisions_of
from services.dispatcher.records import Outgoing

DECISION_BYTES_MAX = 128 * 1024  # half of the topics' max.message.bytes; a decision is 2-3 kB


class Unsealable(RealnameError):
    """A decision does not read back as it was written, or is too long for its topic: a stage reported what it must not."""


def of_decision(
    decided: RegistrationDecided, partition: int, *, operators: Collection[str], traceparent: str | None = None
) -> tuple[Outgoing, ...]:
    """For registrations.decided and, where the operator is one of ours, its own topic; the submission's partition in both.

    A candidate's opinion stays inside: an operator's systems must not be able to act on it. Raises Unsealable.
    """
    record = _sealed(decided, traceparent)
    internal = Outgoing(DECIDED, partition, record)
    if decided.operator not in operators:
        return (internal,)
    shown = record if decided.shadow is None else _sealed(replace(decided, shadow=None), traceparent)
    return internal, Outgoing(decisions_of(decided.operator), partition, shown)


def of_parked(parked: RecordParked) -> tuple[Outgoing, ...]:
    """For registrations.dead, under the record's address."""
    record = seal_record(parked, key=f"{parked.topic}/{parked.partition}/{parked.offset}")
    return (Outgoing(DEAD, 0, record),)


def _sealed(decided: RegistrationDecided, traceparent: str | None) -> Record:
    """Read back and compared: JSON writes a number that is not finite as null, which many fields may be."""
    try:
        record, read = seal_and_read(decided, key=decided.id, traceparent=traceparent)
    except (msgspec.MsgspecError, ValueError):
        raise Unsealable("breaks its schema") from None  # the library's message can quote it
    if len(record.value) > DECISION_BYTES_MAX:
        raise Unsealable("too long")
    if read != decided:
        raise Unsealable("does not read back")
    return record
