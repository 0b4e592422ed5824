"""A precision is let through only as it was measured: on this device, for these models, within the policy."""

from __future__ import annotations

import math

import msgspec
import pytest

from models.drift import Drift, DriftRecord, faults_of, read_record, write_record
from models.placement import Device, Precision
from realname.drift import DriftRules
from tests.builders import NOON

NONE = Drift(frames=9, pairs=36, faces_differ=0, box_px=0.0, landmarks_px=0.0, pad=0.0, cosine_min=1.0, similarity=0.0)
DIGESTS = {"embedder": "a.onnx:1"}
RECORD = DriftRecord(device=Device.CUDA, precision=Precision.FP16, gpu="a card", taken_at=NOON, digests=DIGESTS, drift=NONE)


def faults(record: DriftRecord, **asked: object) -> list[str]:
    asked = {"device": Device.CUDA, "precision": Precision.FP16, "digests": DIGESTS} | asked
    return list(faults_of(record, DriftRules(), **asked))


def moved(**by: float) -> DriftRecord:
    return msgspec.structs.replace(RECORD, drift=msgspec.structs.replace(NONE, **by))


def test_what_was_measured_and_moves_nothing_is_let_through():
    assert faults(RECORD) == []


def test_what_moves_as_far_as_the_policy_allows_is_let_through():
    rules = DriftRules()
    most = moved(box_px=rules.box_px_max, landmarks_px=rules.landmarks_px_max, pad=rules.pad_max, similarity=rules.similarity_max)
    assert faults(most) == []


@pytest.mark.parametrize("by", [{"box_px": 1.1}, {"landmarks_px": 0.3}, {"pad": 0.02}, {"similarity": 0.006}])
def test_what_moves_further_is_named_with_its_number(by: dict[str, float]):
    (fault,) = faults(moved(**by))
    ((name, worst),) = by.items()
    assert fault.startswith(f"{name} moves by {worst:g}")


def test_a_number_that_is_none_is_no_small_one():
    assert len(faults(moved(similarity=math.nan))) == 1


def test_a_frame_in_which_other_faces_were_found_is_a_fault():
    assert faults(moved(faces_differ=1)) == ["other faces were found in 1 of 9 frames"]


@pytest.mark.parametrize(
    "asked", [{"device": Device.TENSORRT}, {"precision": Precision.TF32}, {"digests": {"embedder": "a.onnx:2"}}]
)
def test_a_measurement_of_something_else_allows_nothing(asked: dict[str, object]):
    assert len(faults(RECORD, **asked)) == 1


def test_a_record_reads_as_it_was_written():
    assert read_record(write_record(RECORD)) == RECORD
