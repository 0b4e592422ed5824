"""Peer: OpenCV's own reader with our models, frame by frame: what our check would be without its schedule and its layers.

On each frame the detector, the landmarks and the PAD model; the three calmest faces and the portrait are embedded. Thresholds
are the policy's, but for the turn's. In a schedule each model runs where it does in our check, and the landmarks carry the box
between detections.
"""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import NamedTuple

import cv2
import numpy as np

from bench.peers.frames import frames_of, is_among, picture
from bench.peers.motion import TURN_DEG_MIN, Following, Signals, are_in, calm, closedness, done_in
from bench.peers.wire import Ask, Saw
from models.geometry import POINTS, eye_aspect_ratios, nose_ratio
from models.registry import Models, load
from realname.policy import Policy, load_policy
from realname.settings import Worker, read_settings
from workers.liveness.turn import DEG_PER_RATIO


class Look(NamedTuple):
    """One frame that was looked at. points: (68, 2), NaN where no face was found. chance: that it is live."""

    at_s: float
    frame: np.ndarray
    points: np.ndarray
    chance: float | None


class OpencvSameModels:
    """Our models without our check."""

    helpers = ()

    def __init__(self, models: Models, policy: Policy) -> None:
        self.about = f"OpenCV {cv2.__version__}, our models"
        self._models, self._policy = models, policy

    def check(self, ask: Ask) -> Saw:
        """As Side.check."""
        looks = self._looks(ask)
        if not looks:
            return Saw(frames=0)
        points = np.stack([look.points for look in looks])
        openness = eye_aspect_ratios(points.astype(np.float32)).mean(axis=-1)
        yaw = nose_ratio(points.astype(np.float32)) * DEG_PER_RATIO
        at_s = np.array([look.at_s for look in looks])
        signals = Signals(at_s, yaw.astype(np.float64), closedness(openness.astype(np.float64)))
        seen = done_in(signals, turn_deg_min=TURN_DEG_MIN, closed_min=self._policy.blink.closedness_min)
        matched = [index for index, look in enumerate(looks) if ask.schedule and is_among(look.at_s, ask.schedule.matched)]
        similarity = self._similarity(
            ask.portrait, [looks[index] for index in matched or calm(signals, self._policy.match.frames)]
        )
        chances = [look.chance for look in looks if look.chance is not None]
        actions = are_in(ask.actions, seen)
        same = similarity is not None and similarity >= self._policy.accept_min
        live = bool(chances) and statistics.median(chances) >= self._policy.pad.live_min
        return Saw(
            frames=len(looks),
            seen=seen,
            actions=actions,
            same=same,
            similarity=similarity,
            live=live,
            accepted=actions and same and live,
        )

    def _looks(self, ask: Ask) -> list[Look]:
        plan, following, looks = ask.schedule, Following(), list[Look]()
        for at_s, frame in frames_of(ask.clip, plan and plan.judged):
            if plan is None or following.box is None or is_among(at_s, plan.detected):
                following.meet(self._largest(frame))
            if following.box is None:
                looks.append(Look(at_s, frame, np.full((POINTS, 2), np.nan, np.float32), None))
                continue
            box = following.box.astype(np.float32)
            points = self._models.landmarks.locate(frame, box)
            following.follow(points.astype(np.float64))
            is_asked = plan is None or is_among(at_s, plan.spoof)
            looks.append(Look(at_s, frame, points, self._models.spoof.score(frame, box) if is_asked else None))
        return looks

    def _largest(self, image: np.ndarray) -> np.ndarray | None:
        boxes = [face.box.astype(np.float64) for face in self._models.detector.detect(image)]
        return max(boxes, key=lambda box: float((box[2] - box[0]) * (box[3] - box[1])), default=None)

    def _similarity(self, portrait: str, looks: list[Look]) -> float | None:
        """The mean of the frames' similarities to the portrait; None where either has no face."""
        still = picture(portrait)
        box = None if still is None else self._largest(still)
        faces = [(look.frame, look.points) for look in looks if not np.isnan(look.points).any()]
        if still is None or box is None or not faces:
            return None
        faces.append((still, self._models.landmarks.locate(still, box.astype(np.float32))))
        embedder = self._models.embedder
        found = embedder.embed(np.stack([embedder.cut(image, points) for image, points in faces]))
        return float(embedder.compare(found[-1:], found[:-1]).mean())


def open_side(stack: ExitStack) -> OpencvSameModels:
    """The models, for as long as the stack lives."""
    models = load(read_settings(Worker))
    stack.callback(models.close)
    return OpencvSameModels(models, load_policy("development"))
