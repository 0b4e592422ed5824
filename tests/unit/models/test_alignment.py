"""Where a face's points go in an embedder's chip."""

from __future__ import annotations

import numpy as np
import pytest

from models.alignment import DLIB_LANDMARKS, FIVE, IMAGE_LEFT, IMAGE_RIGHT, AlignmentWrong, template_of
from models.geometry import ARCFACE_POINTS, five_points
from models.manifest import Alignment

ARCFACE = Alignment("arcface")
DLIB = Alignment("dlib")
MIRRORED_ARCFACE = tuple((112 - x, y) for x, y in ARCFACE_POINTS.tolist())

# The mean of four persons' near-frontal faces (A, B, W, P of the manifest, 41 frames), 68 points in ArcFace's chip of
# 112 px; they differ by up to 3.7 px (standard deviation).
_MEAN = """
    14.0 56.1  14.3 66.8  15.6 77.6  17.5 88.3  21.2 98.3  27.4 107.0
    35.6 114.0  45.2 119.2  56.3 120.6  67.0 118.8  76.0 113.0  83.2 105.5
    88.4 96.5  91.3 86.4  92.9 76.0  94.0 65.6  94.0 55.1  21.6 45.0
    26.5 38.9  34.3 36.5  42.4 37.3  50.0 40.4  62.7 40.7  69.8 37.7
    77.4 36.9  84.6 39.0  88.7 44.9  56.2 50.1  56.3 56.8  56.5 63.2
    56.7 70.1  47.9 76.6  52.1 77.7  56.5 78.8  60.7 77.7  64.8 76.6
    30.3 53.2  34.7 50.9  39.8 50.8  44.6 53.6  39.7 54.5  34.5 54.6
    66.7 53.7  71.4 51.0  76.4 51.1  80.6 53.4  76.6 54.8  71.6 54.7
    40.4 91.7  46.4 88.2  52.3 86.3  56.6 87.4  60.7 86.4  66.4 88.4
    71.8 92.0  66.5 97.3  60.9 99.6  56.4 100.0  51.9 99.5  46.1 97.1
    43.0 91.8  52.3 90.6  56.6 91.0  60.7 90.6  69.3 92.1  60.6 94.0
    56.4 94.4  52.1 93.9
"""
MEAN_FACE = np.array(_MEAN.split(), np.float32).reshape(-1, 2)


def laid(points: np.ndarray, way: np.ndarray) -> np.ndarray:
    return points @ way[:, :2].T + way[:, 2]


def test_arcfaces_points_are_scaled_to_the_chip():
    np.testing.assert_allclose(template_of(ARCFACE, width=224, height=224).targets, 2 * ARCFACE_POINTS)
    np.testing.assert_array_equal(template_of(ARCFACE, width=112, height=112).targets, ARCFACE_POINTS)


def test_dlibs_chip_has_its_points_where_dlib_lays_them():
    """Source of the numbers: dlib's model of 5 points, (x + .25) / 1.5 * 150."""
    template = template_of(DLIB, width=150, height=150)
    assert template.landmarks == DLIB_LANDMARKS
    np.testing.assert_allclose(template.targets[0], [110.957, 46.350], atol=0.01)
    np.testing.assert_allclose(template.targets[4], [74.011, 87.780], atol=0.01)


def test_padding_moves_the_face_inwards():
    close, far = (template_of(Alignment("dlib", padding=padding), width=150, height=150).targets for padding in (0.0, 0.5))
    assert np.ptp(close[:, 0]) == pytest.approx(2 * np.ptp(far[:, 0]))


@pytest.mark.parametrize(("alignment", "side"), [(ARCFACE, 112), (DLIB, 150)])
def test_a_face_comes_to_lie_as_the_template_says(alignment, side):
    template = template_of(alignment, width=side, height=side)
    points = 3 * MEAN_FACE + [40, -20]
    found = laid(np.stack([points[list(group)].mean(0) for group in template.landmarks]), template.map_of(points))
    assert np.abs(found - template.targets).max() < 0.05 * side


def test_a_template_of_numbers_takes_the_usual_five_points_unless_others_are_named():
    points = tuple(map(tuple, ARCFACE_POINTS.tolist()))
    plain = template_of(Alignment("points", points=points), width=96, height=112)
    assert plain.landmarks == FIVE
    eyes = template_of(
        Alignment("points", points=((30.0, 40.0), (66.0, 40.0)), landmarks=((36, 39), (42, 45))), width=96, height=96
    )
    np.testing.assert_allclose(laid(MEAN_FACE[[36, 39]].mean(0), eyes.map_of(MEAN_FACE)), [30, 40], atol=0.01)


@pytest.mark.parametrize(
    ("alignment", "size", "words"),
    [
        (ARCFACE, (96, 112), "square"),
        (Alignment("dlib", points=((1.0, 2.0),)), (150, 150), "has its own points"),
        (Alignment("points"), (112, 112), "0 points for 5 groups"),
        (Alignment("points", points=((1.0, 2.0),), landmarks=((30,),)), (112, 112), "at least 2"),
        (Alignment("points", points=((1.0, 2.0), (90.0, 2.0)), landmarks=((), ())), (112, 112), "at least one point"),
        (Alignment("points", points=((1.0, 2.0), (90.0, 2.0)), landmarks=((36, 39), (39, 36))), (112, 112), "no two groups"),
        (Alignment("points", points=((5.0, 5.0),) * 5), (112, 112), "within 0 pixels"),
        (Alignment("points", points=((40.0, 50.0), (44.0, 50.0)), landmarks=((36,), (45,))), (112, 112), "within 4 pixels"),
        (Alignment("points", points=((1e6, 9.0), (9.0, 9.0)), landmarks=((36,), (45,))), (112, 112), "inside the 112 x 112 chip"),
        (Alignment("points", points=((float("nan"), 0.0), (1.0, 1.0)), landmarks=((36,), (45,))), (112, 112), "inside"),
        (Alignment("points", points=((-1.0, 9.0), (90.0, 9.0)), landmarks=((36,), (45,))), (96, 112), "inside the 96 x 112 chip"),
        (Alignment("points", points=MIRRORED_ARCFACE), (112, 112), "mirrored"),
        (Alignment("points", points=((70.0, 90.0), (40.0, 90.0)), landmarks=((36, 39), (42, 45))), (112, 112), "upside down"),
    ],
)
def test_an_alignment_that_does_not_fit_its_chip_says_why(alignment, size, words):
    with pytest.raises(AlignmentWrong, match=words):
        template_of(alignment, width=size[0], height=size[1])


def test_the_image_has_as_much_left_as_right_and_what_is_between_is_neither():
    assert len(IMAGE_LEFT) == len(IMAGE_RIGHT) == 29
    assert MEAN_FACE[sorted(IMAGE_LEFT), 0].max() < MEAN_FACE[30, 0] < MEAN_FACE[sorted(IMAGE_RIGHT), 0].min()


def test_the_mean_face_lies_as_arcface_wants_it():
    assert np.abs(five_points(MEAN_FACE) - ARCFACE_POINTS).max() < 2
