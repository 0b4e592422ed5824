import numpy as np
import pytest

from workers.clip import clip_of, small_luma


def frame(height: int, width: int, value: int):
    return np.full((height, width, 3), value, np.uint8)


def test_an_odd_side_is_cropped_by_one():
    clip = clip_of([frame(31, 41, 90)], [0.0])
    assert (clip.height, clip.width) == (30, 40)


def test_luma_is_a_view_of_the_planes():
    clip = clip_of([frame(32, 40, 10), frame(32, 40, 200)], [0.0, 0.1])
    assert np.shares_memory(clip.gray(1), clip.planes)
    assert clip.gray(0).mean() < clip.gray(1).mean()


def test_colours_come_back_within_the_rounding_of_yuv():
    picture = frame(32, 40, 0)
    picture[:, :] = (200, 120, 40)
    clip = clip_of([picture], [0.0])
    assert np.abs(clip.bgr(0).astype(int) - picture).max() <= 3


def test_the_first_frame_is_at_zero_and_the_rate_is_that_of_the_recording():
    clip = clip_of([frame(32, 40, v) for v in (1, 2, 3)], [5.0, 5.1, 5.2])
    assert clip.at_s[0] == 0.0
    assert clip.duration_s == pytest.approx(0.2)
    assert clip.frame_rate_hz == pytest.approx(10.0)


def test_a_clip_of_one_frame_has_no_rate():
    assert clip_of([frame(32, 40, 1)], [3.0]).frame_rate_hz == 0.0


def test_times_that_do_not_increase_are_a_bug():
    with pytest.raises(AssertionError):
        clip_of([frame(32, 40, 1)] * 2, [0.0, 0.0])


def test_small_pictures_are_means_of_areas_whatever_the_size():
    left_dark = frame(250, 516, 200)
    left_dark[:, :258] = 20
    small = small_luma(clip_of([left_dark, frame(250, 516, 90)], [0.0, 0.1]))
    assert small.shape == (2, 48, 64)
    assert small[0, :, :31].max() < small[0, :, 33:].min()
    assert np.ptp(small[1]) == 0


def test_small_pictures_are_made_once_and_cannot_be_changed():
    clip = clip_of([frame(48, 64, 90)] * 2, [0.0, 0.1])
    assert clip.small is clip.small
    assert np.array_equal(clip.small, small_luma(clip))
    with pytest.raises(ValueError, match="read-only"):
        clip.small[0, 0, 0] = 1
