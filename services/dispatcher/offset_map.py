"""Which offsets above the watermark are complete, as a short text beside the committed offset. Pure: no Kafka.

The text is base64 of one version byte and a body; version 1 is a bitmap, version 2 the same bitmap in raw deflate.
Bit i of the bitmap (least significant first) is the offset `watermark - watermark % 8 + i`, so that a bitmap that is
kept from commit to commit is cut by whole bytes. Bits below the watermark mean nothing. After SEPARATOR whatever
follows is not the map's: the audit head's place.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field

from realname.errors import RealnameError

CHARS_MAX = 4096 - 64  # Kafka's offset.metadata.max.bytes, with 64 kept for the audit head; source: facts/kafka.md
STOP_TAKING_CHARS = 2800  # beyond it the partition takes no more records, so that what is taken still fits
SEPARATOR = "|"
_BITMAP, _DEFLATED = 1, 2
_RAW = -15  # zlib's window bits for a stream without header and checksum


class MapUnreadable(RealnameError):
    """A committed offset map is of an unknown version or broken: nothing may be decided on a guess; see the runbook."""


@dataclass(slots=True)
class OffsetBits:
    """A set of offsets as a bitmap that starts at a moving watermark.

    start: the offset of the first bit, a multiple of 8.
    """

    start: int
    bits: bytearray = field(default_factory=bytearray)

    @classmethod
    def of(cls, offsets: set[int], watermark: int) -> OffsetBits:
        """The bitmap of a set."""
        made = cls(start=watermark - watermark % 8)
        for offset in offsets:
            made.add(offset)
        return made

    def add(self, offset: int) -> None:
        """One more. An offset below the start is ignored: it is below every later watermark, too."""
        place = offset - self.start
        if place < 0:
            return
        if place >> 3 >= len(self.bits):
            self.bits.extend(bytes((place >> 3) + 1 - len(self.bits)))
        self.bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, offset: int) -> bool:
        place = offset - self.start
        return 0 <= place < len(self.bits) * 8 and bool(self.bits[place >> 3] >> (place & 7) & 1)

    def cut(self, watermark: int) -> None:
        """Forget what lies wholly below the watermark."""
        passed = (watermark - self.start) // 8
        if passed > 0:
            del self.bits[:passed]
            self.start += passed * 8

    def copy(self) -> OffsetBits:
        """An independent one."""
        return OffsetBits(self.start, bytearray(self.bits))


def encode(bits: OffsetBits, watermark: int) -> str:
    """The shorter of both versions; "" where nothing at or above the watermark is complete.

    Costs 0.2-4 ms below 24,000 offsets. Can be longer than CHARS_MAX: the caller asks before it commits.
    """
    kept = bits.copy()
    kept.cut(watermark)
    if kept.bits and kept.start < watermark:
        kept.bits[0] &= 0xFF << (watermark - kept.start) & 0xFF
    body = bytes(kept.bits.rstrip(b"\0"))
    if not body:
        return ""
    packer = zlib.compressobj(6, zlib.DEFLATED, _RAW)
    deflated = packer.compress(body) + packer.flush()
    version, shorter = (_DEFLATED, deflated) if len(deflated) < len(body) else (_BITMAP, body)
    return base64.b64encode(bytes((version,)) + shorter).decode("ascii")


def decode(text: str, watermark: int) -> set[int]:
    """The complete offsets at or above the watermark. Raises MapUnreadable."""
    packed = text.partition(SEPARATOR)[0]
    if not packed:
        return set()
    try:
        raw = base64.b64decode(packed, validate=True)
        version, body = raw[0], raw[1:]
        if version == _DEFLATED:
            body = zlib.decompress(body, _RAW)
    except (ValueError, IndexError, zlib.error) as error:
        raise MapUnreadable("does not decode") from error
    if version not in {_BITMAP, _DEFLATED}:
        raise MapUnreadable(f"version {version}; this process knows {_BITMAP} and {_DEFLATED}")
    start = watermark - watermark % 8
    found = (start + 8 * at + bit for at, byte in enumerate(body) if byte for bit in range(8) if byte >> bit & 1)
    return {offset for offset in found if offset >= watermark}
