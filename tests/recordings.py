"""Clips and pictures made for tests: honest ones of each codec that browsers record, and hostile ones."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from bench.urgency import opened

FAST = {
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libx264": {"preset": "ultrafast"},
    "mpeg4": {},
    "libsvtav1": {"preset": "12", "svtav1-params": "logical-processors=1"},
}
CONTAINERS = {"libvpx": "webm", "libvpx-vp9": "webm", "libsvtav1": "webm", "libx264": "mp4"}


def picture(width: int, height: int, shift: int = 0) -> Any:
    """(height, width, 3) BGR with edges and colours that move with shift."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([(x + 3 * shift) % 256, (y + shift) % 256, ((x + y) // 2) % 256], -1).astype(np.uint8)


def clip_bytes(
    codec: str = "libx264",
    *,
    width: int = 160,
    height: int = 120,
    frames: int = 25,
    rate_hz: int = 25,
    pixel_format: str = "yuv420p",
    container: str = "",
    pts: list[int] | None = None,
    options: dict[str, str] | None = None,
    grey: int | None = None,
    encoder: dict[str, str] | None = None,
) -> bytes:
    """An honest clip of a moving picture, or of one grey. pts: in ms. encoder: its options, else the fastest ones."""
    file = io.BytesIO()
    with av.open(file, "w", format=container or CONTAINERS[codec], options=options or {}) as output:
        stream: Any = output.add_stream(codec, rate=rate_hz, options=encoder or FAST[codec])
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.codec_context.time_base = Fraction(1, 1000)
        opened(stream)
        for index in range(frames):
            frame = _frame(width, height, index, pixel_format, grey)
            frame.pts = pts[index] if pts else index * 1000 // rate_hz
            frame.time_base = Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def growing_clip(small: tuple[int, int], large: tuple[int, int]) -> bytes:
    """A header and 30 frames of one size, then key frames of another."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as output:
        stream: Any = output.add_stream("libvpx-vp9", rate=30, options=FAST["libvpx-vp9"])
        stream.width, stream.height, stream.pix_fmt = *small, "yuv420p"
        at = 0
        for (width, height), count in ((small, 30), (large, 4)):
            for packet in _packets(width, height, count):
                packet.stream = stream
                packet.pts = packet.dts = at
                packet.time_base = Fraction(1, 30)
                at += 1
                output.mux(packet)
    return file.getvalue()


def two_streams() -> bytes:
    """A clip with two video streams."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as output:
        streams: list[Any] = [output.add_stream("libvpx", rate=25, options=FAST["libvpx"]) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for index in range(10):
            for stream in streams:
                frame = _frame(64, 64, index, "yuv420p", None)
                frame.pts, frame.time_base = index * 40, Fraction(1, 1000)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode())
    return file.getvalue()


def turned(mp4: bytes) -> bytes:
    """The same MP4 with a track header that says: show it a quarter turn clockwise. Source: ISO/IEC 14496-12, 8.3.2."""
    upright = _matrix(1, 0, 0, 1)
    assert mp4.count(upright) == 2, "one in the movie header, one in the track header"
    at = mp4.rindex(upright)
    return mp4[:at] + _matrix(0, 1, -1, 0) + mp4[at + len(upright) :]


def picture_bytes(kind: str, pixels: Any) -> bytes:
    """An encoded picture. kind: ".jpg", ".png", ".webp"."""
    done, encoded = cv2.imencode(kind, pixels)
    assert done
    return encoded.tobytes()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The same JPEG with an EXIF segment that says how to show it (6: a quarter turn clockwise)."""
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\x00\x00"
    exif = b"Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01" + entry + b"\x00\x00\x00\x00"
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


def _frame(width: int, height: int, index: int, pixel_format: str, grey: int | None) -> VideoFrame:
    if grey is None:
        return VideoFrame.from_ndarray(picture(width, height, 5 * index), "bgr24").reformat(format=pixel_format)
    frame = VideoFrame(width, height, pixel_format)
    for plane, value in zip(frame.planes, (grey, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


def _packets(width: int, height: int, count: int) -> list[Any]:
    context: Any = av.CodecContext.create("libvpx-vp9", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.options = Fraction(1, 30), FAST["libvpx-vp9"]
    packets: list[Any] = []
    for index in range(count):
        frame = _frame(width, height, index, "yuv420p", 90)
        frame.pts, frame.time_base = index, Fraction(1, 30)
        packets += context.encode(frame)
    return packets + context.encode()


def _matrix(*four: int) -> bytes:
    a, b, c, d = (value.to_bytes(4, "big", signed=True) for value in (f << 16 for f in four))
    zero = bytes(4)
    return a + b + zero + c + d + zero + zero + zero + (1 << 30).to_bytes(4, "big")
