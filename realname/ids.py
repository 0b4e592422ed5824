"""Pure: registration ids (UUIDv7). The id of a registration is the id of its challenge."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

_TIME_BITS = 48
_RANDOM_BYTES = 10


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
    value = _parse(registration_id)
    return datetime.fromtimestamp((value.int >> (128 - _TIME_BITS)) / 1000, tz=UTC)


def is_registration_id(text: str) -> bool:
    """True for a UUIDv7 in its one accepted spelling: 36 lower-case characters."""
    try:
        _parse(text)
    except ValueError:
        return False
    return True


def partition_of(registration_id: str, partitions: int) -> int:
    """The partition of every record of this id, in 0..partitions-1.

    Taken from the id's own random bits, so that no client library's hash decides it and a
    status can be looked for in one partition. Raises ValueError where it is no UUIDv7.
    """
    return (_parse(registration_id).int & 0xFFFF_FFFF) % partitions


def _parse(text: str) -> UUID:
    value = UUID(text)
    if value.version != 7 or str(value) != text:  # noqa: PLR2004 - the version's own number
        raise ValueError(f"not a registration id (a lower-case UUIDv7): {text[:40]!r}")
    return value
