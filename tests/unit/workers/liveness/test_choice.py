from dataclasses import replace

import numpy as np

from realname.policy import BlinkRules, PadRules
from tests.faces import event, series, yaws
from workers.liveness.choice import best_of, candidate_groups, fit_frames, spread
from workers.liveness.spoof_score import pad_frames, pad_live

BLINK = BlinkRules(closedness_min=0.25, hysteresis=0.7, duration_s_max=0.5)
PAD = PadRules(live_min=0.5, review_min=0.22, frames_min=5, frontal_yaw_deg_max=12.0, model="net.onnx:0123456789abcdef")


def fit(yaw, eyes):
    return fit_frames(yaws(yaw), series(eyes), frontal_yaw_deg_max=12.0, blink=BLINK)


def test_fit_is_frontal_with_open_eyes_and_seen():
    assert fit(".lL?..", "ooo?_o") == [0, 1, 5]


def test_where_no_frame_is_fit_the_least_turned_stand_in():
    assert fit("LLL?", "ooo?") == [0, 1, 2]
    assert fit("..", "__") == [0, 1]
    assert fit("??", "??") == []


def acted(sign, first, last):
    return replace(event(sign, last / 12), first=first, last=last)


def test_each_blink_gives_a_chip_from_beside_it():
    groups = candidate_groups([*range(9), *range(12, 50)], [acted("b", 9, 11)], 3)
    assert groups[0] == [7, 8, 12]
    assert len(groups) == 3
    assert not {7, 8, 12} & {*groups[1], *groups[2]}


def test_each_turn_gives_a_chip_of_its_own_frames_since_a_splice_may_lie_just_before_or_after_it():
    fit_before_and_after = [*range(20), *range(30, 50)]
    begun_and_ended = [20, 21, 28, 29]
    assert candidate_groups(sorted(fit_before_and_after + begun_and_ended), [acted("l", 20, 29)], 3)[0] == [20, 21, 28]
    assert candidate_groups(fit_before_and_after, [acted("l", 20, 29)], 3)[0] == [20, 29]


def test_a_turn_gets_its_chip_even_where_a_blink_in_it_wants_the_same_frames():
    groups = candidate_groups([20, 21], [acted("b", 19, 22), acted("l", 18, 25)], 3)
    assert groups == [[20, 21]]
    assert candidate_groups([19, 20, 21, 40], [acted("b", 19, 22), acted("l", 18, 25)], 3) == [[19, 20, 21], [40]]


def test_without_actions_the_chips_are_spread_over_the_clip():
    groups = candidate_groups(list(range(90)), [], 3)
    assert [len(group) for group in groups] == [3, 3, 3]
    assert groups[0][0] == 0
    assert groups[2][-1] == 89
    assert max(groups[0]) < min(groups[1]) < min(groups[2])


def test_two_actions_at_once_do_not_share_a_frame():
    first, second, _ = candidate_groups(list(range(20)), [acted("b", 10, 10), acted("b", 12, 12)], 3)
    assert not set(first) & set(second)


def test_few_fit_frames_give_few_chips():
    assert candidate_groups([7], [acted("b", 10, 11), acted("b", 30, 31)], 3) == [[7]]
    assert candidate_groups([], [acted("b", 10, 11)], 3) == []


def test_the_best_of_each_group_comes_best_first():
    assert best_of([[1, 2], [5, 6]], {1: 0.1, 2: 0.4, 5: 0.9, 6: 0.3}) == [5, 2]


def test_spread_takes_the_ends_and_never_more_than_there_is():
    assert spread(list(range(11)), 3) == [0, 5, 10]
    assert spread([4, 5], 3) == [4, 5]


def test_pad_looks_at_five_frontal_frames_over_the_clip():
    yaw = yaws("." * 20 + "L" * 10 + "." * 20)
    chosen = pad_frames(yaw, PAD)
    assert len(chosen) == 5
    assert (chosen[0], chosen[-1]) == (0, 49)
    assert all(abs(yaw[frame]) <= 12 for frame in chosen)


def test_one_frame_does_not_sway_the_median_and_too_few_say_nothing():
    assert pad_live([0.9, 0.9, 0.0, 0.9, 0.1], PAD) == 0.9
    assert pad_live([0.9] * 4, PAD) is None
    assert pad_frames(np.full(9, np.nan, np.float32), PAD) == []
