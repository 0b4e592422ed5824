import numpy as np
import pytest

from models.geometry import ARCFACE_POINTS
from workers.chips import CORE, core_details, correlation_of, details_of, gray_chip, pack_chip
from workers.glimpses import GLIMPSE_BYTES, MARK, SIDE, are_glimpses, glimpsed, pack_glimpses

GRAY = np.random.default_rng(1).integers(16, 236, (300, 300), np.uint8)
FIVE = (ARCFACE_POINTS * 1.5 + 60).astype(np.float32)
CHIP = np.random.default_rng(2).normal(120, 30, (112, 112)).astype(np.float32)


def glimpses_of(*chips):
    details = [details_of(chip)[CORE, CORE].reshape(-1) for chip in chips]
    return pack_glimpses(np.array(details, np.float32).reshape(-1, SIDE * SIDE))


def mixed(share, seed=3):
    """A chip that correlates with CHIP by the share."""
    other = np.random.default_rng(seed).normal(120, 30, (112, 112))
    return (120 + share * (CHIP - 120) + np.sqrt(1 - share**2) * (other - 120)).astype(np.float32)


def test_details_of_the_core_are_those_of_the_whole_chip():
    whole = details_of(gray_chip(GRAY, FIVE))[CORE, CORE]
    alike = np.corrcoef(core_details(GRAY, FIVE).ravel(), whole.ravel())[0, 1]
    assert alike > 0.999  # OpenCV's map has a step of 1/32 px


def test_a_frame_is_found_among_others_though_shifted_by_some_pixels():
    packed = glimpses_of(mixed(0, 4), np.roll(CHIP, (2, -3), (0, 1)), mixed(0, 5))
    assert glimpsed(CHIP, packed) == pytest.approx(1.0, abs=1e-6)
    assert glimpsed(CHIP, glimpses_of(mixed(0, 4), mixed(0, 5))) < 0.2
    assert glimpsed(CHIP, glimpses_of(np.roll(CHIP, 6, 0))) < 0.5


@pytest.mark.parametrize("share", [0.4, 0.7, 0.9, 0.97])
def test_signs_give_the_correlation_that_pictures_would(share):
    other = mixed(share)
    assert glimpsed(CHIP, glimpses_of(other)) == pytest.approx(correlation_of(CHIP, other), abs=0.05)


def test_light_and_contrast_say_nothing():
    assert glimpsed(CHIP * 0.3 + 90, glimpses_of(CHIP)) == pytest.approx(1.0, abs=1e-6)


def test_glimpses_are_told_from_chips_and_hold_a_bit_for_each_pixel_of_the_core():
    packed = glimpses_of(CHIP, CHIP)
    assert are_glimpses(packed)
    assert len(packed) == len(MARK) + 2 * GLIMPSE_BYTES == len(MARK) + 2 * 72 * 72 // 8
    assert not are_glimpses(pack_chip(np.zeros((112, 112, 3), np.uint8)))
    assert glimpsed(CHIP, MARK) is None
