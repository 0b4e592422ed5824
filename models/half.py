"""Make an ONNX file calculate in FP16. Pure: bytes in, bytes out; inputs and outputs stay FP32.

For the CUDA provider, which takes the types that a file says; TensorRT chooses by itself. What it does to scores is measured
(models/drift.py), never assumed.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (onnx ships protobuf classes without types)

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from realname.errors import RealnameError

HALF_MAX = float(np.finfo(np.float16).max)
# What does arithmetic or moves numbers, in each file known here. Another operator may take its parameters in FP32 alone.
KNOWN = frozenset(
    {
        *("Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Constant", "Conv"),
        *("Div", "Exp", "Flatten", "Gather", "Gemm", "GlobalAveragePool", "LeakyRelu"),
        *("MatMul", "MaxPool", "Mul", "Neg", "Pad", "PRelu", "Relu"),
        *("Reshape", "Shape", "Sigmoid", "Slice", "Softmax", "Sqrt", "Squeeze"),
        *("Sub", "Transpose", "Unsqueeze"),
    }
)


class HalfUnknown(RealnameError):
    """The file has an operator that nobody has tried in FP16, or a weight beyond its range: run it in FP32."""


def to_half(onnx_file: bytes) -> bytes:
    """The same network with FP16 weights and FP16 between its nodes. Raises HalfUnknown."""
    model = onnx.load_model_from_string(onnx_file)
    graph = model.graph
    unknown = sorted({node.op_type for node in graph.node} - KNOWN)
    if unknown:
        raise HalfUnknown(f"not known in FP16: {', '.join(unknown)}")
    for tensor in [*graph.initializer, *_constants(graph)]:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(_halved(numpy_helper.to_array(tensor), tensor.name), tensor.name))
    casts_in = [_cast_in(graph, value.name) for value in graph.input]
    casts_out = [_cast_out(graph, value.name) for value in graph.output]
    nodes = [*casts_in, *graph.node, *casts_out]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]  # inferred types of before
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _constants(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    return [
        attribute.t
        for node in graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    ]


def _halved(weights: NDArray[np.float32], name: str) -> NDArray[np.float16]:
    if np.abs(weights).max(initial=0.0) > HALF_MAX:
        raise HalfUnknown(f"{name} holds a weight beyond the range of FP16")
    return weights.astype(np.float16)


def _cast_in(graph: onnx.GraphProto, name: str) -> onnx.NodeProto:
    half = f"{name}_half"
    for node in graph.node:
        for position, read in enumerate(node.input):
            if read == name:
                node.input[position] = half
    return helper.make_node("Cast", [name], [half], to=TensorProto.FLOAT16)


def _cast_out(graph: onnx.GraphProto, name: str) -> onnx.NodeProto:
    half = f"{name}_half"
    for node in graph.node:
        for names in (node.input, node.output):
            for position, each in enumerate(names):
                if each == name:
                    names[position] = half
    return helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT)
