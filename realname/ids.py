"""Pure: registration ids (UUIDv7). The id of a registration is the id of its challenge."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

_TIME_BITS = 48
_RANDOM_BYTES = 10
_SPELLING = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")  # version 7, RFC 9562's variant


def mint(at: datetime, randomness: bytes) -> str:
    """The UUIDv7 (RFC 9562, section 5.7) of an instant, as 36 lower-case characters.

    at:         aware; its milliseconds are readable in the id.
    randomness: 10 bytes from a cryptographic source; 74 of their bits are used.
    Raises ValueError where `randomness` has another length.
    """
    if len(randomness) != _RANDOM_BYTES:
        raise ValueError(f"randomness must be {_RANDOM_BYTES} bytes, not {len(randomness)}")
    milliseconds = int(at.timestamp() * 1000)
    bits = milliseconds << 80 | int.from_bytes(randomness, "big")
    bits = bits & ~(0xF << 76) | 0x7 << 76  # version
    bits = bits & ~(0x3 << 62) | 0x2 << 62  # variant
    return str(UUID(int=bits))


def minted_at(registration_id: str) -> datetime:
    """The instant in an id, to the millisecond. Raises ValueError where it is no UUIDv7."""
    return datetime.fromtimestamp((_bits(registration_id) >> (128 - _TIME_BITS)) / 1000, tz=UTC)


def is_registration_id(text: str) -> bool:
    """True for a UUIDv7 in its one accepted spelling: 36 lower-case characters."""
    return _SPELLING.fullmatch(text) is not None


def partition_of(registration_id: str, partitions: int) -> int:
    """The partition of every record of this id, in 0..partitions-1.

    Taken from the id's own random bits, so that no client library's hash decides it and a
    status can be looked for in one partition. Raises ValueError where it is no UUIDv7.
    """
    return (_bits(registration_id) & 0xFFFF_FFFF) % partitions


def _bits(text: str) -> int:
    """All 128. Not by UUID(), which costs several times as much and takes other spellings, too."""
    if _SPELLING.fullmatch(text) is None:
        raise ValueError(f"not a registration id (a lower-case UUIDv7): {text[:40]!r}")
    return int(text.replace("-", ""), 16)
