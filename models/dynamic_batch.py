"""Make the batch dimension of an ONNX file a free one. Pure: bytes in, bytes out, the same bytes each time.

The published files are exported for a batch of one in three ways, and each has to go:
the declared shapes of inputs and outputs, weights listed as inputs (an old exporters' habit that
stops constant folding), and Reshape nodes whose literal target begins with 1. The last is the trap:
such a file loads with a free batch and then fails, or mixes images up, at a batch of two.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (onnx ships protobuf classes without types; this file is their only door)

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

BATCH = "N"  # the name of the free dimension


def make_batch_dynamic(onnx_file: bytes) -> bytes:
    """The same network with a free first dimension on every input and output.

    A Reshape whose target the graph computes is left as it is: it follows the batch when it is
    computed from the input's own shape, as in the files in use. Nothing here can tell, so whoever
    converts compares a batch with single runs (models/fetch.py does).
    """
    model = onnx.load_model_from_string(onnx_file)
    graph = model.graph
    _drop_weights_from_inputs(graph)
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    del graph.value_info[:]  # inferred shapes of the old batch size
    _free_reshapes(graph)
    drop_unused_weights(graph)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def free_target(shape: NDArray[np.int64]) -> NDArray[np.int64]:
    """A Reshape target with its leading literal 1 made free; any other target unchanged.

    [1, 8, 4] -> [-1, 8, 4]: all else is known, so the batch is what remains.
    [1, -1, 4] -> [0, -1, 4]: only one -1 is allowed, and 0 copies the input's own batch.
    """
    if len(shape) < 2 or shape[0] != 1:  # noqa: PLR2004 - one dimension holds no batch
        return shape
    freed = shape.copy()
    freed[0] = 0 if -1 in shape[1:] else -1
    return freed


def _drop_weights_from_inputs(graph: onnx.GraphProto) -> None:
    weights = {tensor.name for tensor in graph.initializer}
    images = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(images)


def _free_reshapes(graph: onnx.GraphProto) -> None:
    """Point each Reshape with a literal batch at a freed copy of its target (targets may be shared)."""
    literals = _literals(graph)
    added: set[str] = set()
    for node in graph.node:
        if node.op_type != "Reshape":
            continue
        target = node.input[1]
        if target not in literals:
            continue
        freed = free_target(literals[target])
        if freed is literals[target]:
            continue
        name = f"{target}_free_batch"
        if name not in added:
            graph.initializer.append(numpy_helper.from_array(freed, name))
            added.add(name)
        node.input[1] = name


def drop_unused_weights(graph: onnx.GraphProto) -> None:
    """Take out what no node reads any more: onnxruntime would warn about each at every start."""
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _literals(graph: onnx.GraphProto) -> dict[str, NDArray[np.int64]]:
    """Every integer vector that is written out in the file, by the name under which nodes read it."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
    return {
        name: numpy_helper.to_array(tensor)
        for name, tensor in tensors.items()
        if tensor.data_type == onnx.TensorProto.INT64 and len(tensor.dims) == 1
    }
