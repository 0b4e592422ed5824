"""Files in FP16: the same network, FP32 in and out, and what is not known is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.half import HalfUnknown, to_half
from models.manifest import Role, read_manifest
from models.placement import Device, Placement, Precision
from models.session import Session

ENTRIES = read_manifest().models
IN_HALF = Placement(device=Device.CPU, precision=Precision.FP16)


def network(op: str, weight: float) -> bytes:
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "w"], ["y"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(np.array([weight, 1.0], np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()


@pytest.mark.parametrize("role", list(Role))
def test_every_model_answers_nearly_the_same_in_half(models_folder: Path, role: Role):
    entry = ENTRIES[role]
    opened = [
        Session(models_folder / entry.file, entry, sha256=entry.loaded_sha256, device=each) for each in (Device.CPU, IN_HALF)
    ]
    span = 255.0 if role is Role.SPOOF else 1.0
    batch = np.random.default_rng(3).random((3, *entry.input_shape), np.float32) * span
    for whole, half in zip(*(session.run(batch) for session in opened), strict=True):
        assert half.dtype == np.float32
        assert np.abs(whole - half).max() < 0.05 * np.abs(whole).max()
        assert not np.array_equal(whole, half)


def test_no_weight_is_left_in_fp32_and_inputs_and_outputs_are(models_folder: Path):
    half = onnx.load_model_from_string(to_half((models_folder / ENTRIES[Role.EMBEDDER].file).read_bytes()))
    kinds = {tensor.data_type for tensor in half.graph.initializer}
    assert TensorProto.FLOAT not in kinds
    assert TensorProto.FLOAT16 in kinds
    assert {value.type.tensor_type.elem_type for value in [*half.graph.input, *half.graph.output]} == {TensorProto.FLOAT}


def test_the_same_file_gives_the_same_bytes(models_folder: Path):
    published = (models_folder / ENTRIES[Role.LANDMARKS].file).read_bytes()
    assert len({hashlib.sha256(to_half(published)).hexdigest() for _ in range(2)}) == 1


def test_an_operator_that_nobody_tried_is_refused():
    with pytest.raises(HalfUnknown, match="Pow"):
        to_half(network("Pow", 2.0))


def test_a_weight_beyond_the_range_is_refused():
    assert to_half(network("Mul", 2.0))
    with pytest.raises(HalfUnknown, match="beyond the range"):
        to_half(network("Mul", 1e6))
