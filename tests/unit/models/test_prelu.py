"""PRelu spelt out gives the very same numbers, on networks small enough to read."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.prelu import spell_out_prelu

CHANNELS = 3
number = st.floats(-1e6, 1e6, width=32)


def network(slope: np.ndarray) -> bytes:
    """x -> PRelu -> y, and a second PRelu of the same slope -> z."""
    nodes = [helper.make_node("PRelu", ["x", "slope"], ["y"]), helper.make_node("PRelu", ["y", "slope"], ["z"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", CHANNELS, 2, 2])]
    outputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", CHANNELS, 2, 2])]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [numpy_helper.from_array(slope, "slope")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4).SerializeToString()


def operations(onnx_file: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_model_from_string(onnx_file).graph.node]


def run(onnx_file: bytes, batch: np.ndarray) -> np.ndarray:
    return ReferenceEvaluator(onnx.load_model_from_string(onnx_file)).run(None, {"x": batch})[0]


@given(
    slope=arrays(np.float32, (CHANNELS, 1, 1), elements=number), batch=arrays(np.float32, (2, CHANNELS, 2, 2), elements=number)
)
def test_no_number_changes_whatever_the_slopes_and_the_input(slope: np.ndarray, batch: np.ndarray):
    first = np.where(batch > 0, batch, slope * batch)
    expected = np.where(first > 0, first, slope * first)
    np.testing.assert_array_equal(run(spell_out_prelu(network(slope)), batch), expected)


def test_no_prelu_is_left_and_no_weight_is_unused():
    spelt = spell_out_prelu(network(np.full((CHANNELS, 1, 1), 0.25, np.float32)))
    assert operations(spelt) == ["Relu", "Conv", "Relu", "Conv", "Add"] * 2
    assert "slope" not in {tensor.name for tensor in onnx.load_model_from_string(spelt).graph.initializer}


@pytest.mark.parametrize("shape", [(1, 1, 1), (CHANNELS, 2, 2), (1,)])
def test_a_slope_that_is_not_one_a_channel_is_left_alone(shape: tuple[int, ...]):
    published = network(np.full(shape, 0.25, np.float32))
    assert operations(spell_out_prelu(published)) == ["PRelu", "PRelu"]


def test_the_same_file_gives_the_same_bytes_and_a_second_pass_changes_nothing():
    published = network(np.full((CHANNELS, 1, 1), 0.25, np.float32))
    once = spell_out_prelu(published)
    assert spell_out_prelu(published) == once
    assert spell_out_prelu(once) == once
