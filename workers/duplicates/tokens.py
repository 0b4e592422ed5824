"""Pure: what is stored of a clip, and what is asked for: keyed, short, of no use to who has not the operator's key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple

from workers.duplicates.signature import Moment

FILE_BYTES = 16
MOTION_BYTES = 8
OWNER_BYTES = 6  # of a registration: one of 17 million clips a day is taken for another with 6e-8
TICK_S = 0.05  # a stored moment's time fits into one byte
TICKS_MAX = 255
AGREE_WITHIN_S = 0.12  # matching moments lie as far apart in both clips: anchors move by 0.02 s, ticks by 0.025
MOMENTS_MIN = 4  # that agree, over at least SPREAD_S; see docs/judgement.md for what that leaves
SPREAD_S = 0.8


class Mark(NamedTuple):
    """What is stored under a motion token: whose it is, and when in that clip."""

    owner: bytes
    at_s: float

    def encode(self) -> bytes:
        """OWNER_BYTES and one more."""
        return self.owner + bytes([round(self.at_s / TICK_S)])


class Entry(NamedTuple):
    """All that the index may know of one clip.

    spellings: of each moment, the token it is stored under first; marks: of the same moments.
    """

    owner: bytes
    file: bytes
    spellings: tuple[tuple[bytes, ...], ...]
    marks: tuple[Mark, ...]


def entry_of(secret: bytes, registration_id: str, media: bytes, moments: Sequence[Moment]) -> Entry:
    """secret: the operator's, for this purpose alone. media: the clip as it was handed in."""
    owner = _keyed(secret, b"owner", registration_id.encode())[:OWNER_BYTES]
    storable = [moment for moment in moments if moment.at_s <= TICKS_MAX * TICK_S]
    spellings = tuple(
        tuple(_keyed(secret, b"moves", spelling)[:MOTION_BYTES] for spelling in moment.spellings()) for moment in storable
    )
    file = _keyed(secret, b"bytes", media)[:FILE_BYTES]
    return Entry(owner, file, spellings, tuple(Mark(owner, moment.at_s) for moment in storable))


def birth_of(secret: bytes) -> bytes:
    """The name of the operator's index: another one under another key, which finds nothing that is older."""
    return _keyed(secret, b"birth", b"")[:FILE_BYTES]


def decode_mark(stored: bytes) -> Mark:
    """Of what encode() made."""
    return Mark(stored[:OWNER_BYTES], stored[OWNER_BYTES] * TICK_S)


def same_motion(entry: Entry, held: Sequence[Sequence[Mark]]) -> bool:
    """Whether enough moments are those of one other clip, as far apart in it as in this one.

    held: for each moment of the entry, what was found under its spellings.
    """
    shifts: dict[bytes, list[tuple[float, float]]] = {}  # of each other clip: our time, and theirs less ours
    for own, marks in zip(entry.marks, held, strict=True):
        for mark in marks:
            if mark.owner != entry.owner:
                shifts.setdefault(mark.owner, []).append((own.at_s, mark.at_s - own.at_s))
    return any(_agree(pairs) for pairs in shifts.values())


def _agree(pairs: Sequence[tuple[float, float]]) -> bool:
    for _, shift in pairs:
        times = {at_s for at_s, other in pairs if abs(other - shift) <= AGREE_WITHIN_S}
        if len(times) >= MOMENTS_MIN and max(times) - min(times) >= SPREAD_S:
            return True
    return False


def _keyed(secret: bytes, what: bytes, content: bytes) -> bytes:
    """HMAC-SHA256; `what`, five letters, keeps the kinds apart."""
    return hmac.digest(secret, what + content, hashlib.sha256)
