import numpy as np
import pytest

from tests.faces import heads, times
from workers.liveness.stillness import movements, stillness_of

FRAMES = 40  # at 12 Hz


def living(seed: int = 1, *, px: float = 0.5) -> np.ndarray:
    """A head whose landmarks each move by themselves; its eyes are 64 px apart."""
    return heads([0.0] * FRAMES) + np.random.default_rng(seed).normal(0, px, (FRAMES, 68, 2)).astype(np.float32)


def test_a_face_that_moves_in_itself_is_not_still():
    assert stillness_of(living(), times(FRAMES)) > 0.005


def test_a_held_picture_is_still_for_its_second_though_it_moves_before_and_after():
    points = living()
    points[10:26] = points[10]
    assert stillness_of(points, times(FRAMES)) == pytest.approx(0, abs=1e-5)
    shorter = living()
    shorter[10:20] = shorter[10]
    assert stillness_of(shorter, times(FRAMES)) > 0.005


def test_moving_turning_and_enlarging_a_picture_does_not_bring_it_to_life():
    steps = np.arange(FRAMES)[:, None, None]
    angle = 0.02 * steps
    still = heads([0.0] * FRAMES)
    turned = np.stack([still[..., 0] - angle[..., 0] * still[..., 1], still[..., 1] + angle[..., 0] * still[..., 0]], axis=-1)
    moved = (turned * (1 + 0.01 * steps) + 3 * steps).astype(np.float32)
    assert stillness_of(moved, times(FRAMES)) < 1e-4


def test_painted_blinks_do_not_bring_a_picture_to_life():
    points = heads([0.0] * FRAMES)
    points[::3, 36:48, 1] += 4
    assert stillness_of(points, times(FRAMES)) < 1e-4


def test_what_is_not_seen_is_not_still():
    points = heads([0.0] * FRAMES)
    points[::5] = np.nan
    assert stillness_of(points, times(FRAMES)) is None
    assert stillness_of(points[:6], times(6)) is None
    assert stillness_of(np.full((FRAMES, 68, 2), np.nan, np.float32), times(FRAMES)) is None


def test_movement_is_told_in_eye_distances_whatever_the_size():
    assert np.nanmedian(movements(living() * 3, 2)) == pytest.approx(np.nanmedian(movements(living(), 2)), rel=1e-3)
