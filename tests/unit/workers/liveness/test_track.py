import numpy as np
import pytest

from models.geometry import nose_ratio
from tests.faces import head, times
from workers.liveness.track import Track, longest_gap_s, longest_hidden_s

WIDTH, HEIGHT = 400, 400


def box(x=120.0, y=140.0, size=160.0):
    return np.array([x, y, x + size, y + size], np.float32)


def track(frames=12, detect_every=5):
    return Track(frames, WIDTH, HEIGHT, detect_every, 0.3)


def play(one, found_at, *, moves_px=0.0):
    """Run a track. found_at: frame -> boxes; a frame that asks for a detection and is not named finds the face."""
    asked = []
    for index in range(one.frames):
        if one.detection_due(index):
            asked.append(index)
            one.meet(index, found_at.get(index, [box(120 + moves_px * index)]))
        if one.box is not None:
            one.follow(index, head() + np.array([moves_px * index, 0], np.float32))
    return asked


def test_a_followed_face_is_detected_now_and_then_and_on_the_last_frame():
    one = track(frames=13)
    assert play(one, {}) == [0, 5, 10, 12]
    assert one.seen.all()
    assert (one.jumps, one.crowded) == ([], 0)


def test_the_box_moves_with_the_landmarks():
    one = track()
    play(one, {}, moves_px=8)
    assert one.boxes[3] == pytest.approx(box(120 + 8 * 2), abs=0.01)  # where the landmarks of frame 2 led
    assert one.jumps == []


def test_the_box_grows_with_the_landmarks():
    one = track()
    one.meet(0, [box()])
    one.follow(0, head())
    one.follow(1, head(scale=1.5))
    assert one.box is not None
    assert one.box[3] - one.box[1] == pytest.approx(1.5 * 160, rel=0.01)


def test_a_detection_corrects_the_carried_box():
    one = track()
    play(one, {5: [box(size=200)]})
    assert one.boxes[4] == pytest.approx(box(), abs=0.01)
    assert one.boxes[6] == pytest.approx(box(size=200), abs=0.01)


def test_a_face_that_a_mirror_shows_further_right_is_read_half_as_much_askew():
    one = track()
    one.meet(0, [box()])
    one.follow(0, head())
    further = head()
    further[30, 0] += 10
    one.compare(0, head(), further)
    assert one.askew[0] == pytest.approx((nose_ratio(further) - nose_ratio(head())) / 2)
    assert one.askew[0] > 0
    assert np.isnan(one.askew[1:]).all()


def test_what_was_compared_of_a_face_that_no_detection_confirms_goes_with_it():
    one = track()
    one.meet(0, [box()])
    for index in range(5):
        one.follow(index, head())
        one.compare(index, head(), head())
    one.meet(5, [])
    assert np.isnan(one.askew[1:]).all()


def test_a_lost_face_is_looked_for_on_every_frame():
    one = track()
    assert play(one, {5: [], 6: [], 7: []}) == [0, 5, 6, 7, 8, 11]
    assert one.seen.tolist() == [True] + [False] * 7 + [True] * 4


def test_landmarks_that_no_detection_confirms_are_no_evidence():
    """The landmark model finds points on a wall, too."""
    one = track()
    play(one, {5: [], **{index: [] for index in range(6, 12)}})
    assert one.seen.tolist() == [True] + [False] * 11
    assert np.isnan(one.points[1:]).all()


def test_a_face_found_elsewhere_is_a_jump():
    one = track()
    elsewhere = [box(10, 10, 90)]
    play(one, {5: elsewhere})
    assert one.jumps[0] == 5
    assert not one.seen[1:5].any()
    assert one.boxes[5] == pytest.approx(elsewhere[0])


def test_a_face_that_comes_back_elsewhere_after_a_gap_is_a_jump():
    one = track()
    play(one, {5: [], 6: [box(10, 10, 90)]})
    assert one.jumps[0] == 6


def test_of_several_faces_the_followed_one_stays_followed():
    one = track()
    play(one, {5: [box(230, 0, 165), box()], 10: [box(230, 0, 165), box()]})
    assert one.jumps == []
    assert one.boxes[5] == pytest.approx(box())
    assert (one.crowded, one.detections) == (2, 4)


def test_the_first_face_taken_is_the_large_central_one():
    one = track()
    one.meet(0, [box(0, 0, 100), box()])
    assert one.box == pytest.approx(box())


def test_a_passer_by_far_behind_does_not_count():
    one = track()
    play(one, {0: [box(), box(300, 0, 60)]})
    assert one.crowded == 0


@pytest.mark.parametrize(
    ("seen", "gap_s"),
    [
        ("111111", 0.0),
        ("110011", 2.0),
        ("001111", 2.0),
        ("111000", 3.0),
        ("000000", 5.0),
    ],
)
def test_the_longest_gap_includes_the_clips_ends(seen, gap_s):
    flags = np.array([sign == "1" for sign in seen])
    assert longest_gap_s(flags, times(6, step_s=1.0)) == pytest.approx(gap_s)


def test_frames_that_the_recording_lacks_are_a_gap_too():
    at_s = np.array([0.0, 0.1, 0.2, 1.2, 1.3, 1.4])
    assert longest_gap_s(np.ones(6, np.bool_), at_s) == pytest.approx(0.9)


def test_a_clip_of_one_frame_has_no_gap():
    assert longest_gap_s(np.ones(1, np.bool_), np.zeros(1)) == 0.0


@pytest.mark.parametrize(
    ("seen", "jumps", "hidden_s"),
    [
        ("######", [], 0.0),
        ("..##..", [], 0.0),  # before the face came and after it went nothing was hidden
        ("##.###", [], 1.0),
        ("#.##...#", [], 3.0),
        ("##..##", [4], 0.0),  # both sides of a jump are compared
        ("##..##.#", [4], 1.0),
        ("......", [], 0.0),
    ],
)
def test_the_face_is_hidden_between_two_frames_that_show_it(seen, jumps, hidden_s):
    flags = np.array([mark == "#" for mark in seen])
    assert longest_hidden_s(flags, times(len(seen), step_s=1.0), jumps) == pytest.approx(hidden_s)
