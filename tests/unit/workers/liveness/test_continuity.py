import numpy as np
import pytest

from workers.liveness.continuity import JUMPS_MAX, constancy, sides_of


def seen(text):
    return np.array([sign == "1" for sign in text])


def alike(*faces):
    return np.stack(faces) @ np.stack(faces).T


def test_both_sides_of_a_jump_are_compared():
    assert sides_of([5], seen("1111011111")) == [3, 5]
    assert sides_of([], seen("1111")) == []


def test_a_jump_at_the_end_still_has_two_sides():
    assert sides_of([9], seen("1111000000")) == [3]
    assert sides_of([0], seen("1111000000")) == [0]


def test_the_number_of_comparisons_is_limited():
    assert len(sides_of(list(range(2, 90, 2)), np.ones(100, np.bool_))) <= 2 * JUMPS_MAX


def test_the_least_similar_pair_counts():
    a, b = np.eye(512, dtype=np.float32)[:2]
    tilted = (0.8 * a + 0.6 * b).astype(np.float32)
    assert constancy(alike(a, tilted, a)) == pytest.approx(0.8)
    assert constancy(alike(a, tilted, b)) == pytest.approx(0.0, abs=1e-6)


def test_one_face_is_not_compared():
    assert constancy(np.ones((1, 1), np.float32)) is None
