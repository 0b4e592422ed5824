"""What the decoder makes of portraits, honest and hostile."""

import math
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from bench.presentations.attacks_document import Lay, played_after, seen_through
from realname.errors import BadRecording
from realname.reasons import Reason
from tests.recordings import picture, picture_bytes, with_orientation
from tests.watched_decoder import LIMITS, Watched, watched
from workers.decoder.process import Cause


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_each_kind_of_picture_is_decoded(shared: Watched, kind: str):
    portrait = shared.decode_portrait(picture_bytes(kind, picture(300, 200)))
    assert portrait.shape == (200, 300, 3)
    assert difference(portrait, picture(300, 200)) < 12


def test_a_picture_taken_lying_is_turned_upright(shared: Watched):
    lying = picture_bytes(".jpg", picture(300, 200))
    upright = shared.decode_portrait(with_orientation(lying, 6))
    assert upright.shape == (300, 200, 3)
    assert difference(upright, np.rot90(shared.decode_portrait(lying), -1)) < 1


def test_a_large_picture_that_is_scaled_while_it_is_decoded_is_turned_upright_too(shared: Watched):
    lying = picture_bytes(".jpg", cv2.resize(picture(160, 120), (3300, 2475)))
    assert shared.decode_portrait(with_orientation(lying, 6)).shape == (1600, 1200, 3)


def test_grey_and_sixteen_bits_become_plain_colour(shared: Watched):
    colour = picture(64, 48)
    grey = colour[..., 0]
    assert difference(shared.decode_portrait(picture_bytes(".png", grey)), np.dstack([grey] * 3)) == 0
    assert difference(shared.decode_portrait(picture_bytes(".png", colour.astype(np.uint16) * 257)), colour) < 1


def with_alpha(alpha: int, depth: type[np.unsignedinteger] = np.uint8) -> np.ndarray:
    """A picture of 64 x 48 BGRA; alpha: 0..255, of the pixel in its middle, all others are opaque."""
    opaque = np.full((48, 64), 255, np.uint8)
    opaque[24, 32] = alpha
    return np.dstack([picture(64, 48), opaque]).astype(depth) * (257 if depth is np.uint16 else 1)


@pytest.mark.parametrize(("kind", "depth"), [(".png", np.uint8), (".png", np.uint16), (".webp", np.uint8)])
def test_an_alpha_channel_is_dropped_where_it_is_opaque_and_refused_where_one_pixel_is_not(shared: Watched, kind, depth):
    """What shines through is up to the page behind it: a clerk would be shown another picture than what is matched."""
    assert difference(shared.decode_portrait(picture_bytes(kind, with_alpha(255, depth))), picture(64, 48)) < 1
    refused(shared, picture_bytes(kind, with_alpha(254, depth)))


@pytest.mark.parametrize("kind", [".png", ".webp"])
@pytest.mark.parametrize("lay", [seen_through, played_after])
def test_a_file_that_shows_one_picture_and_holds_another_is_refused(shared: Watched, kind: str, lay: Lay):
    shown = np.ascontiguousarray(picture(64, 48)[::-1])
    refused(shared, lay(picture(64, 48), shown, kind))


def test_a_colour_that_a_palette_or_a_plain_png_calls_transparent_is_refused(shared: Watched):
    """Of colour type 2 with a tRNS chunk, ISO/IEC 15948 11.3.2.1: every pixel of one colour."""
    body = picture_bytes(".png", np.full((48, 64, 3), 90, np.uint8))
    chunk = b"tRNS" + bytes([0, 90] * 3)
    at = body.index(b"IDAT") - 4
    refused(shared, body[:at] + (6).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + body[at:])


def refused(decoder: Watched, body: bytes) -> None:
    with pytest.raises(BadRecording) as refusal:
        decoder.decode_portrait(body)
    assert refusal.value.reason is Reason.PORTRAIT_UNREADABLE


def test_the_largest_picture_with_alpha_fits_into_the_child_s_memory():
    side = math.isqrt(LIMITS.portrait_pixels_max)
    opaque = np.full((side, side, 4), 65535, np.uint16)
    with watched(replace(LIMITS, within_s=60.0)) as decoder:
        assert decoder.decode_portrait(picture_bytes(".png", opaque)).shape == (1600, 1600, 3)
        assert decoder.deaths == []


@pytest.mark.parametrize("kind", [".jpg", ".png"])
@pytest.mark.parametrize("side", [1601, 2400, 3300, 4800])
def test_a_large_picture_is_scaled_down_to_sixteen_hundred(shared: Watched, kind: str, side: int):
    smooth = cv2.resize(picture(160, 120)[..., :1], (side, side * 3 // 4))
    portrait = shared.decode_portrait(picture_bytes(kind, smooth))
    assert max(portrait.shape) == 1600
    assert portrait.shape[0] == pytest.approx(1200, abs=1)


def test_a_picture_of_more_pixels_than_allowed_is_refused_by_its_header(shared: Watched):
    with pytest.raises(BadRecording) as refusal:
        shared.decode_portrait(picture_bytes(".png", np.zeros((5000, 5000), np.uint8)))
    assert refusal.value.reason is Reason.PORTRAIT_UNREADABLE
    assert shared.costs[-1].cpu_s < 0.01


def test_a_header_that_lies_about_its_size_does_not_pass_the_decoder_either(shared: Watched):
    honest = picture_bytes(".jpg", np.zeros((5000, 6000), np.uint8))
    small = picture_bytes(".jpg", np.zeros((16, 16), np.uint8))
    frame = small[small.index(b"\xff\xc0") :][:19]
    hidden = honest[:2] + frame + honest[2:]  # two frame headers: the first is read, the second decoded
    with pytest.raises(BadRecording):
        shared.decode_portrait(hidden)


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xd8\xff", b"GIF89a" + bytes(100), bytes(1000), picture_bytes(".jpg", picture(64, 48))[:200]]
)
def test_what_is_no_picture_is_refused(shared: Watched, body: bytes):
    with pytest.raises(BadRecording) as refusal:
        shared.decode_portrait(body)
    assert refusal.value.reason is Reason.PORTRAIT_UNREADABLE


def test_a_picture_that_needs_more_memory_than_there_is_ends_the_child_not_the_worker():
    bomb = picture_bytes(".png", np.zeros((20_000, 20_000), np.uint8))
    with watched(replace(LIMITS, portrait_pixels_max=10**9, address_space_bytes_max=900 * 1024 * 1024)) as decoder:
        with pytest.raises(BadRecording):
            decoder.decode_portrait(bomb)
        assert decoder.deaths == [Cause.MEMORY]
        assert decoder.decode_portrait(picture_bytes(".jpg", picture(64, 48))).shape == (48, 64, 3)


@pytest.mark.parametrize("name", ["franck_02683.jpg", "franck_03909.jpg", "single_face.jpg"])
def test_real_portraits_are_decoded(shared: Watched, media_folder: Path, name: str):
    body = (media_folder / name).read_bytes()
    expected = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    assert difference(shared.decode_portrait(body), expected) == 0
