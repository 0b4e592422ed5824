"""What the models are shown."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.manifest import ModelEntry, Pixels, Role, read_manifest
from models.pixels import (
    Image,
    assert_colour,
    assert_colour_or_gray,
    crop_round,
    gray_square,
    letterbox,
    size_of,
    to_numbers,
    to_rgb_planes,
)


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def plain(height: int, width: int, bgr: tuple[int, int, int]) -> Image:
    return np.full((height, width, 3), bgr, np.uint8)


def test_a_wide_image_fills_the_width_and_is_black_below():
    canvas, scale = letterbox(plain(100, 400, (9, 9, 9)), 320, 240)
    assert canvas.shape == (240, 320, 3)
    assert scale == pytest.approx(0.8)
    assert (canvas[:80] == 9).all()
    assert (canvas[80:] == 0).all()


def test_a_tall_image_fills_the_height_and_is_black_to_the_right():
    canvas, scale = letterbox(plain(480, 120, (9, 9, 9)), 320, 240)
    assert scale == pytest.approx(0.5)
    assert (canvas[:, :60] == 9).all()
    assert (canvas[:, 60:] == 0).all()


def test_a_line_of_one_pixel_still_makes_an_image():
    canvas, _ = letterbox(plain(1, 4000, (9, 9, 9)), 320, 240)
    assert canvas[0, 0, 0] == 9


def test_rgb_planes_are_turned_round_and_centred():
    planes = to_rgb_planes(plain(2, 3, (10, 20, 255)))
    assert planes.shape == (3, 2, 3)
    assert planes.dtype == np.float32
    np.testing.assert_array_equal(planes[:, 0, 0], np.float32([(255 - 127) / 128, (20 - 127) / 128, (10 - 127) / 128]))


def test_rgb_planes_are_exactly_what_plain_arithmetic_gives():
    image = noise(37, 53)
    expected = ((image[:, :, ::-1].astype(np.float32) - 127) / 128).transpose(2, 0, 1)
    np.testing.assert_array_equal(to_rgb_planes(image), expected)


def test_a_gray_square_is_scaled_to_below_one_and_black_outside_the_image():
    gray = gray_square(np.full((100, 100), 128, np.uint8), np.float32([-50, 0, 50, 100]), 64)
    assert gray.shape == (1, 64, 64)
    assert (gray[0, :, 34:] == 0.5).all()
    assert (gray[0, :, :30] == 0).all()


def test_a_y_plane_and_its_gray_picture_give_the_same_square():
    y_plane = noise(60, 80)[:, :, 0]
    square = np.float32([10, 5, 50, 45])
    colour = np.repeat(y_plane[:, :, None], 3, axis=2)
    np.testing.assert_allclose(gray_square(y_plane, square, 64), gray_square(colour, square, 64), atol=1.01 / 256)


def test_a_crop_is_centred_on_the_face_and_as_large_as_asked():
    image = np.zeros((400, 400, 3), np.uint8)
    image[150:250, 150:250] = 200
    crop = crop_round(image, np.float32([150, 150, 250, 250]), scale=2.0, size=128)
    lit = np.argwhere(crop[:, :, 0] > 100)
    np.testing.assert_allclose(lit.min(0), [32, 32], atol=1)
    np.testing.assert_allclose(lit.max(0), [95, 95], atol=1)


def test_a_crop_at_the_border_is_pushed_inside_and_has_no_black_edge():
    crop = crop_round(plain(400, 600, (50, 60, 70)), np.float32([-20, -30, 120, 150]), scale=2.0, size=128)
    assert (crop == (50, 60, 70)).all()


def test_a_crop_larger_than_the_image_takes_what_there_is():
    crop = crop_round(plain(100, 90, (50, 60, 70)), np.float32([0, 0, 90, 100]), scale=2.0, size=128)
    assert crop.shape == (128, 128, 3)


@pytest.mark.parametrize("box", [(5, 5, 5, 5), (900, 900, 950, 950), (-500, -500, -400, -400)])
def test_a_crop_of_a_hopeless_box_still_has_its_size(box: tuple[int, ...]):
    assert crop_round(noise(100, 90), np.float32(box), scale=2.0, size=128).shape == (128, 128, 3)


ENTRY = read_manifest().models[Role.SPOOF]


def entry(**changes) -> ModelEntry:
    return replace(ENTRY, **changes)


def test_numbers_keep_the_models_order_and_range():
    image = noise(37, 53)
    np.testing.assert_array_equal(to_numbers(image, entry(colour="BGR")), image.astype(np.float32).transpose(2, 0, 1))
    np.testing.assert_array_equal(to_numbers(image, entry(colour="RGB")), image[:, :, ::-1].astype(np.float32).transpose(2, 0, 1))


def test_one_mean_and_scale_serve_all_channels_to_the_last_bit():
    image = noise(37, 53)
    numbers = to_numbers(image, entry(colour="RGB", pixels=Pixels(mean=(127.0,), scale=(1 / 128,))))
    np.testing.assert_array_equal(numbers, to_rgb_planes(image))


def test_each_channel_may_have_its_own_mean_and_scale_in_the_models_order():
    image = noise(37, 53)
    mean, std = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])
    pixels = Pixels(mean=tuple(map(float, mean)), scale=tuple(float(1 / one) for one in std))
    expected = ((image[:, :, ::-1].astype(np.float32) - mean) / std).transpose(2, 0, 1)
    np.testing.assert_allclose(to_numbers(image, entry(colour="RGB", pixels=pixels)), expected, atol=1e-5)


@pytest.mark.parametrize("scale", [(1.0, 0.5, 0.25), (0.5, 1.0, 0.25), (0.25, 0.25, 1.0), (2.0, 2.0, 2.0), (1.0, 1.0, 1.0)])
@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_each_channel_s_scale_counts_whatever_the_first_one_is(colour: str, scale: tuple[float, ...]):
    image = noise(5, 7)
    ordered = image[:, :, ::-1] if colour == "RGB" else image
    expected = ((ordered.astype(np.float32) - np.float32((3, 20, 100))) * np.float32(scale)).transpose(2, 0, 1)
    numbers = to_numbers(image, entry(colour=colour, pixels=Pixels(mean=(3.0, 20.0, 100.0), scale=scale)))
    np.testing.assert_allclose(numbers, expected, atol=1e-4)


def test_a_model_may_read_channels_last_or_gray():
    image = noise(37, 53)
    np.testing.assert_array_equal(to_numbers(image, entry(colour="BGR", layout="NHWC")), image.astype(np.float32))
    gray = to_numbers(plain(4, 6, (100, 100, 100)), entry(colour="gray", pixels=Pixels(mean=(50.0,), scale=(0.5,))))
    assert gray.shape == (1, 4, 6)
    assert (gray == 25).all()


def test_the_size_of_an_input_is_read_by_its_layout():
    assert size_of(entry(input_shape=(3, 96, 80), layout="NCHW")) == (96, 80)
    assert size_of(entry(input_shape=(96, 80, 3), layout="NHWC")) == (96, 80)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_not_a_colour_image_is_refused(image: Image):
    with pytest.raises(AssertionError):
        assert_colour(image)


@pytest.mark.parametrize("image", [np.zeros((4, 4)), np.zeros((0, 4), np.uint8), np.zeros((4, 4, 1), np.uint8)])
def test_what_is_neither_colour_nor_gray_is_refused(image: Image):
    with pytest.raises(AssertionError):
        assert_colour_or_gray(image)
