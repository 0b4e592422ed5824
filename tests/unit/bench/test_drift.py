"""The worst over the frames is the worst, whatever it is."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np

from bench.drift import drift_of
from models.drift import faults_of
from models.placement import Device, Precision
from realname.drift import DriftRules
from tests.unit.models.test_drift import DIGESTS, RECORD


def models(live: dict[int, float]) -> Any:
    """live: of the picture whose pixels are all of that number."""
    face = SimpleNamespace(box=np.zeros(4))
    return SimpleNamespace(
        detector=SimpleNamespace(detect=lambda _: [face]),
        landmarks=SimpleNamespace(locate=lambda _, __: np.zeros((68, 2))),
        spoof=SimpleNamespace(score=lambda picture, _: live[int(picture[0, 0, 0])]),
        embedder=SimpleNamespace(
            cut=lambda *_: np.zeros(3), embed=lambda chips: np.ones((len(chips), 4)), compare=lambda one, other: one @ other.T
        ),
    )


def test_an_answer_that_is_no_number_is_not_passed_over_for_those_that_are():
    pictures = [np.full((2, 2, 3), number, np.uint8) for number in range(3)]
    drift = drift_of(models({0: 0.9, 1: 0.9, 2: 0.9}), models({0: 0.9, 1: math.nan, 2: 0.9}), pictures)
    record = msgspec.structs.replace(RECORD, drift=drift)
    assert list(faults_of(record, DriftRules(), device=Device.CUDA, precision=Precision.FP16, digests=DIGESTS)) == [
        "pad moves by nan, the policy allows 0.01"
    ]
