import cv2
import numpy as np
import pytest

from models.geometry import ARCFACE_POINTS, arcface_map
from workers.chips import CORE, core_details, details_of, gray_chip, pack_chip
from workers.glimpses import (
    CORE_PX,
    GLIMPSE_BYTES,
    GLIMPSES_MAX,
    MARK,
    are_glimpses,
    glimpsed,
    pack_glimpses,
    unpack_glimpses,
)

GRAY = np.random.default_rng(1).integers(16, 236, (300, 300), np.uint8)
FIVE = (ARCFACE_POINTS * 1.5 + 60).astype(np.float32)
CHIP = np.random.default_rng(2).normal(120, 30, (112, 112)).astype(np.float32)


def packed(*chips):
    details = [details_of(chip)[CORE, CORE].reshape(-1) for chip in chips]
    return pack_glimpses(np.array(details, np.float32).reshape(-1, CORE_PX * CORE_PX))


def glimpses_of(*chips):
    return unpack_glimpses(packed(*chips))


def mixed(share, seed=3):
    """A chip that correlates with CHIP by the share."""
    other = np.random.default_rng(seed).normal(120, 30, (112, 112))
    return (120 + share * (CHIP - 120) + np.sqrt(1 - share**2) * (other - 120)).astype(np.float32)


def test_details_of_the_core_are_those_of_the_whole_chip():
    whole = details_of(gray_chip(GRAY, arcface_map(FIVE)))[CORE, CORE]
    alike = np.corrcoef(core_details(GRAY, arcface_map(FIVE)).ravel(), whole.ravel())[0, 1]
    assert alike > 0.999  # OpenCV's map has a step of 1/32 px


def test_a_frame_is_found_among_others_though_shifted_by_some_pixels():
    frames = glimpses_of(mixed(0, 4), np.roll(CHIP, (2, -3), (0, 1)), mixed(0, 5))
    assert glimpsed(CHIP, frames) == pytest.approx(1.0, abs=1e-6)
    assert glimpsed(CHIP, glimpses_of(mixed(0, 4), mixed(0, 5))) < 0.2
    assert glimpsed(CHIP, glimpses_of(np.roll(CHIP, 6, 0))) < 0.5


def laid_otherwise(chip, degrees, right, down):
    turned = cv2.getRotationMatrix2D((55.5, 55.5), degrees, 1.015)
    turned[:, 2] += (right, down)
    return cv2.warpAffine(chip, turned, (112, 112), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (2, -3), (-3, 2), (3, 3)])
def test_a_frame_among_others_is_found_whose_landmarks_lay_otherwise(right, down):
    frames = glimpses_of(*(mixed(0, seed) for seed in (4, 5, 6)), CHIP, *(mixed(0.4, seed) for seed in (7, 8)))
    assert glimpsed(laid_otherwise(CHIP, 1.2, right, down), frames) > 0.97
    assert glimpsed(laid_otherwise(mixed(0.7), 1.2, right, down), frames) < 0.8


def test_the_clip_has_room_for_every_frame_of_five_seconds():
    assert GLIMPSES_MAX >= 5 * 25


def test_a_portrait_of_nothing_is_like_no_frame():
    assert glimpsed(np.zeros((112, 112), np.float32), glimpses_of(CHIP)) == 0


@pytest.mark.parametrize("share", [0.4, 0.7, 0.9, 0.97])
def test_signs_give_the_correlation_that_pictures_would(share):
    other = mixed(share)
    of_pictures = np.corrcoef(details_of(CHIP)[CORE, CORE].ravel(), details_of(other)[CORE, CORE].ravel())[0, 1]
    assert glimpsed(CHIP, glimpses_of(other)) == pytest.approx(of_pictures, abs=0.05)


def test_light_and_contrast_say_nothing():
    assert glimpsed(CHIP * 0.3 + 90, glimpses_of(CHIP)) == pytest.approx(1.0, abs=1e-6)


def test_an_empty_portrait_is_like_no_frame():
    assert glimpsed(np.full((112, 112), 90, np.float32), glimpses_of(CHIP)) < 0.1


def test_glimpses_are_told_from_chips_and_hold_a_bit_for_each_fourth_pixel_of_the_core():
    assert are_glimpses(packed(CHIP, CHIP))
    assert len(packed(CHIP, CHIP)) == len(MARK) + 2 * GLIMPSE_BYTES == len(MARK) + 2 * 36 * 36 // 8
    assert not are_glimpses(pack_chip(np.zeros((112, 112, 3), np.uint8)))
    assert glimpses_of().shape == (0, 36 * 36)


def test_what_a_worker_of_another_version_packed_is_neither_a_chip_nor_read():
    older = b"glimpses" + bytes(648)
    assert are_glimpses(older)
    assert unpack_glimpses(older).shape == (0, 36 * 36)
