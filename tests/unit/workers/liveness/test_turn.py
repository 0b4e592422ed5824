import numpy as np
import pytest

from realname.policy import TurnRules
from tests.faces import heads, times, yaws
from workers.liveness.turn import find_turns, turned_s, yaw_deg_of

RULES = TurnRules(yaw_deg_min=15.0, hysteresis=0.6, parallax_min=0.1, parallax_yaw_range_deg_min=20.0)


def turns(text):
    return [turn.side for turn in find_turns(yaws(text), times(len(text)), RULES)]


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("........", []),
        ("..lLLl..", ["left"]),
        ("..rRRr..", ["right"]),
        ("..llll..", []),  # begun, never far enough
        ("..LlLlL.", ["left"]),  # it never came back to the middle: one turn
        (".L..L...", ["left", "left"]),
        ("..LLRR..", ["left", "right"]),  # straight through to the other side
        ("...lLLL", ["left"]),  # the clip ends, but the peak was seen
        ("..LL??LL..", ["left"]),  # nobody saw the second begin
        ("LLLL....", []),  # nobody saw it begin
        ("??LLLLLL", []),  # as a photo of a turned head
        ("LL..LL..", ["left"]),
        ("LLLRRR..", ["right"]),
        ("????", []),
        ("", []),
    ],
)
def test_a_turn_goes_far_enough_and_ends_near_the_middle(text, sides):
    assert turns(text) == sides


def test_a_turn_says_where_it_was_widest():
    yaw = yaws("..lLl..")
    yaw[4] = 24.0
    (turn,) = find_turns(yaw, times(7), RULES)
    assert (turn.first, turn.peak, turn.last) == (2, 4, 4)
    assert turn.at_s == pytest.approx(4 / 12)
    assert turn.deg == pytest.approx(24.0)


def test_a_lower_bound_finds_turns_that_were_begun():
    assert [turn.side for turn in find_turns(yaws("..ll.."), times(6), RULES, deg_min=7.5)] == ["left"]


def test_the_customers_left_is_the_images_right():
    """An unmirrored recording: who turns to their own left shows the nose nearer the image's right edge."""
    yaw = yaw_deg_of(heads([0, 0, 0, 35, 0]))
    nose_x = heads([0, 35])[:, 30, 0]
    assert nose_x[1] > nose_x[0]
    assert yaw[3] > 15
    assert yaw_deg_of(heads([0, 0, 0, -35, 0]))[3] < -15


def test_what_the_landmarks_see_askew_is_taken_out_and_changes_evenly_between_looks():
    askew = np.full(5, np.nan, np.float32)
    askew[0], askew[4] = 0.0, 0.2
    corrected = yaw_deg_of(heads([0] * 5), askew)
    assert np.diff(corrected) == pytest.approx([0.05 * 36] * 4, abs=1e-3)
    nowhere = np.full(5, np.nan, np.float32)
    assert yaw_deg_of(heads([0, 0, 0, 35, 0]), nowhere) == pytest.approx(yaw_deg_of(heads([0, 0, 0, 35, 0])))


def test_a_turns_own_frames_do_not_draw_the_neutral_to_their_side():
    swaying = [-2, 2] * 10
    alone, turned = yaw_deg_of(heads([*swaying, 40])), yaw_deg_of(heads([*swaying, *[40] * 15]))
    assert turned[-1] == pytest.approx(alone[-1], abs=1e-3)


def test_yaw_is_measured_against_the_clips_own_neutral():
    slanted = yaw_deg_of(heads([6, 6, 6, 6, 26]))
    assert slanted[:4] == pytest.approx([0] * 4, abs=1e-4)
    assert slanted[4] == pytest.approx(yaw_deg_of(heads([6] * 4 + [26]))[4])
    assert np.isnan(yaw_deg_of(heads([np.nan, np.nan]))).all()


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("deg", [25.0, 40.0, 50.0])
def test_looking_ahead_after_holding_the_head_to_one_side_is_no_turn_to_the_other(side, deg):
    held = [side * deg] * 30 + [0.0] * 20
    sides = [turn.side for turn in find_turns(yaw_deg_of(heads(held)), times(50), RULES)]
    assert sides == []


def test_a_held_head_that_then_turns_to_the_other_side_has_turned_to_that_side_alone():
    held = yaw_deg_of(heads([40.0] * 30 + [0.0] * 10 + [-45.0] * 6 + [0.0] * 6))
    assert [turn.side for turn in find_turns(held, times(52), RULES)] == ["right"]


@pytest.mark.parametrize("deg", [30.0, 45.0, 55.0])
def test_a_picture_of_a_turned_head_has_not_turned(deg):
    still = yaw_deg_of(heads([deg] * 40))
    assert find_turns(still, times(40), RULES) == []
    assert find_turns(still, times(40), RULES, deg_min=7.5) == []


def test_a_head_that_is_held_a_little_askew_is_its_own_neutral():
    askew = yaw_deg_of(heads([15.0] * 30 + [45.0] * 5 + [15.0] * 30))
    assert askew[0] == pytest.approx(0.0, abs=1e-3)
    assert [turn.side for turn in find_turns(askew, times(65), RULES)] == ["left"]


def test_a_turn_lasts_between_the_moments_at_which_it_crosses_half_its_angle():
    yaw = np.array([0, 0, 5, 15, 20, 20, 15, 5, 0, 0], np.float32)
    (turn,) = find_turns(yaw, times(10), RULES)
    assert turned_s(turn, yaw, times(10)) == pytest.approx(4 / 12)  # from halfway between 5 and 15 to the same
    (mirrored,) = find_turns(-yaw, times(10), RULES)
    assert turned_s(mirrored, -yaw, times(10)) == pytest.approx(4 / 12)
    assert turned_s(turn, yaw, times(10) / 2) == pytest.approx(2 / 12)


@pytest.mark.parametrize("text", ["..LLL", "..LL??..", "..lL"])
def test_a_turn_whose_end_was_not_seen_lasts_nobody_knows_how_long(text):
    (turn,) = find_turns(yaws(text), times(len(text)), RULES)
    assert turned_s(turn, yaws(text), times(len(text))) is None


def test_a_turn_straight_through_to_the_other_side_ends_in_the_middle():
    yaw = np.array([0, 0, 20, 20, -20, -20, 0, 0], np.float32)
    left, right = find_turns(yaw, times(8), RULES)
    assert turned_s(left, yaw, times(8)) == pytest.approx((1.5 + 0.25) / 12)
    assert turned_s(right, yaw, times(8)) == pytest.approx((1.5 + 0.25) / 12)
