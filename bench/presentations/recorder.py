"""Encodes a shot as a recorder does: no B frames, no encoder's signature, times as a camera gives them.

Browsers' MediaRecorder makes VP8, VP9, AV1 in WebM and H.264 (baseline) in MP4, in real time, with presentation times in ms
that wander with the camera. An attacker who injects pixels behind a virtual camera gets just such a file, so the attacks are
recorded alike; what a file tool leaves behind is a species of its own.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

from bench.presentations.shots import Shot
from bench.urgency import opened

Codec = Literal["h264", "vp8", "vp9", "av1"]

JITTER_S = 0.002  # standard deviation of a frame's time; three of them are the most
TICK = Fraction(1, 1000)  # of MediaRecorder's times
APP = b"webm"  # in place of the muxer's own name, which no recorder writes; of the same length, so that no size changes
SEI_ONLY = "filter_units=remove_types=6"  # NAL type 6: x264 writes its settings there. Source: ITU-T H.264, table 7-1


@dataclass(frozen=True, slots=True)
class _Way:
    encoder: str
    container: str
    options: dict[str, str]


# A negative cpu-used is a fixed speed; a positive one follows the clock, and no two runs give the same bytes.
_REALTIME = {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0", "threads": "1"}
_WAYS: dict[Codec, _Way] = {
    "h264": _Way("libx264", "mp4", {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "threads": "1"}),
    "vp8": _Way("libvpx", "webm", _REALTIME),
    "vp9": _Way("libvpx-vp9", "webm", _REALTIME),
    "av1": _Way(
        "libsvtav1",
        "webm",
        {"preset": "10", "svtav1-params": "logical-processors=1:pred-struct=1:rc=2:lookahead=0:enable-overlays=0"},
    ),
}


def record(shot: Shot, codec: Codec = "h264", *, bit_rate: int = 1_300_000, seed: int = 1) -> bytes:
    """The file that a recorder would hand in. bit_rate: bit/s. The same shot and seed give the same bytes."""
    way = _WAYS[codec]
    height, width = (side - side % 2 for side in shot.frames[0].shape[:2])
    out = io.BytesIO()
    with av.open(out, "w", format=way.container, options={"fflags": "+bitexact"}) as sink:
        stream: Any = sink.add_stream(way.encoder, rate=round(1 / shot.step_s), options=way.options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bit_rate
        stream.codec_context.time_base = TICK
        stream.codec_context.gop_size = 100
        stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT: no name of the encoder
        opened(stream)
        strip = BitStreamFilterContext(SEI_ONLY, in_stream=stream) if codec == "h264" else None
        for frame, pts in zip(shot.frames, _pts(shot, seed), strict=True):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="bgr24")
            picture.pts, picture.time_base = pts, TICK
            _mux(sink, strip, stream.encode(picture))
        _mux(sink, strip, stream.encode(None))
    return out.getvalue().replace(b"Lavf", APP) if way.container == "webm" else out.getvalue()


def from_a_file_tool(shot: Shot, *, bit_rate: int = 1_300_000) -> bytes:
    """What a converter makes: B frames, even times, its settings and its name left in the file."""
    height, width = (side - side % 2 for side in shot.frames[0].shape[:2])
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as sink:
        stream: Any = sink.add_stream("libx264", rate=round(1 / shot.step_s), options={"preset": "fast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bit_rate
        for frame in shot.frames:
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="bgr24")))
        sink.mux(stream.encode(None))
    return out.getvalue()


def _pts(shot: Shot, seed: int) -> list[int]:
    """Times in ms with a camera's jitter, strictly increasing from 0."""
    wander = np.random.default_rng(seed).normal(0, JITTER_S, len(shot.at_s)).clip(-3 * JITTER_S, 3 * JITTER_S)
    wanted = (np.asarray(shot.at_s) + wander) / float(TICK)
    pts = np.round(wanted - wanted[0]).astype(int).tolist()
    for index in range(1, len(pts)):
        pts[index] = max(pts[index], pts[index - 1] + 1)
    return pts


def _mux(sink: Any, strip: BitStreamFilterContext | None, packets: list[Any]) -> None:
    for packet in packets:
        sink.mux(packet if strip is None else strip.filter(packet))
