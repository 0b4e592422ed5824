"""One recording: the face changes slowly, and no movement comes again."""

import numpy as np
import pytest

from workers.liveness.leaps import PAIRS_MAX, leaps_of
from workers.liveness.repeats import repeats_of

HZ = 12
RNG = np.random.default_rng(7)
ONE, OTHER = RNG.uniform(0, 255, (2, 28, 28))


def times(count):
    return np.arange(count) / HZ


def faces(*people, noise=8.0):
    """A face a frame, each a little different."""
    return np.stack([person + RNG.normal(0, noise, person.shape) for person in people]).astype(np.float32)


def walk(count, seed):
    """Small pictures of something that moves about, never twice alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :64]
    places = np.cumsum(rng.normal(0, 1.5, (count, 2)), axis=0) + np.array((24, 32))
    return np.stack([120 + 80 * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 90) for a, b in places]).astype(np.uint8)


def test_one_face_neither_leaps_nor_is_doubted():
    found = leaps_of(faces(*[ONE] * 40), times(40), drift_max=0.72)
    assert found.step < 0.1
    assert found.doubtful == ()


@pytest.mark.parametrize("first", [1, 10, 20, 38])
def test_another_person_is_doubted_on_both_sides_wherever_they_take_over(first):
    people = [ONE] * first + [OTHER] * (40 - first)
    found = leaps_of(faces(*people), times(40), drift_max=0.72)
    assert found.step > 0.36
    assert any(before < first <= after for before, after in found.doubtful)


def test_a_person_who_is_shown_in_between_is_doubted_twice():
    people = [ONE] * 12 + [OTHER] * 12 + [ONE] * 12
    found = leaps_of(faces(*people), times(36), drift_max=0.72)
    assert any(before < 12 <= after for before, after in found.doubtful)
    assert any(before < 24 <= after for before, after in found.doubtful)


def test_a_take_over_that_is_dissolved_over_three_frames_is_still_doubted():
    mixed = [ONE * (1 - share) + OTHER * share for share in (0.25, 0.5, 0.75)]
    found = leaps_of(faces(*[ONE] * 15, *mixed, *[OTHER] * 15), times(33), drift_max=0.72)
    assert found.doubtful


def test_frames_without_a_face_are_no_leap():
    seen = faces(*[ONE] * 20)
    seen[8:10] = np.nan
    assert leaps_of(seen, times(20), drift_max=0.72).step < 0.1


def test_where_no_two_neighbours_show_the_face_nothing_is_known():
    seen = np.full((6, 28, 28), np.nan, np.float32)
    assert leaps_of(seen, times(6), drift_max=0.72).step is None


def test_pairs_are_few_however_wild_the_clip_is():
    people = [ONE, OTHER] * 30
    assert len(leaps_of(faces(*people), times(60), drift_max=0.0).doubtful) <= PAIRS_MAX


@pytest.mark.parametrize("seed", range(5))
def test_movement_that_never_comes_again_is_unlike_itself(seed):
    assert repeats_of(walk(60, seed), times(60)).least > 0.6


@pytest.mark.parametrize("start", [0, 5, 20])
def test_a_stretch_that_is_shown_again_is_found(start):
    once = walk(45, 3)
    looped = np.concatenate([once, once[start : start + 15]])
    assert repeats_of(looped, times(60)).forwards < 0.1


@pytest.mark.parametrize("turn", [20, 30])
def test_a_stretch_that_is_played_backwards_is_found(turn):
    once = walk(45, 4)
    to_and_fro = np.concatenate([once[:turn], once[turn - 2 :: -1][:15]])
    assert repeats_of(to_and_fro, times(len(to_and_fro))).backwards < 0.1


def test_re_encoding_does_not_hide_a_loop():
    once = walk(45, 5)
    again = np.clip(once[5:20] + RNG.normal(0, 1.0, (15, 48, 64)), 0, 255).astype(np.uint8)
    assert repeats_of(np.concatenate([once, again]), times(60)).forwards < 0.45


def test_where_nothing_moves_nothing_is_said():
    still = np.full((60, 48, 64), 120, np.uint8)
    assert repeats_of(still, times(60)).least is None


def test_a_clip_of_a_few_frames_says_nothing():
    assert repeats_of(walk(7, 1), times(7)).least is None


def test_a_face_that_comes_back_as_another_from_behind_a_cover_leaps():
    seen = faces(*[ONE] * 10, *[ONE] * 2, *[OTHER] * 10)
    seen[10:12] = np.nan
    assert leaps_of(seen, times(22), drift_max=0.72).step > 0.36
    assert leaps_of(faces(*[ONE] * 22), times(22), drift_max=0.72).step < 0.1


def test_a_step_that_takes_longer_counts_less_by_the_root_of_its_time():
    mixed = ONE * 0.6 + OTHER * 0.4
    even = leaps_of(faces(*[ONE] * 5, *[mixed] * 5, noise=0.0), times(10), drift_max=2.0).step
    late = times(10) + np.where(np.arange(10) >= 5, 3 / HZ, 0.0)
    assert leaps_of(faces(*[ONE] * 5, *[mixed] * 5, noise=0.0), late, drift_max=2.0).step == pytest.approx(even / 2, rel=1e-3)
