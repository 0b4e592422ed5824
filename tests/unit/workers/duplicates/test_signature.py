from dataclasses import replace

import numpy as np
import pytest

from tests.duplicate_worlds import motion_of, moving_clip, still_clip
from workers.duplicates.signature import MOMENTS_MAX, curve_of, moments_of
from workers.duplicates.tokens import Mark, decode_mark, entry_of, same_motion

SECRET = b"k" * 32


def entry(clip, identity: str = "one"):
    return entry_of(SECRET, identity, b"media", motion_of(clip))


def found_in(index, asked):
    """What asked finds of index: for each of its moments the marks under its spellings."""
    stored = {spellings[0]: mark for spellings, mark in zip(index.spellings, index.marks, strict=True)}
    return [[stored[token] for token in spellings if token in stored] for spellings in asked.spellings]


def is_found(first, second) -> bool:
    return same_motion(entry(second, "two"), found_in(entry(first), entry(second, "two")))


@pytest.mark.parametrize(
    "changed",
    [
        {"rate_hz": 15.0},
        {"gain": 0.6},
        {"start_s": 0.4, "seconds": 5.0},
        {"seconds": 4.6},
        {"rate_hz": 14.3, "gain": 0.8, "start_s": 0.3},
    ],
    ids=str,
)
def test_the_same_motion_is_found_at_another_rate_contrast_and_cut(changed):
    """Not always: a moment may fall into another cell. docs/judgement.md has the shares for real clips."""
    assert sum(is_found(moving_clip(seed), moving_clip(seed, **changed)) for seed in range(8)) >= 6


def test_different_motions_are_never_found_in_each_other():
    entries = [entry(moving_clip(seed), str(seed)) for seed in range(25)]
    assert all(each.marks for each in entries)
    pairs = [(one, other) for one in entries for other in entries if one is not other]
    assert not [1 for one, other in pairs if same_motion(other, found_in(one, other))]


def test_a_still_scene_has_no_moments():
    assert motion_of(still_clip()) == []


@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.5])
def test_a_clip_shorter_than_a_window_has_no_moments(seconds):
    assert motion_of(moving_clip(1, seconds=seconds)) == []


def test_a_clip_of_one_frame_has_no_moments():
    assert moments_of(np.zeros((1, 48, 64), np.uint8), np.zeros(1)) == []


def test_moments_are_bounded_however_much_moves():
    assert len(motion_of(moving_clip(3, seconds=12.0))) == MOMENTS_MAX


def test_a_moment_is_spelt_itself_first_and_in_32_ways():
    for moment in motion_of(moving_clip(1)):
        spellings = moment.spellings()
        assert len(set(spellings)) == 32
        assert spellings[0] == np.array([moment.kind, *moment.cells], "<i2").tobytes()


def test_brightness_alone_is_no_motion():
    clip = moving_clip(1)
    planes = clip.planes[:, :48, :64]
    brighter = (planes.astype(int) + 10 * (np.arange(len(planes)) % 2)[:, None, None]).astype(np.uint8)
    difference = np.abs(curve_of(planes, clip.at_s) - curve_of(brighter, clip.at_s))
    assert difference.max() < 0.05


def test_a_mark_comes_back_as_it_was_stored_but_for_a_tick():
    mark = Mark(b"abcdef", 3.21)
    assert len(mark.encode()) == 7
    assert decode_mark(mark.encode()) == (b"abcdef", pytest.approx(3.21, abs=0.026))


def marked(owner: bytes, *pairs: tuple[float, float]):
    """An entry with moments at the first times, each found at the second one in the owner's clip."""
    shell = entry_of(SECRET, "mine", b"", [])
    marks = tuple(Mark(shell.owner, own) for own, _ in pairs)
    return shell._replace(marks=marks), [[Mark(owner, theirs)] for _, theirs in pairs]


@pytest.mark.parametrize(
    ("pairs", "same"),
    [
        ([(1.0, 1.4), (1.3, 1.7), (1.5, 1.9), (2.0, 2.4)], True),
        ([(1.0, 1.4), (1.5, 1.9), (2.0, 2.4)], False),  # too few
        ([(1.0, 1.4), (1.2, 1.6), (1.4, 1.8), (1.5, 1.9)], False),  # one stretch of motion, seen four times
        ([(1.0, 1.4), (1.3, 1.7), (1.5, 2.4), (2.0, 2.0)], False),  # in another order
        ([(1.0, 1.4), (1.0, 1.4), (1.5, 1.9), (2.0, 2.4)], False),  # one moment counts once
    ],
)
def test_moments_must_be_enough_spread_and_as_far_apart(pairs, same):
    assert same_motion(*marked(b"others", *pairs)) is same


def test_the_own_registration_s_moments_do_not_count():
    own = entry_of(SECRET, "mine", b"", []).owner
    assert not same_motion(*marked(own, (1.0, 1.4), (1.5, 1.9), (2.0, 2.4)))


def test_tokens_differ_between_keys_and_hold_nothing_of_the_clip():
    moments = motion_of(moving_clip(1))
    north, south = (entry_of(secret, "one", b"media", moments) for secret in (b"n" * 32, b"s" * 32))
    tokens = [{entry.owner, entry.file, *(each for row in entry.spellings for each in row)} for entry in (north, south)]
    assert not tokens[0] & tokens[1]
    assert all(moment.spellings()[0][:8] not in tokens[0] for moment in moments)


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_copy_is_found(seed):
    clip = moving_clip(seed)
    assert is_found(clip, replace(clip, planes=clip.planes[:, :, ::-1]))
