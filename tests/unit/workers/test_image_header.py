import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.presentations.attacks_document import played_after
from tests.recordings import picture, picture_bytes, with_orientation
from workers.decoder.image_header import has_alpha, is_animated, size_of


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_the_header_says_the_size(kind: str):
    assert size_of(picture_bytes(kind, picture(123, 77))) == (123, 77)


def test_a_webp_with_alpha_says_its_size():
    transparent = np.dstack([picture(123, 77), np.full((77, 123), 100, np.uint8)])
    assert size_of(picture_bytes(".webp", transparent)) == (123, 77)


def test_a_lossless_webp_says_its_size():
    # VP8L: signature byte, then 14 bits of width - 1 and 14 bits of height - 1 (RFC 9649, section 3.4).
    bits = (123 - 1) | (77 - 1) << 14
    assert size_of(b"RIFF\x24\x08\x00\x00WEBPVP8L\x18\x08\x00\x00\x2f" + bits.to_bytes(4, "little") + bytes(16)) == (123, 77)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_a_plain_picture_is_not_animated_and_has_no_alpha(kind: str):
    body = picture_bytes(kind, picture(123, 77))
    assert not is_animated(body)
    assert not has_alpha(body)


@pytest.mark.parametrize("kind", [".png", ".webp"])
def test_an_animation_is_known_by_its_chunks(kind: str):
    body = played_after(picture(123, 77), picture(123, 77, 5), kind)
    assert is_animated(body)
    assert size_of(body) == (123, 77)


def test_a_webp_that_only_says_that_it_is_animated_is_taken_at_its_word():
    plain = picture_bytes(".webp", picture(123, 77))
    extended = b"VP8X" + (10).to_bytes(4, "little") + bytes([0x02, 0, 0, 0, 122, 0, 0, 76, 0, 0])
    assert is_animated(plain[:12] + extended + plain[12:])


def test_the_letters_of_an_animation_in_a_picture_s_own_bytes_make_none():
    body = picture_bytes(".png", picture(123, 77))
    at = body.index(b"IDAT") - 4
    text = (4 + 8).to_bytes(4, "big") + b"tEXt" + b"acTLtRNSANIM" + bytes(4)
    assert not is_animated(body[:at] + text + body[at:])
    assert not has_alpha(body[:at] + text + body[at:])


@pytest.mark.parametrize("kind", [".png", ".webp"])
def test_an_alpha_channel_is_known_by_the_header(kind: str):
    assert has_alpha(picture_bytes(kind, np.dstack([picture(123, 77), np.full((77, 123), 100, np.uint8)])))


def test_the_size_is_as_stored_before_it_is_turned():
    assert size_of(with_orientation(picture_bytes(".jpg", picture(123, 77)), 6)) == (123, 77)


def test_a_thumbnail_in_the_exif_segment_is_not_the_picture():
    thumbnail = picture_bytes(".jpg", picture(16, 16))
    jpeg = picture_bytes(".jpg", picture(123, 77))
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    assert size_of(jpeg[:2] + segment + jpeg[2:]) == (123, 77)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_a_header_cut_off_says_nothing(kind: str):
    whole = picture_bytes(kind, picture(123, 77))
    assert size_of(whole[:20]) is None


def test_no_picture_has_no_size():
    assert size_of(b"") is None
    assert size_of(b"GIF89a\x10\x00\x10\x00") is None
    assert size_of(b"\xff\xd8\xff" + b"\xff" * 100) is None


@given(st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", b"RIFF0000WEBPVP8"]), st.binary(max_size=300))
def test_noise_after_a_true_start_gives_a_size_or_none(start: bytes, noise: bytes):
    size = size_of(start + noise)
    assert size is None or min(size) > 0
    assert isinstance(is_animated(start + noise), bool)
    assert isinstance(has_alpha(start + noise), bool)
