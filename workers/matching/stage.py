"""The matching stage: the portrait against the clip's best faces. Measures and never decides."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.alignment import ARCFACE_PX
from models.geometry import Points, arcface_map, five_points, nose_ratio
from models.pixels import Image, lay
from models.registry import Models
from realname.messages import MatchReport
from realname.policy import Policy
from realname.reasons import Reason
from workers.chips import luma_of, unpack_chip
from workers.glimpses import SIDE, are_glimpses, glimpsed, unpack_glimpses
from workers.liveness.continuity import constancy
from workers.liveness.turn import DEG_PER_RATIO
from workers.matching.portrait import Found, Missing, find_portrait, mirrored_close_up
from workers.matching.score import similarity_of
from workers.quality import Quality, compression_of_picture, portrait_doubts, portrait_faults, quality_of, typical
from workers.stopwatch import Stopwatch

MISSING: dict[Missing, Reason] = {Missing.NONE: Reason.NO_PORTRAIT_FOUND, Missing.SEVERAL: Reason.PORTRAIT_SEVERAL_FACES}


def judge_match(portrait: Image, chips: Sequence[bytes], models: Models, policy: Policy) -> MatchReport:
    """Measure one portrait (BGR, of any size) against packed chips, best first; at least one. Glimpses may follow.

    The same input gives the same report, but for its times. A portrait that is unfit is not compared.
    """
    assert any(not are_glimpses(chip) for chip in chips), "a clip that is fit to be judged has chips"
    watch = Stopwatch()
    with watch.asking("detect"):
        found = find_portrait(portrait, models)
    if not isinstance(found, Found):
        return _timed(MatchReport(portrait=(MISSING[found],)), models, watch)
    with watch.step("quality"):
        looks = _looks(found)
        faults = portrait_faults(looks, policy.match)
        doubts = portrait_doubts(looks, found.strange, policy.match)
    report = MatchReport(
        portrait=tuple(faults),
        portrait_face_px=round(looks.inter_eye_distance_px, 1),
        quality=typical([looks]),
        doubts=tuple(doubts),
    )
    return _timed(report if faults else _compared(report, found, chips, models, watch), models, watch)


def _looks(found: Found) -> Quality:
    yaw_deg = float(nose_ratio(found.points)) * DEG_PER_RATIO  # absolute: a portrait has no neutral to compare with
    chip = _gray_chip(found.view, found.points)
    compression = compression_of_picture(found.view, found.box)
    return quality_of(chip, found.points, found.box, yaw_deg=yaw_deg, compression=compression, single=found.single)


def _compared(report: MatchReport, found: Found, chips: Sequence[bytes], models: Models, watch: Stopwatch) -> MatchReport:
    """The report on a portrait that is fit, with what comparing it gives."""
    with watch.step("chips"):
        portrait_chip = models.embedder.cut(found.view, found.points)
        frames = [unpack_chip(chip) for chip in chips if not are_glimpses(chip)]
    if any(frame.shape != portrait_chip.shape for frame in frames):
        return report  # cut for another embedder: nothing can be measured
    with watch.asking("embed"):
        embeddings = models.embedder.embed(np.stack([portrait_chip, *frames]))
    similarity, similarities = similarity_of(models.embedder, embeddings[:1], embeddings[1:])
    same = constancy(models.embedder.compare(embeddings[1:], embeddings[1:]))
    copied = _copy_correlation(found, chips, models, watch)
    return msgspec.structs.replace(
        report,
        similarity=round(similarity, 4),
        similarities=tuple(round(value, 4) for value in similarities),
        frames_similarity_min=None if same is None else round(same, 4),
        copy_correlation=None if copied is None else round(copied, 4),
    )


def _copy_correlation(found: Found, chips: Sequence[bytes], models: Models, watch: Stopwatch) -> float | None:
    """How alike the portrait, or its mirror image, is to a frame of the clip as a picture; None where no frame was glimpsed.

    Mirrored, too: front cameras store selfies so. There it is located anew: the landmark model does not see both alike.
    """
    frames = np.concatenate([np.zeros((0, SIDE * SIDE), np.float32), *map(unpack_glimpses, filter(are_glimpses, chips))])
    if not len(frames):
        return None
    view, box = mirrored_close_up(found)
    with watch.asking("landmarks"):
        points = models.landmarks.locate(view, box)
    with watch.step("copy"):
        return max(glimpsed(_gray_chip(*shown), frames) for shown in ((found.view, found.points), (view, points)))


def _gray_chip(view: Image, points: Points) -> NDArray[np.float32]:
    """As liveness lays the frames, whatever the embedder likes."""
    return luma_of(lay(view, arcface_map(five_points(points)), width=ARCFACE_PX, height=ARCFACE_PX))


def _timed(report: MatchReport, models: Models, watch: Stopwatch) -> MatchReport:
    return msgspec.structs.replace(report, models=dict(models.digests), cpu_ms=watch.cpu_ms, device_ms=watch.device_ms)
