"""Pure: what an upload is, by its first bytes. A name or a declared type is never believed.

Text that a demuxer would follow to another place (SDP, HLS and DASH playlists, ffconcat) matches nothing here.
"""

from __future__ import annotations

from typing import Literal

ClipType = Literal["video/webm", "video/mp4"]
ImageType = Literal["image/jpeg", "image/png", "image/webp"]

HEAD_BYTES = 32  # enough for every rule below

_EBML = b"\x1a\x45\xdf\xa3"  # Matroska and WebM; source: RFC 8794, section 11.2.1
_FTYP_BYTES_MIN = 16  # size, "ftyp", major brand, minor version; source: ISO/IEC 14496-12, 4.3
_FTYP_BYTES_MAX = 1024  # a box of brands; real ones have 20 to 40 bytes
# Still pictures share the ftyp box (ISO/IEC 23008-12, AVIF): a picture is not a clip.
_STILL_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"crx "})

_JPEG = b"\xff\xd8\xff"  # SOI and the first byte of the next marker; source: ITU-T T.81, B.1.1
_PNG = b"\x89PNG\r\n\x1a\n"  # source: ISO/IEC 15948, 5.2
_PNG_HEADER = b"\x00\x00\x00\x0dIHDR"  # the first chunk, always


def sniff_clip(head: bytes) -> ClipType | None:
    """Media type of a clip, or None where it is none. head: its first HEAD_BYTES or more; a shorter file fits, too."""
    if head.startswith(_EBML):
        return "video/webm"
    if head[4:8] == b"ftyp" and len(head) >= _FTYP_BYTES_MIN:
        size = int.from_bytes(head[:4], "big")
        if _FTYP_BYTES_MIN <= size <= _FTYP_BYTES_MAX and head[8:12] not in _STILL_BRANDS:
            return "video/mp4"
    return None


def sniff_image(head: bytes) -> ImageType | None:
    """Media type of a portrait, or None where it is none. head: as for sniff_clip."""
    if head.startswith(_JPEG):
        return "image/jpeg"
    if head.startswith(_PNG + _PNG_HEADER):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and head[12:15] == b"VP8":
        return "image/webp"
    return None
