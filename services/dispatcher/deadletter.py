"""What becomes of a record that cannot be read, and when there are too many of them. Pure: time is the records' own."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from realname import ids
from realname.envelope import open_record
from realname.errors import RecordTooNew, RecordUnreadable
from realname.messages import Name, RecordParked, RegistrationSubmitted
from realname.topics import SUBMITTED
from services.dispatcher.records import Place, Received

WITHIN_MS = 600_000  # the limit counts the parked records of this stretch of record time
PLACES_MAX = 10_000  # parked records that are known as such; more than any one transaction has
UNKNOWN = "unknown"  # the operator and store of a record that does not name them


class TooNew(NamedTuple):
    """A newer version of a known type: this partition stops here until the process is upgraded."""


class Unreadable(NamedTuple):
    """To be parked. registration_id: decided as well, where the key is one. error: a closed word."""

    error: str
    registration_id: str | None
    operator: str
    store: str


Opened = RegistrationSubmitted | Unreadable | TooNew


def open_submission(record: Received) -> Opened:
    """The submission in a record, or what to do instead. The record's content is in none of the answers."""
    try:
        message = open_record(record.value, record.headers)
    except RecordTooNew:
        return TooNew()
    except RecordUnreadable as error:
        return _unreadable(record, str(error).replace(" ", "_"))
    if not isinstance(message, RegistrationSubmitted):
        return _unreadable(record, "wrong_type")
    if record.key != message.id.encode() or not ids.is_registration_id(message.id):
        return _unreadable(record, "key_is_not_the_id")
    return message


def parked(record: Received, error: str) -> RecordParked:
    """The address of a record, for registrations.dead; its bytes stay where they are."""
    return RecordParked(topic=SUBMITTED, partition=record.partition, offset=record.offset, error=error, parked_at=record.at)


@dataclass(slots=True)
class DeadLetterLimit:
    """More parked records than this within WITHIN_MS of record time is a misconfiguration, not bad luck.

    _admitted: those that may be read again after a failed commit, in the order in which they came; each counts once.
    """

    records_max: int
    _at_ms: deque[int] = field(default_factory=deque[int])
    _admitted: dict[Place, None] = field(default_factory=dict[Place, None])

    def admits(self, place: Place, at_ms: int) -> bool:
        """Whether this one may be parked; counts it if so."""
        if place in self._admitted:
            return True
        while self._at_ms and self._at_ms[0] < at_ms - WITHIN_MS:
            self._at_ms.popleft()
        if len(self._at_ms) >= self.records_max:
            return False
        self._at_ms.append(at_ms)
        self._admitted[place] = None
        if len(self._admitted) > PLACES_MAX:
            del self._admitted[next(iter(self._admitted))]
        return True


def _unreadable(record: Received, error: str) -> Unreadable:
    key = (record.key or b"").decode("utf-8", "replace")
    fields = _fields(record.value)
    return Unreadable(
        error=error,
        registration_id=key if ids.is_registration_id(key) else None,
        operator=_name(fields.get("operator")),
        store=_name(fields.get("store")),
    )


def _fields(value: bytes | None) -> dict[str, msgspec.Raw]:
    """The fields of what may still be a JSON object."""
    try:
        return msgspec.json.decode(value or b"", type=dict[str, msgspec.Raw])
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _name(value: msgspec.Raw | None) -> str:
    try:
        return UNKNOWN if value is None else msgspec.json.decode(value, type=Name)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        return UNKNOWN
