"""Whoever drops frames while a picture is held or looped hides nothing by it."""

import numpy as np
import pytest

from workers.liveness.repeats import repeats_of
from workers.liveness.sameness import Sameness, sameness_of
from workers.liveness.stalls import evenly_shown, longest_stall_s, said_again

HZ = 12
COUNT = 60


@pytest.fixture
def chance():
    return np.random.default_rng(11)


def walk(chance, count):
    """Details of a living face: a random walk."""
    steps = chance.normal(0, 0.2, (count, 900))
    steps[0] = chance.normal(0, 1, 900)
    return np.cumsum(steps, axis=0).astype(np.float32)


def pictures(chance, count):
    """Small pictures of something that moves about."""
    y, x = np.mgrid[:48, :64]
    places = np.cumsum(chance.normal(0, 1.5, (count, 2)), axis=0) + np.array((24, 32))
    return np.stack([120 + 80 * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 90) for a, b in places]).astype(np.uint8)


def test_of_an_even_recording_each_frame_is_on_show_once():
    at_s = np.arange(COUNT) / HZ
    shown, even_s = evenly_shown(at_s)
    np.testing.assert_array_equal(shown, np.arange(COUNT))
    np.testing.assert_allclose(even_s, at_s)
    assert longest_stall_s(at_s) == pytest.approx(1 / HZ)
    assert longest_stall_s(np.zeros(1)) == 0.0


def test_a_frame_stays_on_show_until_the_next_one_comes():
    at_s = np.array([0, 1, 2, 6, 7, 8, 9]) / HZ
    assert evenly_shown(at_s)[0].tolist() == [0, 1, 2, 2, 2, 2, 3, 4, 5, 6]
    assert longest_stall_s(at_s) == pytest.approx(4 / HZ)


def test_a_hold_in_few_frames_is_a_hold(chance):
    details, small = walk(chance, COUNT), pictures(chance, COUNT)
    details[20:35] = details[20] + chance.normal(0, 0.03, (15, 900))
    kept = np.array([*range(20), 20, 24, 28, 32, *range(35, COUNT)])
    at_s = kept / HZ
    assert sameness_of(details[kept], at_s).drift is None, "counted in frames it is short"
    drift = said_again(small[kept], details[kept], at_s)[1].drift
    assert drift is not None
    assert drift < 1.3


def test_a_loop_in_few_frames_comes_again(chance):
    once = walk(chance, 14)
    details = np.concatenate([walk(chance, 16), once, once, walk(chance, 16)])
    small = pictures(chance, COUNT)
    kept = np.array([*range(16), *range(16, 44, 2), *range(44, COUNT)])
    same = said_again(small[kept], details[kept], kept / HZ)[1]
    assert same.again is not None
    assert same.again < 0.45


def test_of_an_even_recording_it_is_what_both_say(chance):
    details, small, at_s = walk(chance, COUNT), pictures(chance, COUNT), np.arange(COUNT) / HZ
    assert said_again(small, details, at_s) == (repeats_of(small, at_s).least, sameness_of(details, at_s))


def test_of_an_uneven_recording_the_lesser_counts(chance):
    details, small = walk(chance, COUNT), pictures(chance, COUNT)
    at_s = np.sort(chance.choice(np.arange(2 * COUNT), COUNT, replace=False)) / HZ / 2
    shown, even_s = evenly_shown(at_s)
    ways = [(repeats_of(small, at_s).least, sameness_of(details, at_s))]
    ways.append((repeats_of(small[shown], even_s).least, sameness_of(details[shown], even_s)))
    repeat, same = said_again(small, details, at_s)
    assert repeat == min(way[0] for way in ways if way[0] is not None)
    assert same.again == min((way[1].again for way in ways if way[1].again is not None), default=None)


def test_nothing_is_said_of_one_frame(chance):
    assert said_again(pictures(chance, 1), walk(chance, 1), np.zeros(1)) == (None, Sameness(None, None))
