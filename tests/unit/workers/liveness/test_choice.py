import numpy as np

from realname.policy import BlinkRules, PadRules
from tests.faces import series, yaws
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


def test_each_action_gives_a_chip_from_its_start():
    groups = candidate_groups(list(range(50)), [10, 30], 3)
    assert groups[:2] == [[9, 10, 11], [29, 30, 31]]
    assert len(groups) == 3
    assert not set(groups[2]) & {9, 10, 11, 29, 30, 31}


def test_without_actions_the_chips_are_spread_over_the_clip():
    groups = candidate_groups(list(range(90)), [], 3)
    assert [len(group) for group in groups] == [3, 3, 3]
    assert groups[0][0] == 0
    assert groups[2][-1] == 89
    assert max(groups[0]) < min(groups[1]) < min(groups[2])


def test_two_actions_at_once_do_not_share_a_frame():
    first, second, _ = candidate_groups(list(range(20)), [10, 11], 3)
    assert not set(first) & set(second)


def test_few_fit_frames_give_few_chips():
    assert candidate_groups([7], [10, 30], 3) == [[7]]
    assert candidate_groups([], [10], 3) == []


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
