"""The door of PyAV: a clip's bytes to I420 frames on a canvas. Runs in the child only.

Every limit is checked before what it bounds is spent: magic, streams, codec, pixels, packets and seconds come before the
first frame is decoded. Source: facts/capture-and-celery.md, section 2.
"""

# PyAV's stubs leave type parameters open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any, NoReturn

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from realname.media import HEAD_BYTES, ClipType, sniff_clip
from workers.decoder.limits import DecoderLimits
from workers.decoder.recorder import recording_of
from workers.decoder.skipping import Plan, is_unreferenced, length_bytes_of, planned
from workers.decoder.thinning import thin
from workers.decoder.wire import Because, Frames, Undecodable

_DEMUXERS: dict[ClipType, str] = {"video/webm": "matroska", "video/mp4": "mp4"}
_CODECS = frozenset({"h264", "vp8", "vp9", "av1", "libdav1d"})
_OPTIONS = {
    "protocol_whitelist": "",  # whatever a file refers to stays closed
    "max_streams": "8",
}
_TIME_BASE = Fraction(1, 1000)  # seconds, of a stream that says none
_FAULTS_MAX = 3  # bad packets and frames that are passed over; one more and the clip is unreadable


def decode_clip(clip: bytes | bytearray, process_hz: float, limits: DecoderLimits, canvas: NDArray[np.uint8]) -> Frames:
    """Decode all frames, keep at least process_hz of them by pts, draw them on the canvas one after another.

    canvas: flat; its size is the limit of what is drawn. Where the bytes end early, the frames up to there count: how
    long a clip must be is the policy's to say.
    Raises Undecodable; FFmpegError and whatever else the library throws at broken bytes; MemoryError.
    """
    kind = sniff_clip(bytes(clip[:HEAD_BYTES]))
    if kind is None:
        raise Undecodable(Because.MAGIC)
    with av.open(
        io.BytesIO(clip),
        "r",
        format=_DEMUXERS[kind],
        options=_OPTIONS,
        metadata_errors="ignore",
        io_open=_open_nothing,
    ) as container:
        stream = _only_video_stream(container, limits)
        packets = _demux(container, stream, limits)
        recording = recording_of(clip, container, stream, packets)
        drawing = _drawn(stream, packets, process_hz, limits, canvas)
    if not drawing.at_s:
        raise Undecodable(Because.EMPTY)
    return Frames(
        height=drawing.height,
        width=drawing.width,
        at_s=drawing.at_s,
        duration_s=drawing.duration_s,
        frames_decoded=drawing.pictures,
        recording=recording,
    )


def _drawn(
    stream: VideoStream, packets: list[Packet[VideoStream]], process_hz: float, limits: DecoderLimits, canvas: NDArray[np.uint8]
) -> _Drawing:
    """The frames that are kept, with as few decoded as that takes; all, where a recording does not hold what its heads say."""

    def draw(wanted: list[Packet[VideoStream]]) -> _Drawing:
        drawing = _Drawing(canvas, limits.clip_pixels_max)
        times = _Times(stream.time_base or _TIME_BASE, limits.clip_s_max)
        for at_s, frame in thin(times.check(_decode(stream.codec_context, wanted)), process_hz):
            drawing.append(at_s, frame)
        drawing.duration_s, drawing.pictures = times.last_s - times.first_s, times.count
        return drawing

    plan = _plan(stream, packets, process_hz)
    if plan.needless:
        with suppress(Undecodable):
            drawing = draw([packet for place, packet in enumerate(packets) if place not in plan.needless])
            if drawing.at_s == plan.kept_at_s:
                drawing.pictures += len(plan.needless)
                return drawing
        stream.codec_context.flush_buffers()
    return draw(packets)


def _plan(stream: VideoStream, packets: list[Packet[VideoStream]], process_hz: float) -> Plan:
    """Nothing is needless where times are doubtful."""
    context, time_base = stream.codec_context, stream.time_base or _TIME_BASE
    length_bytes = length_bytes_of(context.extradata) if context.name == "h264" else None
    times = [packet.pts for packet in packets if packet.pts is not None and not packet.is_discard and not packet.is_corrupt]
    if length_bytes is None or not packets or len(set(times)) < len(packets):
        return Plan(frozenset(), [])
    first_s = float(min(times) * time_base)
    free = [is_unreferenced(memoryview(_buffer(packet)), length_bytes) for packet in packets]
    return planned([float(pts * time_base) - first_s for pts in times], free, process_hz)


def _open_nothing(*_: object) -> NoReturn:
    raise Undecodable(Because.MAGIC)


def _only_video_stream(container: InputContainer, limits: DecoderLimits) -> VideoStream:
    if len(container.streams.video) != 1:
        raise Undecodable(Because.STREAMS)
    stream = container.streams.video[0]
    context = stream.codec_context
    if context is None or context.name not in _CODECS:  # pyright: ignore[reportUnnecessaryComparison] - its stub omits None
        raise Undecodable(Because.CODEC)
    if not 0 < context.width * context.height <= limits.clip_pixels_max:
        raise Undecodable(Because.PIXELS)
    # A key frame may say another size than the container: the codec holds the limit, too.
    context.options = {"max_pixels": str(limits.clip_pixels_max)}
    context.thread_count = 1
    context.thread_type = "SLICE"
    return stream


def _demux(container: InputContainer, stream: VideoStream, limits: DecoderLimits) -> list[Packet[VideoStream]]:
    """All packets with bytes in them, counted and timed before one is decoded."""
    packets: list[Packet[VideoStream]] = []
    first_s: float | None = None
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            packets.append(packet)
            if len(packets) > limits.clip_packets_max:
                raise Undecodable(Because.PACKETS)
            if packet.pts is not None:
                at_s = float(packet.pts * packet.time_base)
                first_s = at_s if first_s is None else first_s
                if at_s - first_s > limits.clip_s_max:
                    raise Undecodable(Because.SECONDS)
    except FFmpegError:
        if not packets:  # else the bytes end early, or are broken from here on
            raise
    return packets


def _decode(context: VideoCodecContext, packets: list[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    faults = 0
    for packet in (*packets, None):
        try:
            frames = [] if packet is not None and packet.is_corrupt else context.decode(packet)
            broken = packet is not None and packet.is_corrupt
        except FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            frames, broken = [], True
        faults += broken + sum(frame.is_corrupt for frame in frames)
        if faults > _FAULTS_MAX:
            raise Undecodable(Because.CORRUPT)
        yield from (frame for frame in frames if not frame.is_corrupt)


class _Times:
    """Times of the decoded frames. A frame without a time, or not later than the one before, is left out."""

    def __init__(self, time_base: Fraction, clip_s_max: float) -> None:
        self.time_base = time_base  # not the frame's own: the last ones, flushed without a packet, have none
        self.clip_s_max = clip_s_max
        self.first_s = 0.0
        self.last_s = 0.0
        self.count = 0

    def check(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[float, VideoFrame]]:
        for frame in frames:
            if frame.pts is None:
                continue
            at_s = float(frame.pts * self.time_base)
            if self.count and at_s <= self.last_s:
                continue
            if self.count == 0:
                self.first_s = at_s
            if at_s - self.first_s > self.clip_s_max:
                raise Undecodable(Because.SECONDS)
            self.last_s = at_s
            self.count += 1
            yield at_s - self.first_s, frame


class _Drawing:
    """Frames put one after another on a canvas, upright and without padding."""

    def __init__(self, canvas: NDArray[np.uint8], pixels_max: int) -> None:
        self.canvas = canvas
        self.pixels_max = pixels_max
        self.at_s: list[float] = []
        self.duration_s, self.pictures = 0.0, 0  # of the recording, before it was thinned
        self.height = self.width = 0  # as shown, even
        self.source = (0, 0)  # height and width of the first frame, as decoded
        self.quarter_turns = 0  # counter-clockwise, to show it upright
        self.reformatter = VideoReformatter()  # one for the clip: a new one a frame doubles the cost

    def append(self, at_s: float, frame: VideoFrame) -> None:
        if not self.at_s:
            self._begin(frame)
        if (frame.height, frame.width) != self.source:
            raise Undecodable(Because.SIZE_CHANGED)
        rows = self.height * 3 // 2
        start = len(self.at_s) * rows * self.width
        image = self.canvas[start : start + rows * self.width]
        if image.size < rows * self.width:
            raise Undecodable(Because.BYTES)
        self._draw(self._video_range(frame), image.reshape(rows, self.width))
        self.at_s.append(at_s)

    def _begin(self, frame: VideoFrame) -> None:
        self.source = (frame.height, frame.width)
        height, width = (side - side % 2 for side in self.source)
        if not 0 < height * width <= self.pixels_max:
            raise Undecodable(Because.PIXELS)
        self.quarter_turns = round(frame.rotation / 90) % 4
        self.height, self.width = (width, height) if self.quarter_turns % 2 else (height, width)

    def _video_range(self, frame: VideoFrame) -> VideoFrame:
        """As yuv420p with Y in 16..235. Browsers record just that: converting is the exception."""
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        if frame.format.name == "yuv420p" and not full:
            return frame
        source = ColorRange.JPEG if full else ColorRange.MPEG
        return self.reformatter.reformat(
            frame, format="yuv420p", src_color_range=source, dst_color_range=ColorRange.MPEG, threads=1
        )

    def _draw(self, frame: VideoFrame, image: NDArray[np.uint8]) -> None:
        halves = image[self.height :].reshape(2, self.height // 2, -1)
        for plane, target in zip(frame.planes, (image[: self.height], *halves), strict=True):
            rows: NDArray[np.uint8] = np.frombuffer(_buffer(plane), np.uint8).reshape(-1, plane.line_size)
            if self.quarter_turns:
                shape = target.shape[::-1] if self.quarter_turns % 2 else target.shape
                target[:] = np.rot90(rows[: shape[0], : shape[1]], self.quarter_turns)
            else:
                target[:] = rows[: target.shape[0], : target.shape[1]]


def _buffer(plane: Any) -> Any:
    return plane  # a buffer, which its stub does not say
