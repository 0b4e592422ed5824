import numpy as np
import pytest

from models.geometry import ARCFACE_POINTS
from workers.chips import correlation_of, gray_chip, luma_of, pack_best, pack_chip, pack_chip_tightly, unpack_chip


def picture(seed=1):
    """Smooth, with details: like a face, unlike noise."""
    noise = np.random.default_rng(seed).normal(0, 1, (118, 118, 3))
    for axis in (0, 1):
        noise = sum(np.roll(noise, step, axis) for step in (-1, 0, 1))
    return np.clip(128 + noise[3:115, 3:115] * 10, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("pack", [pack_chip, pack_chip_tightly])
def test_packing_loses_nothing(pack):
    assert (unpack_chip(pack(picture())) == picture()).all()


def test_packing_tightly_is_smaller():
    assert len(pack_chip_tightly(picture())) < len(pack_chip(picture()))


def test_what_is_no_chip_is_a_bug_of_the_sender():
    with pytest.raises(AssertionError, match="not an image"):
        unpack_chip(b"nothing")
    with pytest.raises(AssertionError):
        pack_chip(picture()[:, :, 0])


def test_the_same_picture_correlates_whatever_its_light_and_small_shifts():
    one = luma_of(picture())
    assert correlation_of(one, one) == pytest.approx(1.0, abs=1e-3)
    assert correlation_of(one * 0.6 + 30, one) > 0.99
    assert correlation_of(np.roll(one, (2, -3), (0, 1)), one) > 0.95


def test_other_pictures_do_not():
    assert correlation_of(luma_of(picture(1)), luma_of(picture(2))) < 0.4
    assert correlation_of(np.roll(luma_of(picture()), (9, 9), (0, 1)), luma_of(picture())) < 0.4


def test_a_luma_plane_becomes_an_aligned_chip_of_full_range():
    plane = np.full((112, 112), 16, np.uint8)
    plane[:, 56:] = 235
    chip = gray_chip(plane, ARCFACE_POINTS.astype(np.float32))
    assert chip.shape == (112, 112)
    assert chip[50, 10] == pytest.approx(0, abs=1)
    assert chip[50, 100] == pytest.approx(255, abs=1)


def grainy(seed=1):
    """The worst that a camera can give: nothing to compress."""
    return np.random.default_rng(seed).integers(0, 256, (112, 112, 3)).astype(np.uint8)


def test_chips_that_fit_are_packed_fast():
    chips = [picture(seed) for seed in range(3)]
    assert pack_best(chips, bytes_max=120_000, extra_bytes=400) == [pack_chip(chip) for chip in chips]


def test_chips_that_do_not_fit_are_packed_tightly_before_one_goes():
    chips = [picture(seed) for seed in range(3)]
    room = sum(len(pack_chip(chip)) for chip in chips) - 1
    packed = pack_best(chips, bytes_max=room, extra_bytes=0)
    assert packed == [pack_chip_tightly(chip) for chip in chips]


def test_grainy_chips_leave_the_worst_one_out():
    chips = [grainy(seed) for seed in range(3)]
    packed = pack_best(chips, bytes_max=80_000, extra_bytes=400)
    assert len(packed) == 2
    assert sum(len(chip) + 400 for chip in packed) <= 80_000
    assert (unpack_chip(packed[0]) == chips[0]).all()
    assert len(pack_best(chips, bytes_max=10, extra_bytes=0)) == 1
