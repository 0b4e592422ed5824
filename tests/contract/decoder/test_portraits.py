"""What the decoder makes of portraits, honest and hostile."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

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


def test_grey_alpha_and_sixteen_bits_become_plain_colour(shared: Watched):
    grey = picture(64, 48)[..., 0]
    with_alpha = np.dstack([picture(64, 48), np.full((48, 64), 128, np.uint8)])
    deep = picture(64, 48).astype(np.uint16) * 257
    for pixels in (grey, with_alpha, deep):
        assert shared.decode_portrait(picture_bytes(".png", pixels)).shape == (48, 64, 3)
    assert difference(shared.decode_portrait(picture_bytes(".png", deep)), picture(64, 48)) < 1


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
