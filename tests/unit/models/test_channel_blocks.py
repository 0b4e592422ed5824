"""Channels filled up to whole blocks give the same numbers, on networks small enough to read."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.channel_blocks import BLOCK, fill_channel_blocks

CHANCE = np.random.default_rng(8)
IMAGES = CHANCE.normal(size=(2, 3, 6, 6)).astype(np.float32)


def conv(x: str, y: str, weights: np.ndarray, bias: np.ndarray | None = None, *, group: int = 1):
    side = weights.shape[2]
    names = [f"{y}_w", *([f"{y}_b"] if bias is not None else [])]
    tensors = [numpy_helper.from_array(part, name) for part, name in zip((weights, bias), names, strict=False)]
    return helper.make_node("Conv", [x, *names], [y], group=group, kernel_shape=[side, side], pads=[side // 2] * 4), tensors


def prelu(x: str, y: str, channels: int):
    return helper.make_node("PRelu", [x, f"{y}_s"], [y]), [
        numpy_helper.from_array(CHANCE.uniform(0, 1, (channels, 1, 1)).astype(np.float32), f"{y}_s")
    ]


def weights(*shape: int) -> np.ndarray:
    return CHANCE.normal(size=shape).astype(np.float32)


def network(*steps, outputs=("z",), channels=(5,)) -> bytes:
    made = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", n, 6, 6]) for name, n in zip(outputs, channels, strict=True)
    ]
    taken = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 6, 6])]
    graph = helper.make_graph([node for node, _ in steps], "tiny", taken, made, [each for _, own in steps for each in own])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4).SerializeToString()


def bottleneck(middle: int) -> bytes:
    """As a pruned MiniFASNet has them."""
    return network(
        conv("x", "a", weights(middle, 3, 1, 1), weights(middle)),
        prelu("a", "b", middle),
        conv("b", "c", weights(middle, 1, 3, 3), weights(middle), group=middle),
        prelu("c", "d", middle),
        conv("d", "z", weights(5, middle, 1, 1), weights(5)),
    )


def run(onnx_file: bytes) -> list[np.ndarray]:
    return ReferenceEvaluator(onnx.load_model_from_string(onnx_file)).run(None, {"x": IMAGES})


def widths(onnx_file: bytes) -> list[int]:
    """Output channels of each convolution."""
    graph = onnx.load_model_from_string(onnx_file).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    return [tensors[node.input[1]].dims[0] for node in graph.node if node.op_type == "Conv"]


@pytest.mark.parametrize("middle", [2, 7, 9, 13])
def test_a_bottleneck_is_widened_and_answers_as_before(middle: int):
    published = bottleneck(middle)
    filled = fill_channel_blocks(published)
    whole = -(-middle // BLOCK) * BLOCK
    assert widths(filled) == [whole, whole, 5], "an output keeps its channels"
    np.testing.assert_allclose(run(filled)[0], run(published)[0], rtol=1e-4, atol=1e-4)


def test_whole_blocks_are_left_as_they_are_and_a_second_pass_changes_nothing():
    published = bottleneck(2 * BLOCK)
    assert fill_channel_blocks(published) == published
    once = fill_channel_blocks(bottleneck(3))
    assert fill_channel_blocks(once) == once


def test_one_slope_for_all_channels_keeps_what_it_reads_narrow():
    published = bottleneck(1)
    assert fill_channel_blocks(published) == published


def test_what_something_else_reads_is_left_alone():
    published = network(
        conv("x", "a", weights(5, 3, 1, 1)),
        conv("x", "b", weights(5, 3, 1, 1)),
        (helper.make_node("Add", ["a", "b"], ["z"]), []),
        conv("a", "y", weights(4, 5, 1, 1)),
        outputs=("z", "y"),
        channels=(5, 4),
    )
    assert fill_channel_blocks(published) == published


def test_weights_that_two_convolutions_share_are_filled_for_each():
    shared = numpy_helper.from_array(weights(5, 5, 1, 1), "w")
    published = network(
        conv("x", "a", weights(5, 3, 1, 1)),
        (helper.make_node("Conv", ["a", "w"], ["b"], kernel_shape=[1, 1]), [shared]),
        (helper.make_node("Conv", ["b", "w"], ["z"], kernel_shape=[1, 1]), []),
    )
    filled = fill_channel_blocks(published)
    assert widths(filled) == [BLOCK, BLOCK, 5]
    np.testing.assert_allclose(run(filled)[0], run(published)[0], rtol=1e-4, atol=1e-4)


def test_an_output_of_the_network_stays_as_narrow_as_it_is():
    published = network(conv("x", "z", weights(5, 3, 1, 1)))
    assert fill_channel_blocks(published) == published
