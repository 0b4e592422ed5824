"""Boxes, alignment and the numbers read off 68 points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.geometry import (
    ARCFACE_POINTS,
    Points,
    arcface_map,
    eye_aspect_ratios,
    eye_distance_px,
    five_points,
    iou,
    largest_central,
    nose_ratio,
    similarity,
    square_of_height,
    suppress,
)

angles = st.floats(-3.1, 3.1)
scales = st.floats(0.05, 20)
shifts = st.floats(-2000, 2000)


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def face(*, nose_x: float = 50, lid_gap: float = 6) -> Points:
    """A frontal face, eyes 20 wide at y 40 with outer corners at x 10 and 90, nose tip at (nose_x, 60)."""
    points = np.zeros((68, 2), np.float32)
    for start, x0 in ((36, 10), (42, 70)):
        upper, lower = 40 - lid_gap / 2, 40 + lid_gap / 2
        points[start : start + 6] = [
            (x0, 40), (x0 + 6, upper), (x0 + 14, upper), (x0 + 20, 40), (x0 + 14, lower), (x0 + 6, lower),
        ]  # fmt: skip
    points[30] = (nose_x, 60)
    points[[48, 60]] = [(30, 85), (34, 85)]
    points[[54, 64]] = [(70, 85), (66, 85)]
    return points


def turned(points: Points, angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points.astype(np.float64) @ rotation.T + shift


def test_a_box_overlaps_itself_wholly_and_a_far_one_not_at_all():
    found = iou(boxes((0, 0, 10, 10))[0], boxes((0, 0, 10, 10), (20, 20, 30, 30), (5, 0, 15, 10)))
    np.testing.assert_allclose(found, [1, 0, 1 / 3], atol=1e-6)


def test_boxes_that_only_touch_do_not_overlap_even_where_both_gaps_are_negative():
    assert iou(boxes((0, 0, 10, 10))[0], boxes((20, 20, 30, 30)))[0] == 0


def test_of_two_boxes_on_one_face_the_better_one_is_kept():
    found = boxes((0, 0, 10, 10), (1, 1, 11, 11), (50, 50, 60, 60))
    assert suppress(found, np.array([0.7, 0.9, 0.8], np.float32), 0.4) == [1, 2]


def test_boxes_that_overlap_little_are_two_faces():
    found = boxes((0, 0, 10, 10), (7, 0, 17, 10))
    assert suppress(found, np.array([0.9, 0.8], np.float32), 0.4) == [0, 1]


def test_no_boxes_leave_no_boxes():
    assert suppress(boxes(), np.zeros(0, np.float32), 0.4) == []


def test_a_tall_box_becomes_a_wider_square_round_the_same_centre():
    np.testing.assert_allclose(square_of_height(boxes((10, 0, 20, 40))[0]), [-5, 0, 35, 40])


def test_a_selfie_is_of_the_large_face_in_the_middle():
    small_central, large_central, large_cornered = (300, 220, 340, 260), (220, 140, 420, 340), (0, 0, 200, 200)
    assert largest_central(boxes(small_central, large_cornered, large_central), 640, 480) == 2
    assert largest_central(boxes(), 640, 480) is None


@given(angle=angles, scale=scales, dx=shifts, dy=shifts)
def test_similarity_finds_the_turn_the_scale_and_the_shift_that_were_made(angle: float, scale: float, dx: float, dy: float):
    source = five_points(face())
    target = turned(source, angle, scale, (dx, dy))
    found = similarity(source, target)
    np.testing.assert_allclose(found[:, :2] @ source.T + found[:, 2:], target.T, atol=1e-3 * max(1, scale, abs(dx), abs(dy)))


@given(angle=angles, scale=scales)
def test_similarity_never_mirrors_a_face(angle: float, scale: float):
    mirrored = turned(five_points(face()) * np.float32([-1, 1]), angle, scale, (0, 0))
    assert np.linalg.det(similarity(five_points(face(nose_x=47)), mirrored)[:, :2]) > 0


def test_points_that_coincide_cannot_be_aligned():
    with pytest.raises(ValueError, match="coincide"):
        similarity(np.ones((5, 2), np.float32), ARCFACE_POINTS)


def test_a_face_already_in_place_is_left_in_place():
    np.testing.assert_allclose(arcface_map(ARCFACE_POINTS.astype(np.float32)), [[1, 0, 0], [0, 1, 0]], atol=1e-4)


def test_five_points_are_eyes_nose_and_mouth_from_left_to_right():
    np.testing.assert_allclose(five_points(face()), [(20, 40), (80, 40), (50, 60), (32, 85), (68, 85)])


def test_a_shut_eye_has_a_smaller_aspect_ratio_whatever_the_size_of_the_face():
    np.testing.assert_allclose(eye_aspect_ratios(face(lid_gap=6)), [0.3, 0.3], atol=1e-6)
    np.testing.assert_allclose(eye_aspect_ratios(7 * face(lid_gap=1)), [0.05, 0.05], atol=1e-6)


def test_one_shut_eye_is_seen_on_its_own_side():
    points = face(lid_gap=6)
    points[36:42] = face(lid_gap=2)[36:42]
    left, right = eye_aspect_ratios(points)
    assert left < right


def test_the_nose_ratio_is_zero_in_the_middle_and_grows_to_the_images_right():
    series = np.stack([face(nose_x=30), face(nose_x=50), face(nose_x=70)])
    np.testing.assert_allclose(nose_ratio(series), [-0.5, 0, 0.5], atol=1e-6)


@given(angle=angles, scale=scales)
def test_rolling_the_head_or_coming_nearer_does_not_move_the_nose_ratio(angle: float, scale: float):
    rolled = turned(face(nose_x=64), angle, scale, (300, 200)).astype(np.float32)
    np.testing.assert_allclose(nose_ratio(rolled), nose_ratio(face(nose_x=64)), atol=2e-3)


def test_eye_distance_is_between_the_eye_centres():
    np.testing.assert_allclose(eye_distance_px(np.stack([face(), 2 * face()])), [60, 120])


def test_a_face_that_is_one_dot_gives_finite_numbers():
    dot = np.zeros((68, 2), np.float32)
    assert np.isfinite(eye_aspect_ratios(dot)).all()
    assert np.isfinite(nose_ratio(dot))
