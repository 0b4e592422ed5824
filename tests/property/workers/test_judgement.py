"""What holds of the judgement's pure modules for any input."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from realname.policy import load_policy
from realname.reasons import Reason
from tests.faces import event, events, head, heads, series, times
from workers.liveness.blink import find_blinks
from workers.liveness.challenge import judge_challenge
from workers.liveness.choice import candidate_groups, spread
from workers.liveness.flatness import parallax_of
from workers.liveness.track import Track, longest_gap_s
from workers.liveness.turn import find_turns

POLICY = load_policy("development")
eye_series = st.text("o-_?", max_size=40)
yaw_series = st.lists(st.floats(-60, 60) | st.just(float("nan")), max_size=60)
actions = st.lists(st.sampled_from(["b", "l", "r"]), max_size=5)


@given(eye_series)
def test_blinks_are_short_apart_and_in_order(text):
    at_s = times(len(text))
    found = find_blinks(series(text), at_s, POLICY.blink)
    for blink in found:
        assert at_s[blink.last] - at_s[blink.first] <= POLICY.blink.duration_s_max
        assert blink.closedness > POLICY.blink.closedness_min
        assert at_s[blink.first] <= blink.at_s <= at_s[blink.last]
    assert all(one.last + 1 < other.first for one, other in pairwise(found))


@given(eye_series, st.integers(0, 39))
def test_seeing_less_never_shows_more_blinks(text, place):
    assume(place < len(text))
    seen_less = text[:place] + "?" + text[place + 1 :]
    count = len(find_blinks(series(text), times(len(text)), POLICY.blink))
    assert len(find_blinks(series(seen_less), times(len(text)), POLICY.blink)) <= count


@given(yaw_series)
def test_a_mirrored_person_turns_the_other_way(yaw):
    straight = find_turns(np.array(yaw, np.float32), times(len(yaw)), POLICY.turn)
    mirrored = find_turns(-np.array(yaw, np.float32), times(len(yaw)), POLICY.turn)
    other = {"left": "right", "right": "left"}
    assert [(turn.at_s, turn.deg, other[turn.side]) for turn in straight] == [(t.at_s, t.deg, t.side) for t in mirrored]
    assert all(turn.deg >= POLICY.turn.yaw_deg_min for turn in straight)


@given(actions)
def test_who_does_just_what_is_asked_meets_the_challenge(signs):
    shown = events(" ".join(signs))
    answer = judge_challenge([each.action for each in shown], shown, [])
    assert (answer.unmet, answer.extra_blinks, answer.extra_turns) == ((), 0, 0)


@given(actions, st.integers(0, 5))
def test_an_extra_blink_never_hurts(signs, place):
    shown = events(" ".join(signs))
    extra = event("b", place + 0.5)
    more = sorted([*shown, extra], key=lambda each: each.at_s)
    answer = judge_challenge([each.action for each in shown], more, [])
    assert (answer.unmet, answer.extra_blinks) == ((), 1)


@given(actions, st.integers(0, 5), st.sampled_from("lr"))
def test_an_extra_turn_always_hurts(signs, place, sign):
    shown = events(" ".join(signs))
    more = sorted([*shown, event(sign, place + 0.5)], key=lambda each: each.at_s)
    assert Reason.EXTRA_TURN in judge_challenge([each.action for each in shown], more, []).unmet


@given(actions.filter(bool), st.data())
def test_a_missing_action_is_never_overlooked(signs, data):
    shown = events(" ".join(signs))
    missing = data.draw(st.integers(0, len(shown) - 1))
    answer = judge_challenge([each.action for each in shown], shown[:missing] + shown[missing + 1 :], [])
    assert answer.unmet
    assert sum(not trace.seen for trace in answer.actions) >= 1


@given(st.lists(st.floats(-30, 30), min_size=12, max_size=24), st.floats(-0.4, 0.4), st.floats(0.3, 3))
def test_a_picture_never_has_depth_and_roll_and_size_do_not_matter(yaw, roll, scale):
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]) * scale
    picture, person = heads(yaw, nose_z=0.0), heads(yaw)
    assert parallax_of((picture @ turn.T).astype(np.float32)) < 0.005
    assert abs(parallax_of((person @ turn.T).astype(np.float32)) - parallax_of(person)) < 0.005


@given(st.lists(st.sampled_from(["face", "none", "elsewhere", "both"]), min_size=1, max_size=40), st.integers(1, 6))
def test_a_track_holds_only_what_detections_confirmed(answers, detect_every):
    here, there = np.array([120, 140, 280, 300], np.float32), np.array([5, 5, 95, 95], np.float32)
    found = {"face": [here], "none": [], "elsewhere": [there], "both": [there, here]}
    track = Track(len(answers), 400, 400, detect_every, 0.3)
    confirmed = set()
    for index, answer in enumerate(answers):
        if track.detection_due(index):
            track.meet(index, found[answer])
            if answer != "none":
                confirmed.add(index)
        if track.box is not None:
            track.follow(index, head())
    seen = np.flatnonzero(track.seen)
    assert set(seen) >= confirmed
    assert all(any(frame <= mark < frame + detect_every for mark in confirmed) for frame in seen)
    assert track.crowded <= track.detections
    assert all(track.seen[jump] for jump in track.jumps)


@given(st.lists(st.booleans(), min_size=2, max_size=40))
def test_a_gap_is_never_longer_than_the_clip_and_seeing_more_never_lengthens_it(seen):
    at_s = times(len(seen))
    gap_s = longest_gap_s(np.array(seen), at_s)
    assert 0 <= gap_s <= at_s[-1] + 1e-9
    assert longest_gap_s(np.array([True, *seen[1:]]), at_s) <= gap_s + 1e-9


@st.composite
def events_apart(draw):
    """Up to three events; those of the same frames are a blink in a turn, as happens."""
    edges = sorted(draw(st.sets(st.integers(0, 120), max_size=6)))
    pairs = [(first, last) for first, last in zip(edges[::2], edges[1::2], strict=False)]
    return [replace(event(draw(st.sampled_from("blr")), last / 12), first=first, last=last) for first, last in pairs]


@given(st.sets(st.integers(0, 120)), events_apart(), st.integers(1, 3))
def test_chips_come_from_fit_frames_or_a_turns_own_and_from_different_ones(fit, acted, count):
    groups = candidate_groups(sorted(fit), acted, count)
    frames = [frame for group in groups for frame in group]
    turns = [each for each in acted if each.action != "blink"][:count]
    assert all(frame in fit or any(frame in {turn.first, turn.last} for turn in turns) for frame in frames)
    assert len(frames) == len(set(frames))
    assert len(groups) <= count
    assert groups or not fit
    assert all(any(set(group) <= set(range(turn.first, turn.last + 1)) for group in groups) for turn in turns)


@given(st.lists(st.integers(), unique=True), st.integers(2, 12))
def test_spread_keeps_the_order_and_the_ends(frames, count):
    taken = spread(frames, count)
    assert len(taken) == min(count, len(frames))
    assert [frame for frame in frames if frame in set(taken)] == taken
    assert taken[:1] == frames[:1]
    assert taken[-1:] == frames[-1:]
