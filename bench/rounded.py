"""FP16 as a GPU would round it, in FP32 arithmetic on a CPU. Pure: bytes in, bytes out.

onnxruntime's CPU kernels calculate in FP32 whatever the file says, and round nothing between nodes. Here every weight and every
node's output is rounded to FP16's 11 bits and kept within its range; sums inside a node are FP32, as tensor cores have them.
Not imitated: what lies below 6e-5 (FP16 has fewer bits there), and a GPU's own order of sums.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from models.half import HALF_MAX

SPLITTER = 8193.0  # 2**13 + 1: x * 8193 - (x * 8193 - x) is x rounded to 24 - 13 = 11 bits (Veltkamp)


def rounded(onnx_file: bytes) -> bytes:
    """The same network, rounded after each node."""
    model = onnx.load_model_from_string(onnx_file)
    graph = model.graph
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            halved = numpy_helper.to_array(tensor).astype(np.float16).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(halved, tensor.name))
    inferred = shape_inference.infer_shapes(model).graph
    floats = {v.name for v in [*inferred.value_info, *inferred.output] if v.type.tensor_type.elem_type == TensorProto.FLOAT}
    for name, value in (("splitter", SPLITTER), ("highest", HALF_MAX), ("lowest", -HALF_MAX)):
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        for position, name in enumerate(node.output):
            if name in floats and node.op_type != "Constant":
                node.output[position] = f"{name}_exact"
                nodes += _rounding(f"{name}_exact", name)
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _rounding(exact: str, name: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Mul", [exact, "splitter"], [f"{name}_split"]),
        helper.make_node("Sub", [f"{name}_split", exact], [f"{name}_rest"]),
        helper.make_node("Sub", [f"{name}_split", f"{name}_rest"], [f"{name}_rounded"]),
        helper.make_node("Min", [f"{name}_rounded", "highest"], [f"{name}_capped"]),
        helper.make_node("Max", [f"{name}_capped", "lowest"], [name]),
    ]
