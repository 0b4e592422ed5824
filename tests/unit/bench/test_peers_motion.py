"""What a careful script reads out of its signals, and which frames it takes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench import media
from bench.peers.frames import frames_of, is_among, picture
from bench.peers.motion import Following, Signals, are_in, calm, closedness, done_in, excursions
from bench.peers.ours import schedule_of
from realname.policy import load_policy
from workers.clip import clip_of


def signals(yaw: str, eyes: str, step_s: float = 0.1) -> Signals:
    """One character a frame: yaw `<` 20 degrees to the right, `>` to the left; eyes `_` shut; `?` in either: no face."""
    deg = np.array([{"<": -20.0, ">": 20.0, "?": np.nan}.get(each, 0.0) for each in yaw])
    closed = np.array([{"_": 0.9, "?": np.nan}.get(each, 0.0) for each in eyes])
    return Signals(np.arange(len(yaw)) * step_s, deg, closed)


@pytest.mark.parametrize(
    ("yaw", "eyes", "done"),
    [
        ("....>>..........", "..........__....", ("turn_left", "blink")),
        ("..........<<....", "..__............", ("blink", "turn_right")),
        ("..>>....<<......", "................", ("turn_left", "turn_right")),
        ("................", "..________......", ()),  # shut for .7 s: no blink
        ("??????..........", "??????..........", ()),
        ("????????????????", "????????????????", ()),
    ],
)
def test_turns_and_blinks_are_read_in_their_order(yaw: str, eyes: str, done: tuple[str, ...]):
    assert done_in(signals(yaw, eyes), turn_deg_min=10, closed_min=0.4) == done


def test_a_flutter_within_the_hysteresis_is_one_excursion():
    at_s = np.arange(7) * 1.0
    assert excursions(np.array([0, 1.0, 0.8, 1.0, 0, 1.0, 0]), at_s, 1.0) == [(1.0, 2.0), (5.0, 0.0)]


def test_what_was_asked_must_be_seen_in_its_order_and_may_have_company():
    assert are_in(("blink", "turn_left"), ("blink", "blink", "turn_left"))
    assert not are_in(("turn_left", "blink"), ("blink", "turn_left"))
    assert not are_in(("blink", "blink"), ("blink",))


def test_closedness_is_held_against_the_clips_own_open_eye():
    assert closedness(np.array([0.3, 0.3, 0.15, np.nan])).tolist()[:3] == pytest.approx([0, 0, 0.5])


def test_the_calm_frames_look_ahead_with_open_eyes():
    assert calm(signals(".>?.._", "..?_._"), 2) == [0, 4]


def test_the_box_goes_and_grows_with_its_landmarks():
    following = Following()
    following.meet(np.array([0.0, 0.0, 10.0, 10.0]))
    following.follow(np.array([[2.0, 2.0], [8.0, 8.0]]))
    following.follow(np.array([[14.0, 4.0], [26.0, 16.0]]))
    assert following.box is not None
    assert following.box.tolist() == pytest.approx([10, 0, 30, 20])


def test_a_schedule_takes_just_its_frames_with_their_times(tmp_path: Path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(media.encode([np.full((48, 64, 3), 25 * number, np.uint8) for number in range(10)], 25))

    every = list(frames_of(str(path)))
    some = list(frames_of(str(path), (0.0, 0.12, 0.36)))

    assert [round(at_s, 3) for at_s, _ in every] == [round(number * 0.04, 3) for number in range(10)]
    assert [at_s for at_s, _ in some] == [0.0, 0.12, 0.36]
    assert all(np.array_equal(frame, every[number][1]) for (_, frame), number in zip(some, (0, 3, 9), strict=True))
    assert is_among(every[3][0], (0.12,))
    assert not is_among(every[4][0], (0.12,))


def test_what_does_not_decode_has_no_frames_and_no_picture(tmp_path: Path):
    path = tmp_path / "noise.mp4"
    path.write_bytes(b"no clip at all")
    assert list(frames_of(str(path))) == []
    assert picture(str(path)) is None


def test_our_schedule_names_the_frames_that_the_check_looked_at():
    clip = clip_of([np.zeros((48, 64, 3), np.uint8)] * 13, [0.08 * number for number in range(13)])
    result = SimpleNamespace(clip=clip, signals=SimpleNamespace(pad_frames=[9, 2], chip_frames=[7, 1]))

    plan = schedule_of(result, load_policy("development"))  # type: ignore[arg-type]

    assert len(plan.judged) == 13
    assert [plan.judged.index(at_s) for at_s in plan.detected] == [0, 5, 10, 12]
    assert [plan.judged.index(at_s) for at_s in plan.spoof] == [2, 9]
    assert [plan.judged.index(at_s) for at_s in plan.matched] == [1, 7]
