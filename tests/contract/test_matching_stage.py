"""The matching stage on the real models: what it makes of chips that do not fit them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from msgspec.structs import replace

from bench import documents, media
from models.geometry import area
from models.registry import Models
from realname.policy import load_policy
from realname.reasons import Reason
from realname.verdicts import Evidence, decide
from tests.builders import NOON, a_live_report, a_submission
from workers.chips import pack_chip
from workers.matching.stage import judge_match

POLICY = load_policy("development")


def test_a_chip_that_was_cut_for_another_embedder_is_compared_with_nothing(real_models: Models, media_folder: Path):
    """As while the workers of one profile change: in flight are chips of the size that the old one wanted."""
    photo = media.photo_of(media_folder, media.A_PORTRAIT)
    largest = max(real_models.detector.detect(photo), key=lambda face: float(area(face.box)))
    points = real_models.landmarks.locate(photo, largest.box)
    portrait, chip = documents.face_photo(photo, points, 480, 620), real_models.embedder.cut(photo, points)

    fits = judge_match(portrait, [pack_chip(chip)], real_models, POLICY)
    larger = pack_chip(cv2.resize(chip, (150, 150)).astype(np.uint8, copy=False))
    alone = judge_match(portrait, [larger], real_models, POLICY)
    among = judge_match(portrait, [pack_chip(chip), larger], real_models, POLICY)

    assert fits.similarity is not None
    assert fits.similarity > 0.9
    assert (alone.similarity, alone.similarities, alone.frames_similarity_min, alone.portrait) == (None, (), None, ())
    assert among.similarity is None
    match = replace(alone, copy_correlation=0.4)  # whatever else was measured
    decided = decide(a_submission(), Evidence(a_live_report(), match), POLICY, decided_at=NOON)
    assert (decided.verdict, decided.reasons) == ("review", (Reason.EVIDENCE_MISSING,))
