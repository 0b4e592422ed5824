"""Fill odd numbers of channels up to whole blocks. Pure: bytes in, bytes out, the same numbers but for rounding.

onnxruntime keeps convolutions in a layout of blocks of 8 channels (AVX2; 16 with AVX-512), and turns an image round before and
after each one whose channels do not fill blocks. Pruned networks have such ones: fr_liveness has 13, 26, 52, 103 and 231. A
channel whose weights are all 0 is 0 behind its convolution, its PRelu and the next convolution of each channel, and what reads
it multiplies it by 0. Measured on a CPU with AVX2, with models/prelu.py after it: fr_liveness 7.6 -> 4.7 ms.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (onnx ships protobuf classes without types)

from __future__ import annotations

from collections import defaultdict

import numpy as np
import onnx
from onnx import numpy_helper

from models.dynamic_batch import drop_unused_weights

BLOCK = 8  # of 16 a 13 would become 16 as well, but a 103 112 instead of 104: more work where blocks are of 8


def fill_channel_blocks(onnx_file: bytes) -> bytes:
    """The same network where every image between convolutions that can be widened has a multiple of BLOCK channels.

    Widened are outputs of convolutions and PRelus, read by nothing but such ones; a network's own outputs never.
    """
    model = onnx.load_model_from_string(onnx_file)
    graph = model.graph
    network = _Network(graph)
    wide = network.widened()
    if not wide:
        return onnx_file
    for node in graph.node:
        network.widen(node, wide)
    del graph.value_info[:]  # inferred shapes of the old widths
    drop_unused_weights(graph)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


class _Network:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.literals = {tensor.name: tensor for tensor in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.readers[name].append(node)
        self.channels: dict[str, int] = {}
        for node in graph.node:
            if self._is_convolution(node):
                self.channels[node.output[0]] = self.literals[node.input[1]].dims[0]
            elif self._is_prelu(node) and node.input[0] in self.channels:
                self.channels[node.output[0]] = self.channels[node.input[0]]

    def widened(self) -> dict[str, int]:
        """Image -> its new number of channels."""
        given = {value.name for value in self.graph.output}
        wide = {name: count for name, count in self.channels.items() if count % BLOCK and name not in given}
        while out := [name for name in wide if not self._can_be_wide(name, wide)]:
            for name in out:
                del wide[name]
        return {name: -(-count // BLOCK) * BLOCK for name, count in wide.items()}

    def widen(self, node: onnx.NodeProto, wide: dict[str, int]) -> None:
        """Give the node weights of the new widths, 0 where they are new."""
        read, made = node.input[0] if node.input else "", node.output[0]
        if self._is_prelu(node) and made in wide:
            node.input[1] = self._filled(node.input[1], 0, wide[made])
        elif self._is_convolution(node):
            if read in wide and _group(node) == 1:
                node.input[1] = self._filled(node.input[1], 1, wide[read])
            if made in wide:
                for position in range(1, len(node.input)):  # weights and, where it has one, bias
                    node.input[position] = self._filled(node.input[position], 0, wide[made])
                if _group(node) > 1:
                    _set_group(node, wide[made])

    def _can_be_wide(self, name: str, wide: dict[str, int]) -> bool:
        maker = self.makers[name]
        if (self._is_prelu(maker) or _group(maker) > 1) and maker.input[0] not in wide:
            return False
        if _group(maker) > 1 and not self._is_of_each_channel(maker):
            return False
        return all(self._reads_wide(reader, name, wide) for reader in self.readers[name])

    def _reads_wide(self, reader: onnx.NodeProto, name: str, wide: dict[str, int]) -> bool:
        if reader.input[0] != name or list(reader.input).count(name) > 1:
            return False
        if self._is_convolution(reader) and _group(reader) == 1:
            return True
        return reader.output[0] in wide and (self._is_prelu(reader) or self._is_of_each_channel(reader))

    def _is_convolution(self, node: onnx.NodeProto) -> bool:
        return node.op_type == "Conv" and all(name in self.literals for name in node.input[1:])

    def _is_of_each_channel(self, node: onnx.NodeProto) -> bool:
        """Whether each output channel is made of the input channel of its number alone."""
        return self._is_convolution(node) and list(self.literals[node.input[1]].dims[:2]) == [_group(node), 1]

    def _is_prelu(self, node: onnx.NodeProto) -> bool:
        slope = self.literals.get(node.input[1]) if node.op_type == "PRelu" else None
        return slope is not None and list(slope.dims[1:]) == [1, 1] and slope.dims[0] > 1

    def _filled(self, name: str, axis: int, count: int) -> str:
        """The name of a copy of the weights with `count` along the axis. A copy, since nodes may share them."""
        filled = f"{name}_{axis}_{count}"
        if filled not in self.literals:
            weights = numpy_helper.to_array(self.literals[name])
            missing = [(0, count - length if number == axis else 0) for number, length in enumerate(weights.shape)]
            tensor = numpy_helper.from_array(np.pad(weights, missing), filled)
            self.graph.initializer.append(tensor)
            self.literals[filled] = tensor
        return filled


def _group(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)


def _set_group(node: onnx.NodeProto, count: int) -> None:
    for attribute in node.attribute:
        if attribute.name == "group":
            attribute.i = count
