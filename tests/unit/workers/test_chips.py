import cv2
import numpy as np
import pytest

from models.geometry import ARCFACE_POINTS, arcface_map
from workers.chips import details_of, gray_chip, laid_upon, luma_of, pack_best, pack_chip, pack_chip_tightly, unpack_chip


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


def moved(chip, degrees, factor, right):
    """Turned about its middle, larger by the factor, shifted by so many pixels."""
    turned = cv2.getRotationMatrix2D((55.5, 55.5), degrees, factor)
    turned[0, 2] += right
    return cv2.warpAffine(chip, turned, (112, 112), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def test_a_picture_is_laid_on_another_by_what_both_show():
    one = details_of(luma_of(picture()))
    other = moved(one, 1.5, 1.02, 0.6)
    laid = laid_upon(np.sign(one[20:92:2, 20:92:2]), other, step_px=2, at=(20, 20))
    assert np.corrcoef(other[20:92:2, 20:92:2].ravel(), one[20:92:2, 20:92:2].ravel())[0, 1] < 0.9
    assert np.corrcoef(laid.ravel(), one[20:92:2, 20:92:2].ravel())[0, 1] > 0.97


def test_a_picture_is_not_laid_where_nothing_fits_nearby():
    one = details_of(luma_of(picture()))
    still = np.sign(one[20:92:2, 20:92:2])
    assert laid_upon(still, np.zeros_like(one), step_px=2, at=(20, 20)) is None, "no details at all"
    coarse = cv2.GaussianBlur(luma_of(picture()), (0, 0), 5) - 128  # it would follow these any distance
    still = np.sign(coarse[20:92:2, 20:92:2])
    assert laid_upon(still, moved(coarse, 0, 0.95, 0), step_px=2, at=(20, 20)) is not None
    assert laid_upon(still, moved(coarse, 0, 0.75, 0), step_px=2, at=(20, 20)) is None, "a corner would move by 9 pixels"


def test_what_is_no_picture_at_all_is_a_bug_and_no_answer():
    with pytest.raises(cv2.error):
        laid_upon(np.zeros((36, 36), np.int32), np.zeros((112, 112), np.float32), step_px=2, at=(20, 20))


def test_a_luma_plane_becomes_an_aligned_chip_of_full_range():
    plane = np.full((112, 112), 16, np.uint8)
    plane[:, 56:] = 235
    chip = gray_chip(plane, arcface_map(ARCFACE_POINTS.astype(np.float32)))
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
