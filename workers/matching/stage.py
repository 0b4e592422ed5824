"""The matching stage: the portrait against the clip's best faces. Measures and never decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.detector import HEIGHT_PX, WIDTH_PX, Face
from models.geometry import Box, Points, eye_distance_px, nose_ratio
from models.pixels import Image
from models.registry import Models
from realname.messages import MatchReport
from realname.policy import Policy
from realname.reasons import Reason
from workers.chips import luma_of, unpack_chip
from workers.liveness.continuity import constancy
from workers.liveness.turn import DEG_PER_RATIO
from workers.matching.score import copy_correlation_of, similarity_of
from workers.matching.selection import close_up, needs_close_up, select_portrait, tiles
from workers.quality import quality_of, typical
from workers.stopwatch import Stopwatch


def judge_match(portrait: Image, chips: Sequence[bytes], models: Models, policy: Policy) -> MatchReport:
    """Measure one portrait (BGR, of any size) against packed chips, best first; at least one.

    The same input gives the same report, but for its times.
    """
    assert chips, "a clip that is fit to be judged has chips"
    watch = Stopwatch()
    digests = dict(models.digests)
    with watch.asking("detect"):
        face = _find(portrait, models)
    if face is None:
        return MatchReport(portrait=(Reason.NO_PORTRAIT_FOUND,), models=digests, cpu_ms=watch.cpu_ms, device_ms=watch.device_ms)
    with watch.asking("landmarks"):
        points = models.landmarks.locate(portrait, face.box)
    distance_px = float(eye_distance_px(points))
    if distance_px < policy.match.portrait_eye_distance_px_min:
        return MatchReport(
            portrait=(Reason.PORTRAIT_TOO_SMALL,),
            portrait_face_px=round(distance_px, 1),
            models=digests,
            cpu_ms=watch.cpu_ms,
            device_ms=watch.device_ms,
        )
    return _compared(portrait, points, face.box, chips, models, watch)


def _compared(portrait: Image, points: Points, box: Box, chips: Sequence[bytes], models: Models, watch: Stopwatch) -> MatchReport:
    """The report on a portrait that is fit."""
    with watch.step("chips"):
        portrait_chip = models.embedder.cut(portrait, points)
        frames = [unpack_chip(chip) for chip in chips]
    if any(frame.shape != portrait_chip.shape for frame in frames):
        return MatchReport(models=dict(models.digests))  # cut for another embedder: nothing can be measured
    with watch.asking("embed"):
        embeddings = models.embedder.embed(np.stack([portrait_chip, *frames]))
    similarity, similarities = similarity_of(models.embedder, embeddings[:1], embeddings[1:])
    same = constancy(models.embedder.compare(embeddings[1:], embeddings[1:]))
    with watch.step("copy"):
        portrait_luma, *lumas = (luma_of(models.embedder.in_common(chip)) for chip in (portrait_chip, *frames))
        copied = copy_correlation_of(portrait_luma, lumas)
    distance_px = float(eye_distance_px(points))
    yaw_deg = float(nose_ratio(points)) * DEG_PER_RATIO  # absolute: a portrait has no neutral to compare with
    looks = quality_of(portrait_luma, points, box, yaw_deg=yaw_deg)
    return MatchReport(
        similarity=round(similarity, 4),
        similarities=tuple(round(value, 4) for value in similarities),
        frames_similarity_min=None if same is None else round(same, 4),
        copy_correlation=round(copied, 4),
        portrait_face_px=round(distance_px, 1),
        quality=typical([looks]),
        models=dict(models.digests),
        cpu_ms=watch.cpu_ms,
        device_ms=watch.device_ms,
    )


def _find(portrait: Image, models: Models) -> Face | None:
    """The portrait's face: in the whole view, else in its parts; looked at closer where it is small."""
    height, width = portrait.shape[:2]
    face = select_portrait(models.detector.detect(portrait))
    if face is None and (width > WIDTH_PX or height > HEIGHT_PX):
        parts = tiles(width, height)
        views = [portrait[y0:y1, x0:x1] for x0, y0, x1, y1 in parts]
        found = models.detector.detect_many(views)
        face = select_portrait([_moved(one, part) for part, faces in zip(parts, found, strict=True) for one in faces])
    if face is None or not needs_close_up(face.box, width=width, height=height, input_width=WIDTH_PX, input_height=HEIGHT_PX):
        return face
    part = close_up(face.box, width=width, height=height)
    closer = select_portrait(models.detector.detect(portrait[part[1] : part[3], part[0] : part[2]]))
    return face if closer is None else _moved(closer, part)


def _moved(face: Face, part: tuple[int, int, int, int]) -> Face:
    """A face found in a part, in the coordinates of the whole."""
    return Face(box=face.box + np.array([part[0], part[1], part[0], part[1]], np.float32), score=face.score)
