from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workers.decoder.thinning import thin


def kept(at_s: list[float], rate_hz: float) -> list[float]:
    return [at for at, _ in thin(((at, None) for at in at_s), rate_hz)]


def steady(rate_hz: float, count: int) -> list[float]:
    return [index / rate_hz for index in range(count)]


def test_twenty_five_a_second_become_every_second_frame_for_twelve():
    assert kept(steady(25, 9), 12.0) == steady(25, 9)[::2]


def test_thirty_a_second_become_every_second_frame_for_twelve():
    assert kept(steady(30, 9), 12.0) == steady(30, 9)[::2]


def test_a_recording_at_the_asked_rate_is_kept_whole():
    assert kept(steady(12, 9), 12.0) == steady(12, 9)


def test_fifteen_a_second_cannot_be_thinned_for_twelve():
    assert kept(steady(15, 9), 12.0) == steady(15, 9)


def test_frames_around_a_gap_are_kept():
    assert kept([0.0, 0.04, 0.08, 1.0, 1.04, 1.08], 12.0) == [0.0, 0.08, 1.0, 1.08]


def test_the_last_frame_is_kept_though_it_comes_early():
    assert kept([0.0, 0.01], 12.0) == [0.0, 0.01]


def test_nothing_and_one_frame_pass():
    assert kept([], 12.0) == []
    assert kept([0.5], 12.0) == [0.5]


gaps = st.lists(st.floats(0.001, 0.5), min_size=0, max_size=60)


@given(gaps, st.floats(1, 60))
def test_no_gap_is_longer_than_asked_unless_the_recording_has_it(steps: list[float], rate_hz: float):
    at_s = [0.0]
    for step in steps:
        at_s.append(at_s[-1] + step)
    result = kept(at_s, rate_hz)
    assert result[0] == at_s[0]
    assert result[-1] == at_s[-1]
    for earlier, later in pairwise(result):
        neighbours = at_s.index(later) - at_s.index(earlier) == 1
        assert neighbours or later - earlier <= 1 / rate_hz + 1e-5


@given(gaps, st.floats(1, 60))
def test_no_frame_is_kept_that_could_be_left_out(steps: list[float], rate_hz: float):
    at_s = [0.0]
    for step in steps:
        at_s.append(at_s[-1] + step)
    result = kept(at_s, rate_hz)
    for before, after in zip(result, result[2:-1], strict=False):
        assert after - before > 1 / rate_hz
