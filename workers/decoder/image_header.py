"""Pure: what a picture's headers say before a decoder sees it: width and height, and whether it is one opaque picture.

Sources: ITU-T T.81 B.2.2 (JPEG), ISO/IEC 15948 11.2.2 (PNG; its third edition has the animation's chunks), RFC 9649
section 2 (WebP). What a header hides, the decoder's own pixel limit holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from realname.media import HEAD_BYTES, sniff_image

Size = tuple[int, int]  # width, height as stored: EXIF orientation is not applied

_SEGMENTS_MAX = 1000
_WEBP_BYTES_MIN = 30  # up to the end of the longest of the three headers
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # frame headers; the three are tables and a reserved one
_PNG_CHUNKS_AT, _RIFF_CHUNKS_AT = 8, 12
_PNG_ALPHA = frozenset({4, 6})  # colour types: grey and colour, each with alpha
_ANIMATIONS = frozenset({b"acTL", b"fcTL", b"fdAT", b"ANIM", b"ANMF"})  # chunks of PNG, of WebP
_VP8X_ALPHA, _VP8X_ANIMATION = 0x10, 0x02
_VP8L_ALPHA_BIT = 28  # after the two sizes of 14 bits
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def size_of(image: bytes | bytearray) -> Size | None:
    """(width, height) in pixels, None where the bytes are no JPEG, PNG or WebP or end before they say it."""
    kind = sniff_image(bytes(image[:HEAD_BYTES]))
    if kind == "image/png":
        size = (_big(image, 16, 4), _big(image, 20, 4))
    elif kind == "image/jpeg":
        size = _jpeg_size(image)
    elif kind == "image/webp":
        size = _webp_size(image)
    else:
        return None
    return size if min(size) > 0 else None


def is_animated(image: bytes | bytearray) -> bool:
    """Whether a PNG or WebP holds more pictures than one, or says so: who looks at it and who decodes it see different ones."""
    flags = image[_RIFF_CHUNKS_AT + 8] if bytes(image[12:16]) == b"VP8X" and len(image) >= _WEBP_BYTES_MIN else 0
    return bool(flags & _VP8X_ANIMATION) or any(kind in _ANIMATIONS for kind, _ in _chunks(image))


def has_alpha(image: bytes | bytearray) -> bool:
    """Whether some of a PNG's or WebP's pixels may be transparent."""
    for kind, at in _chunks(image):
        if kind == b"IHDR" and _little(image, at + 9, 1) in _PNG_ALPHA:
            return True
        if kind == b"VP8X" and _little(image, at, 1) & _VP8X_ALPHA:
            return True
        if kind == b"VP8L" and _little(image, at + 1, 4) >> _VP8L_ALPHA_BIT & 1:
            return True
        if kind in {b"tRNS", b"ALPH"}:
            return True
    return False


def _chunks(image: bytes | bytearray) -> Iterator[tuple[bytes, int]]:
    """Kind of each chunk of a PNG or WebP, and where its body begins; as far as the lengths lead. Nothing of another kind."""
    kind = sniff_image(bytes(image[:HEAD_BYTES]))
    if kind not in {"image/png", "image/webp"}:
        return
    at = _PNG_CHUNKS_AT if kind == "image/png" else _RIFF_CHUNKS_AT
    while at + 8 <= len(image):
        if kind == "image/png":
            yield bytes(image[at + 4 : at + 8]), at + 8
            at += 12 + _big(image, at, 4)  # length, kind, body, checksum
        else:
            yield bytes(image[at : at + 4]), at + 8
            size = _little(image, at + 4, 4)
            at += 8 + size + size % 2


def _jpeg_size(image: bytes | bytearray) -> Size:
    at = 2
    for _ in range(_SEGMENTS_MAX):
        at = image.find(b"\xff", at)
        while 0 <= at < len(image) and image[at] == 0xFF:  # fill bytes  # noqa: PLR2004
            at += 1
        if not 0 <= at < len(image):
            break
        marker = image[at]
        if marker in _SOF:
            return _big(image, at + 6, 2), _big(image, at + 4, 2)
        at += 1 if marker in _STANDALONE else 1 + max(2, _big(image, at + 1, 2))
    return 0, 0


def _webp_size(image: bytes | bytearray) -> Size:
    chunk = bytes(image[12:16])
    if len(image) < _WEBP_BYTES_MIN:
        return 0, 0
    if chunk == b"VP8X":
        return _little(image, 24, 3) + 1, _little(image, 27, 3) + 1
    if chunk == b"VP8L":
        bits = _little(image, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return _little(image, 26, 2) & 0x3FFF, _little(image, 28, 2) & 0x3FFF
    return 0, 0


def _big(image: bytes | bytearray, at: int, count: int) -> int:
    return int.from_bytes(image[at : at + count], "big") if at + count <= len(image) else 0


def _little(image: bytes | bytearray, at: int, count: int) -> int:
    return int.from_bytes(image[at : at + count], "little")
