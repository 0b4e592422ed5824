from dataclasses import replace

import numpy as np
import pytest

from realname.policy import load_policy
from realname.reasons import Reason
from workers.liveness.quality import capture_faults, quality_of, scores_of, typical

RULES = load_policy("development").clip
GOOD = {"luminance_mean": 120.0, "sharpness": 200.0, "inter_eye_distance_px": 60.0}


def chip(level=128.0, *, noise=20.0):
    return np.clip(level + np.random.default_rng(1).normal(0, noise, (112, 112)), 0, 255).astype(np.float32)


def quality(picture, *, yaw_deg=0.0):
    return quality_of(picture, eye_distance_px=60.0, yaw_deg=yaw_deg)


def test_light_is_measured_over_the_face():
    assert quality(chip(200)).luminance_mean == pytest.approx(200, abs=1)
    assert quality(chip(3)).under_exposure > 0.8
    assert quality(chip(253)).over_exposure > 0.5
    assert quality(chip()).under_exposure == 0


def test_blur_takes_sharpness_away():
    sharp = chip()
    blurred = (sharp + np.roll(sharp, 1, 0) + np.roll(sharp, 1, 1) + np.roll(sharp, (1, 1), (0, 1))) / 4
    assert quality(blurred).sharpness < quality(sharp).sharpness / 4


def test_light_from_one_side_is_uneven():
    lit = chip(100)
    lit[:, 56:] = np.minimum(lit[:, 56:] + 100, 255)
    assert quality(lit).illumination_uniformity < 0.1
    assert quality(chip()).illumination_uniformity > 0.9


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"luminance_mean": 20.0}, Reason.TOO_DARK),
        ({"luminance_mean": 240.0}, Reason.TOO_BRIGHT),
        ({"sharpness": 2.0}, Reason.BLURRED),
        ({"inter_eye_distance_px": 30.0}, Reason.FACE_TOO_SMALL),
    ],
)
def test_an_unfit_picture_is_named(change, reason):
    assert capture_faults(GOOD | change, RULES) == [reason]


def test_a_fit_picture_has_no_faults_and_an_unfit_one_all_of_its():
    assert capture_faults(GOOD, RULES) == []
    assert capture_faults({"luminance_mean": 5.0, "sharpness": 1.0, "inter_eye_distance_px": 9.0}, RULES) == [
        Reason.FACE_TOO_SMALL,
        Reason.TOO_DARK,
        Reason.BLURRED,
    ]


def test_one_odd_frame_does_not_change_what_is_typical():
    usual = [quality(chip(100))] * 4
    assert typical([*usual, quality(chip(250))]) == typical(usual)


def test_the_match_prefers_sharp_frontal_well_lit_faces():
    sharp = quality(chip())
    assert scores_of([sharp, quality(chip(noise=5))])[0] > scores_of([sharp, quality(chip(noise=5))])[1]
    frontal, turned = scores_of([quality(chip()), quality(chip(), yaw_deg=-12.0)])
    assert frontal > turned
    fine = quality(chip())
    even, glaring, dark = scores_of([fine, replace(fine, over_exposure=0.4), replace(fine, under_exposure=0.4)])
    assert even > glaring
    assert even > dark
