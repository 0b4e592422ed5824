"""Pure: a message as a Kafka record. JSON value, CloudEvents 1.0 binary-mode headers (ce_ in Kafka's binding)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from realname.activation import PolicyActivated
from realname.errors import RecordTooNew, RecordUnreadable
from realname.messages import RecordParked, RegistrationDecided, RegistrationSubmitted

AnyMessage = RegistrationSubmitted | RegistrationDecided | RecordParked | PolicyActivated
M = TypeVar("M", bound=AnyMessage)

SOURCE = "realname"
_TYPES: Mapping[str, type[AnyMessage]] = {
    "realname.registration.submitted.v1": RegistrationSubmitted,
    "realname.registration.decided.v1": RegistrationDecided,
    "realname.record.parked.v1": RecordParked,
    "realname.policy.activated.v1": PolicyActivated,
}
# W3C Trace Context, version 00's form; 55 characters, so what a client sends can neither grow nor say anything
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_FAMILIES = {tag.rsplit(".v", 1)[0]: int(tag.rsplit(".v", 1)[1]) for tag in _TYPES}


class Record(NamedTuple):
    """What a Kafka client needs to send: key and value bytes, headers as (name, bytes)."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def seal_record(message: AnyMessage, *, key: str, traceparent: str | None = None) -> Record:
    """Encode, then decode what was encoded: a struct's constructor does not validate.

    key: the registration id; of a parked record its address, of a policy its operator.
    ce_id is deterministic (type and key), so a repeat is recognisable as one.
    traceparent: left out where it is none, see traceparent_of().
    Raises msgspec.ValidationError where the message breaks its own schema: a bug of the caller.
    """
    return seal_and_read(message, key=key, traceparent=traceparent)[0]


def seal_and_read(message: M, *, key: str, traceparent: str | None = None) -> tuple[Record, M]:
    """As seal_record, and what was decoded of it: a caller may compare, since JSON writes a number that is not finite as null."""
    value = msgspec.json.encode(message)
    read = msgspec.json.decode(value, type=type(message))
    tag = str(message.__struct_config__.tag)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", tag.encode()),
        ("ce_source", SOURCE.encode()),
        ("ce_id", f"{tag}/{key}".encode()),
        ("content-type", b"application/json"),
    ]
    trace = traceparent_of(traceparent)
    if trace is not None:
        headers.append(("traceparent", trace.encode()))
    return Record(key=key.encode(), value=value, headers=headers), read


def open_record(value: bytes | None, headers: Iterable[tuple[str, Any]] | None) -> AnyMessage:
    """The message in a record.

    Raises RecordTooNew for a newer version of a known type, RecordUnreadable for all else that does not decode.
    Neither carries the record's content.
    """
    tag = header(headers, "ce_type")
    kind = _TYPES.get(tag or "")
    if kind is None:
        family, _, version = (tag or "").rpartition(".v")
        if family in _FAMILIES and version.isdigit() and int(version) > _FAMILIES[family]:
            raise RecordTooNew(f"{family} version {version}; this process knows {_FAMILIES[family]}")
        raise RecordUnreadable("unknown type")
    try:
        return msgspec.json.decode(value or b"", type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        # The library's message can quote the record: it is not kept, not even as the cause.
        raise RecordUnreadable("does not decode") from None


def header(headers: Iterable[tuple[str, Any]] | None, name: str) -> str | None:
    """The first header of that name as text, or None."""
    for found, value in headers or ():
        if found == name and isinstance(value, bytes):
            return value.decode("utf-8", "replace")
    return None


def traceparent_of(text: str | None) -> str | None:
    """The text where it is a traceparent and nothing else, else None: it comes from a client and goes everywhere."""
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None
