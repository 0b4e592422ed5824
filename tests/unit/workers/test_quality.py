from dataclasses import replace

import msgspec
import numpy as np
import pytest

from models.geometry import ARCFACE_POINTS
from realname.policy import MatchRules, load_policy
from realname.reasons import Reason
from tests.faces import head
from workers.quality import (
    CHEEK_ZONES,
    EYE_ZONES,
    WORST_FIRST,
    capture_faults,
    compression_of,
    portrait_doubts,
    quality_of,
    scene_faults,
    scores_of,
    single_face_of,
    typical,
    worst_first,
)

RULES = load_policy("development").quality
MATCH = load_policy("production").match
DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(MatchRules)}
GOOD = {
    "illumination_uniformity": 0.5,
    "luminance_mean": 120.0,
    "under_exposure_prevention": 1.0,
    "over_exposure_prevention": 1.0,
    "sharpness": 50.0,
    "inter_eye_distance_px": 60.0,
    "head_pose_roll_deg": -3.0,
    "eyes_visible": 0.5,
    "contrast": 0.7,
}
POINTS = head()
BOX = np.array([POINTS[:, 0].min(), 100, POINTS[:, 0].max(), 300], np.float32)


def chip(level=128.0, *, noise=20.0):
    return np.clip(level + np.random.default_rng(1).normal(0, noise, (112, 112)), 0, 255).astype(np.float32)


def quality(picture, *, yaw_deg=0.0, points=POINTS, box=BOX):
    return quality_of(picture, points, box, yaw_deg=yaw_deg)


def test_light_is_measured_over_the_face():
    assert quality(chip(200)).luminance_mean == pytest.approx(200, abs=1)
    assert quality(chip(3)).under_exposure_prevention < 0.2
    assert quality(chip(253)).over_exposure_prevention < 0.5
    assert quality(chip()).under_exposure_prevention == quality(chip()).over_exposure_prevention == 1


def blurred(picture, axis):
    return np.mean([np.roll(picture, shift, axis) for shift in range(3)], axis=0, dtype=np.float32)


def test_blur_takes_sharpness_away_also_where_only_one_direction_is_blurred():
    sharp = quality(chip()).sharpness
    along_rows, along_columns = blurred(chip(), 1), blurred(chip(), 0)
    for soft in (along_rows, along_columns, blurred(along_rows, 0)):
        assert quality(soft).sharpness < sharp / 3


def test_neither_gain_nor_a_shadow_over_half_the_face_changes_sharpness():
    sharp = quality(chip()).sharpness
    assert quality(chip() * np.float32(0.4)).sharpness == pytest.approx(sharp, rel=0.05)
    shadowed = chip()
    shadowed[:, :56] *= np.float32(0.5)
    assert quality(shadowed).sharpness == pytest.approx(sharp, rel=0.05)


def test_an_empty_chip_has_no_sharpness():
    assert quality(np.full((112, 112), 90, np.float32)).sharpness == 0


def test_light_from_one_side_is_uneven():
    lit = chip(100)
    lit[:, 56:] = np.minimum(lit[:, 56:] + 100, 255)
    assert quality(lit).illumination_uniformity < 0.1
    assert quality(chip()).illumination_uniformity > 0.9


def test_one_covered_eye_is_enough_for_eyes_not_to_be_visible():
    covered = chip(150, noise=1)
    covered[EYE_ZONES[1]] = 15
    assert quality(covered).eyes_visible == pytest.approx(0.1, abs=0.01)
    assert quality(chip(150, noise=1)).eyes_visible == pytest.approx(1, abs=0.01)


def test_the_zones_lie_on_the_eyes_and_below_them():
    for (rows, columns), cheek, (x, y) in zip(EYE_ZONES, CHEEK_ZONES, ARCFACE_POINTS[:2], strict=True):
        assert rows.start < y < rows.stop
        assert columns.start < x < columns.stop
        assert rows.stop < cheek[0].start < cheek[0].stop < ARCFACE_POINTS[3:, 1].min()


@pytest.mark.parametrize("deg", [-40.0, 12.0, 40.0])
def test_a_head_that_leans_is_measured(deg):
    turn = np.radians(deg)
    leaning = (POINTS - 200) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]], np.float32) + 200
    assert quality(chip(), points=leaning).head_pose_roll_deg == pytest.approx(deg, abs=0.5)


def test_points_squeezed_into_a_wide_box_are_of_a_face_on_its_side():
    wide = np.array([0, 100, 2 * np.ptp(POINTS[:, 0]), 300], np.float32)
    assert quality(chip(), box=wide).head_pose_roll_deg == 90


def test_open_eyes_and_a_closed_mouth_have_the_larger_numbers():
    assert quality(chip(), points=head(eye_open=0.3)).eyes_open > 2 * quality(chip(), points=head(eye_open=0.1)).eyes_open
    gaping = POINTS.copy()
    gaping[[65, 66, 67], 1] += 40
    assert quality(chip(), points=gaping).mouth_closed < quality(chip()).mouth_closed - 0.2


def test_one_wide_open_eye_does_not_hide_that_the_other_is_shut():
    winking = head(eye_open=0.3)
    winking[42:48, 1] = winking[42, 1]
    assert quality(chip(), points=winking).eyes_open == 0


@pytest.mark.parametrize(("nose_moves_px", "sign"), [(-8.0, 1), (8.0, -1)])
def test_a_head_that_looks_up_has_a_positive_pitch(nose_moves_px: float, sign: int):
    """Looking up brings the nose tip nearer to the eyes."""
    level = head()
    nodding = level.copy()
    nodding[30, 1] += nose_moves_px
    change = quality(chip(), points=nodding).head_pose_pitch_deg - quality(chip(), points=level).head_pose_pitch_deg
    assert change * sign > 5


def test_of_two_like_faces_none_is_single():
    assert single_face_of([100.0]) == 1
    assert single_face_of([100.0, 100.0, 5.0]) == 0
    assert single_face_of([25.0, 100.0]) == pytest.approx(0.5)


def test_the_grid_of_a_block_codec_is_seen_wherever_the_face_begins():
    y, x = np.mgrid[:160, :160]
    smooth = (60 + x / 2 + y / 3).astype(np.uint8)
    blocks = (60 + (x // 8) * 4 + (y // 8) * 3).astype(np.uint8)
    for start in (16, 21):
        box = np.array([start, start, 150, 150], np.float32)
        assert compression_of(blocks, box) < 0.1
        assert compression_of(smooth, box) > 0.9
    assert compression_of(blocks, np.array([0, 0, 20, 20], np.float32)) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"luminance_mean": 15.0}, Reason.TOO_DARK),
        ({"under_exposure_prevention": 0.4}, Reason.TOO_DARK),
        ({"luminance_mean": 245.0}, Reason.TOO_BRIGHT),
        ({"over_exposure_prevention": 0.2}, Reason.TOO_BRIGHT),
        ({"sharpness": 6.0}, Reason.BLURRED),
        ({"contrast": 0.19}, Reason.HAZY),
        ({"inter_eye_distance_px": 25.0}, Reason.FACE_TOO_SMALL),
        ({"illumination_uniformity": 0.2}, Reason.UNEVEN_LIGHT),
        ({"eyes_visible": 0.15}, Reason.EYES_COVERED),
        ({"head_pose_roll_deg": -50.0}, Reason.HEAD_TILTED),
        ({"head_pose_roll_deg": 90.0}, Reason.HEAD_TILTED),
    ],
)
def test_an_unfit_picture_is_named(change, reason):
    assert capture_faults(GOOD | change, RULES) == [reason]


def test_a_picture_that_is_too_bright_is_not_called_hazy_as_well():
    assert capture_faults(GOOD | {"luminance_mean": 245.0, "contrast": 0.08}, RULES) == [Reason.TOO_BRIGHT]


def test_a_fit_picture_has_no_faults_and_an_unfit_one_all_of_its():
    assert capture_faults(GOOD, RULES) == []
    unfit = GOOD | {"luminance_mean": 5.0, "sharpness": 1.0, "inter_eye_distance_px": 9.0}
    assert capture_faults(unfit, RULES) == [Reason.TOO_DARK, Reason.FACE_TOO_SMALL, Reason.BLURRED]


def test_gain_leaves_contrast_and_a_veil_of_light_takes_it():
    ramp = np.tile(np.linspace(40, 130, 112, dtype=np.float32), (112, 1))
    plain = quality(ramp).contrast
    assert plain == pytest.approx(
        (124 - 46) * (72 / 112) / 85, abs=0.05
    )  # of the core: 72 of 112 columns, its middle nine tenths
    for gain in (0.3, 1.8):
        assert quality(ramp * np.float32(gain)).contrast == pytest.approx(plain, abs=0.01)
    assert quality(ramp * np.float32(0.4) + 120).contrast < plain / 3
    assert quality(np.zeros((112, 112), np.float32)).contrast == 0


@pytest.mark.parametrize(
    ("change", "strange"),
    [
        ({"sharpness": 9.0}, 1.0),
        ({"inter_eye_distance_px": 31.0}, 1.0),
        ({"eyes_visible": 0.8}, 1.0),
        ({"contrast": 0.55}, 1.0),
        ({"contrast": 1.4}, 1.0),
        ({}, 2.75),
    ],
)
def test_a_portrait_that_is_fit_but_odd_in_any_way_is_doubted(change, strange):
    usual = replace(quality(chip()), sharpness=50.0, inter_eye_distance_px=60.0, eyes_visible=0.6, contrast=0.8)
    assert portrait_doubts(usual, 2.65, MATCH) == []
    assert portrait_doubts(replace(usual, **change), strange, MATCH) == [Reason.PORTRAIT_POOR]
    untouched = msgspec.structs.replace(
        MATCH, **{name: DEFAULTS[name] for name in MATCH.__struct_fields__ if name.startswith("sure_")}
    )
    assert portrait_doubts(replace(usual, **change), strange, untouched) == []


def test_where_no_face_is_seen_the_picture_says_whether_light_is_why():
    assert scene_faults(8.0, RULES) == [Reason.TOO_DARK]
    assert scene_faults(250.0, RULES) == [Reason.TOO_BRIGHT]
    assert scene_faults(100.0, RULES) == []


def test_faults_come_worst_first_and_once():
    mixed = [Reason.BLURRED, Reason.FACE_LOST, Reason.TOO_DARK, Reason.FACE_LOST]
    assert worst_first(mixed) == (Reason.TOO_DARK, Reason.FACE_LOST, Reason.BLURRED)


def test_every_fault_of_a_picture_has_its_place_in_the_order():
    worst = dict.fromkeys(GOOD, -1e9)
    assert set(capture_faults(worst | {"head_pose_roll_deg": 90.0}, RULES)) <= set(WORST_FIRST)


def test_one_odd_frame_does_not_change_what_is_typical():
    usual = [quality(chip(100))] * 4
    assert typical([*usual, quality(chip(250))]) == typical(usual)


def test_the_match_prefers_sharp_frontal_well_lit_faces():
    sharp = quality(chip())
    soft = replace(sharp, sharpness=sharp.sharpness / 3)
    assert scores_of([sharp, soft])[0] > scores_of([sharp, soft])[1]
    frontal, turned = scores_of([quality(chip()), quality(chip(), yaw_deg=-12.0)])
    assert frontal > turned
    even, glaring, dark = scores_of(
        [sharp, replace(sharp, over_exposure_prevention=0.6), replace(sharp, under_exposure_prevention=0.6)]
    )
    assert even > glaring
    assert even > dark
