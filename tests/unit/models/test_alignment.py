"""Where a face's points go in an embedder's chip."""

from __future__ import annotations

import numpy as np
import pytest

from models.alignment import DLIB_LANDMARKS, FIVE, MEAN_FACE, AlignmentWrong, template_of
from models.geometry import ARCFACE_POINTS, five_points
from models.manifest import Alignment

ARCFACE = Alignment("arcface")
DLIB = Alignment("dlib")


def laid(points: np.ndarray, way: np.ndarray) -> np.ndarray:
    return points @ way[:, :2].T + way[:, 2]


def test_arcfaces_points_are_scaled_to_the_chip():
    np.testing.assert_allclose(template_of(ARCFACE, width=224, height=224).targets, 2 * ARCFACE_POINTS)
    assert template_of(ARCFACE, width=112, height=112).is_arcface
    assert not template_of(ARCFACE, width=224, height=224).is_arcface


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
    ],
)
def test_an_alignment_that_does_not_fit_its_chip_says_why(alignment, size, words):
    with pytest.raises(AlignmentWrong, match=words):
        template_of(alignment, width=size[0], height=size[1])


def test_the_mean_face_lies_as_arcface_wants_it():
    assert np.abs(five_points(MEAN_FACE) - ARCFACE_POINTS).max() < 2


@pytest.mark.parametrize(("alignment", "side"), [(ARCFACE, 160), (DLIB, 150)])
def test_another_chips_way_back_to_arcfaces_is_within_a_pixel_or_two(alignment, side):
    template = template_of(alignment, width=side, height=side)
    points = 2 * MEAN_FACE + [15, 5]
    there_and_back = laid(laid(points, template.map_of(points)), template.to_arcface())
    assert np.abs(five_points(there_and_back.astype(np.float32)) - ARCFACE_POINTS).max() < 2.5
