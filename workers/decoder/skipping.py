"""Pure: which packets of an H.264 recording need not be decoded, since nobody looks at their picture and no other refers to it.

Encoders with B pictures make every second picture of such; they hold a tenth of the bytes, and decoding them is a third of
the work. Phones and browsers seldom make any: there nothing changes. The pictures that are decoded are the same, bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workers.decoder.thinning import thin

# NAL unit types; source: ISO/IEC 14496-10, table 7-1. A packet with any other holds for later pictures, too (parameter sets, a
# picture that all after it begin at), or is of scalable or multiview coding: left to the decoder.
SLICES = frozenset({1, 2, 3, 4})
OF_THIS_PICTURE = frozenset({6, 9, 12})  # enhancement information, delimiter, filler
CONFIGURATION = 1  # first byte of an AVCDecoderConfigurationRecord; source: ISO/IEC 14496-15, 5.3.3


@dataclass(frozen=True, slots=True)
class Plan:
    """needless: packets by their place in the recording. kept_at_s: of the pictures that are looked at, from the first."""

    needless: frozenset[int]
    kept_at_s: list[float]


def planned(times_s: Sequence[float], are_unreferenced: Sequence[bool], process_hz: float) -> Plan:
    """What thinning keeps of pictures at these times, and which of the others no other refers to.

    times_s: of each packet in the order of the recording, seconds from the first picture; no two alike.
    """
    shown = sorted((at_s, place) for place, at_s in enumerate(times_s))
    kept = {place for _, place in thin(shown, process_hz)}
    needless = frozenset(place for place, free in enumerate(are_unreferenced) if free and place not in kept)
    return Plan(needless, [at_s for at_s, place in shown if place in kept])


def length_bytes_of(configuration: bytes | None) -> int | None:
    """In how many bytes each NAL unit's length is written; None where units are not written with their lengths.

    configuration: of the codec, as the container holds it.
    """
    if configuration is None or len(configuration) < 5 or configuration[0] != CONFIGURATION:  # noqa: PLR2004 - it ends before
        return None
    return (configuration[4] & 3) + 1


def is_unreferenced(packet: memoryview | bytes, length_bytes: int) -> bool:
    """Whether no other picture refers to this one: every slice says nal_ref_idc 0 (ISO/IEC 14496-10, 7.4.1).

    packet: one picture as NAL units, each behind its length. False where it cannot be told.
    """
    at, slices = 0, 0
    while at + length_bytes < len(packet):
        length = int.from_bytes(packet[at : at + length_bytes], "big")
        head = packet[at + length_bytes]
        kind, reference = head & 31, head >> 5 & 3
        if kind not in SLICES | OF_THIS_PICTURE or (kind in SLICES and reference):
            return False
        slices += kind in SLICES
        at += length_bytes + length
    return slices > 0 and at == len(packet)
