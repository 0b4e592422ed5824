import numpy as np
import pytest

from tests.faces import heads, times
from workers.liveness.flatness import depth_around, homographies, parallax_of, width_at
from workers.liveness.turn import yaw_deg_of

THERE_AND_BACK = [*np.linspace(0, 25, 12), *np.linspace(25, 0, 12)]
A_TILTED_CAMERA = np.array([[0.9, 0.1, 5], [-0.05, 1.1, 3], [4e-4, 1e-4, 1]])


def test_a_head_that_turns_shows_its_depth():
    assert parallax_of(heads(THERE_AND_BACK)) > 0.15


def test_a_picture_that_turns_shows_none():
    assert parallax_of(heads(THERE_AND_BACK, nose_z=0.0)) < 1e-3


def test_a_picture_seen_askew_shows_none():
    plane = heads([0.0] * 12, nose_z=0.0).astype(np.float64)
    plane[6:] = seen_through(A_TILTED_CAMERA, plane[6:])
    assert parallax_of(plane.astype(np.float32)) < 1e-3


def test_depth_does_not_depend_on_the_size_of_the_picture():
    assert parallax_of(heads(THERE_AND_BACK, scale=0.5)) == pytest.approx(parallax_of(heads(THERE_AND_BACK)), rel=1e-3)


def test_the_window_is_moved_inside_the_clip_and_says_its_yaw_range():
    yaw = [-30.0] + [0.0] * 30 + [-10.0] + [0.0] * 28 + [20.0] * 3  # five seconds that end in a turn
    points = heads(yaw)
    depth = depth_around(62 / 12, points, yaw_deg_of(points), times(63))
    assert depth is not None
    assert depth.yaw_range_deg == pytest.approx(np.ptp(yaw_deg_of(points)[27:]), abs=1e-4)


def test_only_the_window_counts():
    points = heads([25.0] * 3 + [0.0] * 60)
    depth = depth_around(4.0, points, yaw_deg_of(points), times(63))
    assert depth is not None
    assert depth.yaw_range_deg == pytest.approx(0.0, abs=1e-3)


def test_too_few_frames_with_a_face_say_nothing():
    points = heads([0.0] * 11 + [np.nan] * 30)
    assert depth_around(0.5, points, yaw_deg_of(points), times(41)) is None


def test_points_that_span_no_plane_have_no_depth():
    points = heads([0.0] * 24)
    points[12:, :, 1] = 200  # all on one line
    with np.errstate(all="ignore"):
        assert depth_around(1.0, points, np.zeros(24, np.float32), times(24)) is None


@pytest.mark.parametrize("to_deg", [10, 15, 20])
def test_a_head_is_as_wide_at_a_turn_as_its_yaw_says(to_deg):
    points = heads([*[0.0] * 6, *np.linspace(0, to_deg, 6), to_deg, *np.linspace(to_deg, 0, 6)], nose_z=-60.0)
    assert width_at(12, points, yaw_deg_of(points)) == pytest.approx(1.0, abs=0.05)


def test_a_card_must_turn_so_far_to_read_as_turned_that_it_is_too_narrow():
    """A bent card: its nose stands a little off its plane."""
    points = heads([*[0.0] * 6, *np.linspace(0, 60, 6), *np.linspace(60, 0, 6)], nose_z=-14.0)
    yaw_deg = yaw_deg_of(points)
    assert 15 < abs(yaw_deg[12]) < 30
    assert width_at(12, points, yaw_deg) < 0.7


def test_where_nothing_looks_ahead_the_width_says_nothing():
    points = heads([20.0, 20.0, 20.0])
    assert width_at(1, points, np.full(3, 20, np.float32)) is None
    assert width_at(1, heads([np.nan] * 3), np.full(3, np.nan, np.float32)) is None


def test_homographies_are_found_for_all_frames_at_once():
    source = np.array([[0, 0], [4, 0], [4, 3], [0, 3], [2, 1], [1, 2]], np.float64)
    targets = np.stack([source * 2 + 7, seen_through(A_TILTED_CAMERA, source[None])[0]])
    for found, target in zip(homographies(source, targets), targets, strict=True):
        assert seen_through(found, source[None])[0] == pytest.approx(target, abs=1e-6)


def seen_through(camera, points):
    mapped = np.concatenate([points, np.ones((*points.shape[:2], 1))], axis=2) @ camera.T
    return mapped[..., :2] / mapped[..., 2:]
