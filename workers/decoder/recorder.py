"""Facts of a recording's container and stream, read from what is open and demuxed already. Runs in the child only.

Whatever the file says in words ends here: it is compared with known words, and what is unknown is "other".
"""

# PyAV's stubs leave type parameters open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from workers.recording import Brand, Codec, Profile, Recording, Writer, gaps_of

_NAMED_WRITERS: tuple[tuple[str, Writer], ...] = (
    ("chrome", "chrome"),
    ("qtmuxingapp", "firefox"),
    ("lavf", "lavf"),
    ("libebml", "other"),
    ("gpac", "gpac"),
)
_ENCODERS = (b"x264 - core", b"x265 (build", b"Lavc")
_ENCODER_HEAD_BYTES = 4096  # of the first frame: encoders name themselves at its start
_PROFILES: tuple[tuple[str, Profile], ...] = (
    ("constrained baseline", "baseline"),
    ("baseline", "baseline"),
    ("main", "main"),
    ("high", "high"),
    ("constrained high", "high"),
    ("progressive high", "high"),
    ("profile 0", "main"),
)
_CODECS: dict[str, Codec] = {"h264": "h264", "vp8": "vp8", "vp9": "vp9", "av1": "av1", "libdav1d": "av1"}
_BOXES_MAX = 64  # looked at on one level


def recording_of(
    clip: bytes | bytearray, container: InputContainer, stream: VideoStream, packets: Sequence[Packet[VideoStream]]
) -> Recording:
    """packets: those that have bytes. Costs nothing that demuxing has not paid for."""
    context = stream.codec_context
    shown = [packet.pts for packet in packets if packet.pts is not None]
    gaps = gaps_of(shown, float(stream.time_base or 0))
    is_mp4 = "mp4" in container.format.name
    inside = set(_boxes_in(clip)) if is_mp4 else set[bytes]()
    return Recording(
        brand=_brand_of(container, is_mp4=is_mp4),
        writer=_writer_of(container, stream),
        codec=_CODECS[context.name],
        profile=_profile_of(context.profile),
        encoder_named=_names_encoder(stream, packets),
        reordered=any(later < earlier for earlier, later in pairwise(shown)),
        edit_list=b"elst" in inside,
        fragmented=b"moof" in inside,
        packets=len(packets),
        key_packets=sum(packet.is_keyframe for packet in packets),
        gap_s_min=gaps.minimum_s,
        gap_s_max=gaps.maximum_s,
        gap_s_mean=gaps.mean_s,
        gaps_even=gaps.even,
        repeated=gaps.repeated,
        declared_hz=_bounded(float(stream.average_rate or 0)),
    )


def _brand_of(container: InputContainer, *, is_mp4: bool) -> Brand:
    if not is_mp4:
        return "webm"
    brand = container.metadata.get("major_brand", "").strip()
    known: dict[str, Brand] = {"qt": "qt", "mp42": "mp42", "isom": "isom"}
    return known.get(brand, "other")


def _writer_of(container: InputContainer, stream: VideoStream) -> Writer:
    said = container.metadata
    if any(key.startswith("com.android") for key in said):
        return "android"
    if (
        any(key.startswith("com.apple.quicktime") for key in said)
        or "core media" in stream.metadata.get("handler_name", "").lower()
    ):
        return "apple"
    names = [value.strip().lower() for key, value in said.items() if key.lower() == "encoder"]  # Matroska's tag is in capitals
    name = next(filter(None, names), "")
    if not name:
        return "unnamed"
    known: list[Writer] = [writer for start, writer in _NAMED_WRITERS if name.startswith(start)]
    return known[0] if known else "other"


def _profile_of(name: str | None) -> Profile:
    if not name:
        return "unnamed"
    return dict(_PROFILES).get(name.lower(), "other")


def _names_encoder(stream: VideoStream, packets: Sequence[Packet[VideoStream]]) -> bool:
    """In the stream's tags, its set-up data, or the start of its first frame (an SEI message of x264)."""
    tags = "\n".join(stream.metadata.values()).encode("utf-8", "replace")[:_ENCODER_HEAD_BYTES]
    first = bytes(memoryview(packets[0])[:_ENCODER_HEAD_BYTES]) if packets else b""
    places = (tags, bytes(stream.codec_context.extradata or b"")[:_ENCODER_HEAD_BYTES], first)
    return any(name in place for place in places for name in _ENCODERS)


def _boxes_in(clip: bytes | bytearray) -> Iterator[bytes]:
    """Types of an MP4's boxes: the top level, and the way down to edit lists."""
    for kind, start, stop in _boxes(clip, 0, len(clip)):
        yield kind
        if kind == b"moov":
            yield from _inside(clip, start, stop)


def _inside(clip: bytes | bytearray, start: int, stop: int) -> Iterator[bytes]:
    for kind, inner_start, inner_stop in _boxes(clip, start, stop):
        yield kind
        if kind in {b"trak", b"edts"}:
            yield from _inside(clip, inner_start, inner_stop)


def _boxes(clip: bytes | bytearray, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start and end of its content). Ends where the lengths make no sense. Source: ISO/IEC 14496-12, 4.2."""
    for _ in range(_BOXES_MAX):
        if start + 8 > stop:
            return
        length, kind, head = int.from_bytes(clip[start : start + 4], "big"), bytes(clip[start + 4 : start + 8]), 8
        if length == 1:  # the length stands behind, in 8 bytes
            length, head = int.from_bytes(clip[start + 8 : start + 16], "big"), 16
        end = stop if length == 0 else start + length
        if end > stop or end < start + head:
            return
        yield kind, start + head, end
        start = end


def _bounded(rate_hz: float) -> float:
    return min(max(rate_hz, 0.0), 1e6)
