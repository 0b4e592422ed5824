"""policies.activated as an operator's policy officer uses it: reads it whole, appends one event, reads it back."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportUnusedImport=false
# kafka-python has no types (and the stubs that pyright brings are of an old version); they end in this file.

from __future__ import annotations

from typing import NamedTuple

import crc32c  # noqa: F401  see the projector
from kafka import KafkaProducer
from kafka.errors import KafkaError

from realname.activation import Activation, Chain, Held, PolicyActivated, Refused, SignerKeys, read_activation
from realname.envelope import open_record, seal_record
from realname.errors import RealnameError, RecordTooNew, RecordUnreadable
from realname.topics import POLICIES
from services.cli.topic_reader import BEGINNING, CALL_MS, TopicReader

WHOLE_POLLS_MAX = 200


class Entry(NamedTuple):
    """One event, and whether it holds. activation: what it says, None where it does not read. refused: why not."""

    event: PolicyActivated
    activation: Activation | None
    refused: str | None


def history(bootstrap: str, signers: SignerKeys) -> list[Entry]:
    """All events in the log's order, judged as every dispatcher judges them. Raises RealnameError."""
    chain = Chain(signers)
    found: list[Entry] = []
    for event in _events(bootstrap):
        result = chain.take(event)
        if isinstance(result, Refused):
            found.append(Entry(event, read_activation(event), result.cause))
        else:
            found.append(Entry(event, result.activation, None))
    return found


def held_of(entries: list[Entry], operator: str) -> list[Held]:
    """The operator's events that hold, in their order."""
    return [
        Held(entry.event, entry.activation)
        for entry in entries
        if entry.refused is None and entry.activation is not None and entry.event.operator == operator
    ]


def append(bootstrap: str, event: PolicyActivated) -> None:
    """Durable when this returns. Raises RealnameError: whether it was written is then not known; read the history."""
    record = seal_record(event, key=event.operator)
    try:
        producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=CALL_MS,
            acks="all",
            enable_idempotence=True,
            metrics_enabled=False,
        )
    except KafkaError:
        raise RealnameError(f"no answer from Kafka at {bootstrap}: `realname status`") from None
    try:
        sent = producer.send(POLICIES, key=record.key, value=record.value, headers=record.headers, partition=0)
        sent.get(timeout=CALL_MS / 1000)
    except KafkaError as error:
        raise RealnameError(f"the event was not acknowledged ({type(error).__name__}): look with `realname policy`") from None
    finally:
        producer.close(timeout=CALL_MS / 1000)


def _events(bootstrap: str) -> list[PolicyActivated]:
    """In the log's order, whatever their clocks said."""
    reader = TopicReader(bootstrap, POLICIES, missing="this stack was set up by an older version; `realname up` adds it")
    found: list[PolicyActivated] = []
    try:
        reader.start(BEGINNING)
        for _ in range(WHOLE_POLLS_MAX):
            if reader.is_at_end():
                return found
            for record in reader.records():
                found += _event(record.value, record.headers)
        raise RealnameError("Kafka stopped answering")
    except KafkaError:
        raise RealnameError("Kafka stopped answering") from None
    finally:
        reader.close()


def _event(value: bytes | None, headers: list[tuple[str, bytes]]) -> list[PolicyActivated]:
    try:
        opened = open_record(value, headers)
    except (RecordTooNew, RecordUnreadable):
        return []  # the dispatchers pass over it, too
    return [opened] if isinstance(opened, PolicyActivated) else []
