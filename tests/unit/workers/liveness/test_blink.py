import numpy as np
import pytest

from realname.policy import BlinkRules
from tests.faces import heads, series, times
from workers.liveness.blink import closedness_of, find_blinks

RULES = BlinkRules(closedness_min=0.25, hysteresis=0.7, duration_s_max=0.5)


def blinks(text):
    return find_blinks(series(text), times(len(text)), RULES)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("oooooooo", 0),
        ("ooo_oooo", 1),
        ("oo__oo__oo", 2),
        ("oo_-_-_oo", 1),  # a flutter that never opens is one blink
        ("oo--oo", 0),  # half shut is not shut
        ("", 0),
    ],
)
def test_a_blink_is_open_shut_open(text, count):
    assert len(blinks(text)) == count


def test_a_blink_longer_than_half_a_second_is_not_a_blink():
    assert len(blinks("oo_____oo")) == 1
    assert len(blinks("oo______oo")) == 1  # six frames at 12 Hz are half a second, from half-way shut to half-way open
    assert blinks("oo_______oo") == []


def test_lids_that_open_slowly_do_not_make_a_blink_longer():
    (blink,) = blinks("oo_____---oo")
    assert (blink.first, blink.last) == (2, 6)


def test_an_unseen_blink_is_not_a_blink():
    assert blinks("oo_?_oo") == []
    assert blinks("oo?__oo") == []  # shut when first seen again
    assert blinks("oo__?oo") == []


def test_eyes_that_are_shut_at_the_start_or_the_end_open_nothing():
    assert blinks("___oooo") == []
    assert blinks("oooo___") == []


def test_a_blink_says_when_the_eyes_were_furthest_shut_and_how_far():
    values = series("ooooooo")
    values[2:5] = 0.3, 0.6, 0.4
    (blink,) = find_blinks(values, times(7), RULES)
    assert (blink.first, blink.last) == (2, 4)
    assert blink.at_s == pytest.approx(3 / 12)
    assert blink.closedness == pytest.approx(0.6)


def test_openness_is_measured_against_the_persons_own_eyes():
    for own in (0.2, 0.35):  # narrow and wide eyes
        points = heads([0.0] * 9, eye_open=own)
        points[4] = heads([0.0], eye_open=own / 2)[0]
        closedness = closedness_of(points)
        assert closedness[0] == pytest.approx(0.0, abs=1e-5)
        assert closedness[4] == pytest.approx(0.5, abs=1e-3)


def test_a_wink_is_half_a_blink():
    points = heads([0.0] * 9)
    points[4, 36:42] = heads([0.0], eye_open=0.0)[0, 36:42]
    assert closedness_of(points)[4] == pytest.approx(0.5, abs=1e-3)


def test_no_face_has_no_closedness():
    assert np.isnan(closedness_of(heads([np.nan, np.nan]))).all()
    mixed = closedness_of(heads([0.0, np.nan, 0.0]))
    assert np.isnan(mixed[1])
    assert not np.isnan(mixed[[0, 2]]).any()
