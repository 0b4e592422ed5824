"""FP16 imitated: what leaves a node has 11 bits and lies within FP16's range."""

from __future__ import annotations

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from bench.rounded import rounded
from models.half import HALF_MAX


def doubling() -> bytes:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.array(2.0, np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


ROUNDED = ReferenceEvaluator(onnx.load_model_from_string(rounded(doubling())))


@given(st.lists(st.floats(2.0**-9, 30000, width=32) | st.floats(-30000, -(2.0**-9), width=32), min_size=1, max_size=8))
def test_an_answer_is_what_fp16_would_hold(numbers: list[float]):
    x = np.array(numbers, np.float32)
    (answer,) = ROUNDED.run(None, {"x": x})
    np.testing.assert_array_equal(answer, (2 * x).astype(np.float16).astype(np.float32))


def test_what_lies_beyond_the_range_is_held_at_its_end():
    (answer,) = ROUNDED.run(None, {"x": np.array([1e5, -1e6], np.float32)})
    np.testing.assert_array_equal(answer, [HALF_MAX, -HALF_MAX])


def test_the_same_file_gives_the_same_bytes():
    assert rounded(doubling()) == rounded(doubling())
