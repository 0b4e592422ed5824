import numpy as np
import pytest

from realname.messages import Challenge
from realname.policy import load_policy
from tests.builders import NOON
from tests.faces import heads, times
from workers.liveness.flatness import Depth
from workers.liveness.signals import least_depth, motion_of

POLICY = load_policy("development")
REST, GONE = [0.0] * 40, [np.nan] * 40
TURN = [15.0, 30.0, 45.0, 50.0, 45.0, 30.0, 15.0]
GLIMPSE = [*GONE, *TURN, *GONE]  # the turn is seen, and hardly anything else for seconds round it


def motion(yaw, *actions):
    points = heads(yaw)
    return motion_of(points, times(len(yaw)), Challenge(actions=actions, issued_at=NOON), POLICY)


def mirrored(yaw):
    return [-deg for deg in yaw]


def test_the_depth_of_an_asked_turn_is_measured_in_its_window():
    depth = motion([*REST, *TURN, *REST], "turn_left").depth
    assert depth is not None
    assert depth.parallax > POLICY.turn.parallax_min


def test_an_asked_turn_that_was_not_measured_is_not_made_up_for_by_another():
    found = motion([*REST, *mirrored(TURN), *REST, *GLIMPSE], "turn_left")
    assert [turn.side for turn in found.turns] == ["right", "left"]
    assert found.depth is None


def test_each_of_two_asked_turns_must_be_measured():
    found = motion([*REST, *mirrored(TURN), *REST, *GLIMPSE], "turn_right", "turn_left")
    assert found.answer.unmet == ()
    assert found.depth is None


def test_a_turn_that_was_not_asked_for_need_not_be_measured():
    found = motion([*REST, *mirrored(TURN), *REST, *GLIMPSE], "turn_right")
    assert found.depth is not None


def test_one_flat_turn_among_real_ones_is_enough_to_say_so():
    real, yaw = [*REST, *mirrored(TURN), *REST], [*REST, *TURN, *REST]
    points = np.concatenate([heads(real), heads(yaw, nose_z=-20.0)])  # the second is flatter
    challenge = Challenge(actions=("turn_right",), issued_at=NOON)
    both, first = (motion_of(seen, times(len(seen)), challenge, POLICY).depth for seen in (points, points[: len(real)]))
    assert both is not None
    assert first is not None
    assert both.parallax < 0.8 * first.parallax


def test_without_a_turn_the_widest_yaw_is_measured_for_the_report():
    depth = motion([*REST, *[deg / 5 for deg in TURN], *REST]).depth
    assert depth is not None
    assert depth.yaw_range_deg == pytest.approx(5, abs=1)


def test_a_clip_without_a_face_has_no_depth():
    assert motion(GONE, "turn_left").depth is None


def test_a_flat_turn_over_a_wide_range_says_more_than_a_lower_parallax_over_a_narrow_one():
    rules = POLICY.turn
    flat, narrow, deep = Depth(0.09, 24.0), Depth(0.08, 18.0), Depth(0.2, 25.0)
    assert least_depth([narrow, deep, flat], rules) == flat
    assert least_depth([narrow, deep], rules) == narrow
    assert least_depth([], rules) is None


def test_the_quickest_of_all_turns_is_told():
    slow = [deg for deg in TURN for _ in range(3)]
    one, both = (motion([*REST, *slow, *REST, *more], "turn_left").turned_s for more in ([], [*mirrored(TURN), *REST]))
    assert one is not None
    assert both is not None
    assert both < 0.5 * one


def test_an_asked_turn_that_the_clips_end_cuts_off_has_no_pace_whatever_others_have():
    whole, cut = [*REST, *mirrored(TURN), *REST, *TURN, *REST], [*REST, *mirrored(TURN), *REST, *TURN[:4]]
    over, ended = (motion(yaw, "turn_right", "turn_left") for yaw in (whole, cut))
    assert (over.cut_off, ended.cut_off) == (False, True)
    assert over.turned_s is not None
    assert ended.turned_s is None
    assert ended.answer.unmet == ()


def test_a_turn_that_was_not_asked_for_may_be_cut_off():
    found = motion([*REST, *mirrored(TURN), *REST, *TURN[:4]], "turn_right")
    assert not found.cut_off
    assert found.turned_s is not None


def test_the_narrowest_of_all_turns_is_told():
    yaw = [*REST, *TURN, *REST, *mirrored(TURN), *REST]
    points = heads(yaw)
    second = slice(len(REST) + len(TURN) + len(REST), len(yaw) - len(REST))
    middle = points[second, 27:31].mean(axis=1, keepdims=True)
    points[second, :, 0] = (middle + 0.8 * (points[second] - middle))[..., 0]  # as a card narrows, which is turned further
    challenge = Challenge(actions=("turn_left",), issued_at=NOON)
    narrow = motion_of(points, times(len(yaw)), challenge, POLICY).width
    usual = motion(yaw, "turn_left").width
    assert usual is not None
    assert narrow is not None
    assert narrow < 0.9 * usual
