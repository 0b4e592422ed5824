"""Freeing the batch dimension, on networks small enough to read."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.dynamic_batch import free_target, make_batch_dynamic


def network(target: list[int], *, literal_as: str = "initializer", reshapes: int = 1) -> bytes:
    """Input 1x2x2 -> Reshape to target (`reshapes` of them, side by side, sharing it) -> output, as an old exporter writes it."""
    shape = numpy_helper.from_array(np.array(target, np.int64), "target")
    nodes = [helper.make_node("Constant", [], ["target"], value=shape)] if literal_as == "node" else []
    nodes += [helper.make_node("Reshape", ["x", "target"], [f"y{i}"]) for i in range(reshapes)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 2])]
    if literal_as == "initializer":
        inputs.append(helper.make_tensor_value_info("target", TensorProto.INT64, [len(target)]))
    outputs = [
        helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [1, *([None] * (len(target) - 1))]) for i in range(reshapes)
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [shape] if literal_as == "initializer" else [])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4).SerializeToString()


def run(onnx_file: bytes, batch: np.ndarray) -> list[np.ndarray]:
    """By onnx's own interpreter, so that this test needs no other door to onnxruntime."""
    return ReferenceEvaluator(onnx.load_model_from_string(onnx_file)).run(None, {"x": batch})


@pytest.mark.parametrize(
    ("target", "freed"),
    [([1, 4], [-1, 4]), ([1, -1], [0, -1]), ([1, -1, 2], [0, -1, 2]), ([2, 2], [2, 2]), ([-1, 4], [-1, 4]), ([1], [1])],
)
def test_a_leading_one_is_freed_and_nothing_else(target: list[int], freed: list[int]):
    assert free_target(np.array(target)).tolist() == freed


@pytest.mark.parametrize("literal_as", ["initializer", "node"])
@pytest.mark.parametrize("target", [[1, 4], [1, -1], [1, 2, -1]])
def test_a_batch_is_answered_as_its_items_are(literal_as: str, target: list[int]):
    published = network(target, literal_as=literal_as)
    items = np.random.default_rng(1).random((5, 2, 2), np.float32)
    (together,) = run(make_batch_dynamic(published), items)
    alone = np.concatenate([run(published, items[i : i + 1])[0] for i in range(5)])
    np.testing.assert_array_equal(together, alone)


def test_reshapes_that_share_a_target_are_all_freed():
    together = run(make_batch_dynamic(network([1, 4], reshapes=3)), np.zeros((5, 2, 2), np.float32))
    assert [part.shape for part in together] == [(5, 4)] * 3


def test_weights_are_no_inputs_any_more_and_none_is_left_unused():
    graph = onnx.load_model_from_string(make_batch_dynamic(network([1, 4]))).graph
    assert [value.name for value in graph.input] == ["x"]
    assert [tensor.name for tensor in graph.initializer] == ["target_free_batch"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_the_same_file_gives_the_same_bytes_and_a_second_pass_changes_nothing():
    published = network([1, 4])
    once = make_batch_dynamic(published)
    assert make_batch_dynamic(published) == once
    assert make_batch_dynamic(once) == once
