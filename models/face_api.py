"""Builds the network of dlib's face descriptor round the weights that face-api publishes. Pure: bytes in, bytes out.

face-api carries dlib_face_recognition_resnet_model_v1 as bare weights, most of them in 8 bits, with a list that says
which is which; the network stands in its code. Source of the layers: face-api, src/faceRecognitionNet (MIT), which
follows dlib's dnn_face_recognition_ex.cpp. Input: (N, 3, 150, 150) RGB 0..255; the mean is taken off inside. Output:
(N, 128), compared by the Euclidean distance.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (onnx ships protobuf classes without types)

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

import msgspec
import numpy as np
import onnx
from msgspec import Struct
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE_PX, NUMBERS = 150, 128
MEAN_RGB = (122.782, 117.001, 104.298)  # as in dlib's input_rgb_image_sized
SCALE = 1 / 256
OPSET, IR_VERSION = 13, 8
# In order; one with `down` in its name halves the side. Source: FaceRecognitionNet.ts
RESIDUALS = (
    *("conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3"),
    *("conv128_down", "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out"),
)
SIDE_AFTER_POOL, CHANNELS_FIRST = 35, 32
NONE, SAME = (0, 0, 0, 0), (1, 1, 1, 1)  # padding: top, left, bottom, right

Weights = dict[str, NDArray[np.float32]]


class WeightsWrong(ValueError):
    """The weights are not those of this network."""


class Quantised(Struct, frozen=True):
    """value = stored * scale + min."""

    dtype: Literal["uint8"]
    scale: float
    min: float


class Listed(Struct, frozen=True):
    """One array of the file, in its order."""

    name: str
    shape: tuple[int, ...]
    dtype: Literal["float32"]
    quantization: Quantised | None = None


class Group(Struct, frozen=True):
    """The arrays of one file."""

    weights: tuple[Listed, ...]


def build(weights: bytes, listed: bytes) -> bytes:
    """The ONNX file. weights: face_recognition_model.bin; listed: its -weights_manifest.json. Raises WeightsWrong."""
    network = _Network(read_weights(weights, listed))
    shift, scaled = network.added("Sub", ["input", network.constant(_planes(MEAN_RGB))]), network.constant(_planes((SCALE,)))
    x = network.conv(network.added("Mul", [shift, scaled]), "conv32_down", stride=2, padding=NONE)
    x = network.added("MaxPool", [network.relu(x)], kernel_shape=[3, 3], strides=[2, 2])
    side, channels = SIDE_AFTER_POOL, CHANNELS_FIRST
    for name in RESIDUALS:
        if "down" in name:
            x, side, channels = network.shrinking(x, name, side=side, channels=channels)
        else:
            x = network.residual(x, name)
    flat = network.added("Flatten", [network.added("GlobalAveragePool", [x])])
    network.nodes.append(helper.make_node("MatMul", [flat, network.constant(network.take("fc"))], ["output"]))
    return network.to_file()


def read_weights(weights: bytes, listed: bytes) -> Weights:
    """Each array by its name, as float32. Raises WeightsWrong where the list does not describe the file."""
    try:
        groups = msgspec.json.decode(listed, type=list[Group])
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise WeightsWrong(f"the list of weights does not read: {error}") from None
    found: Weights = {}
    offset = 0
    for each in (entry for group in groups for entry in group.weights):
        count, stored = prod(each.shape), np.dtype("<f4" if each.quantization is None else np.uint8)
        end = offset + count * stored.itemsize
        if end > len(weights):
            raise WeightsWrong(f"the weights end before {each.name}")
        values = np.frombuffer(weights[offset:end], stored).astype(np.float32)
        if each.quantization is not None:
            values = values * np.float32(each.quantization.scale) + np.float32(each.quantization.min)
        found[each.name] = values.reshape(each.shape)
        offset = end
    if offset != len(weights):
        raise WeightsWrong(f"{len(weights) - offset} bytes of weights are not listed")
    return found


@dataclass(slots=True)
class _Network:
    """The graph while it is built. Names are counted, so the same weights give the same bytes."""

    weights: Weights
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    constants: list[onnx.TensorProto] = field(default_factory=list[onnx.TensorProto])
    names: int = 0

    def take(self, name: str) -> NDArray[np.float32]:
        if name not in self.weights:
            raise WeightsWrong(f"there is no {name} among the weights")
        return self.weights[name]

    def added(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """A node more; the name of its output."""
        name = self._name()
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = self._name()
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def relu(self, x: str) -> str:
        return self.added("Relu", [x])

    def conv(self, x: str, name: str, *, stride: int, padding: tuple[int, ...]) -> str:
        """A convolution with dlib's affine layer, which follows it, worked into its weights."""
        filters = self.take(f"{name}/conv/filters").transpose(3, 2, 0, 1)
        gain, shift = self.take(f"{name}/scale/weights"), self.take(f"{name}/scale/biases")
        kernel = self.constant(filters * gain[:, None, None, None])
        bias = self.constant(self.take(f"{name}/conv/bias") * gain + shift)
        return self.added("Conv", [x, kernel, bias], strides=[stride] * 2, pads=list(padding))

    def residual(self, x: str, name: str) -> str:
        first = self.relu(self.conv(x, f"{name}/conv1", stride=1, padding=SAME))
        return self.relu(self.added("Add", [self.conv(first, f"{name}/conv2", stride=1, padding=SAME), x]))

    def shrinking(self, x: str, name: str, *, side: int, channels: int) -> tuple[str, int, int]:
        """Half the side: the way round it is an average pool, filled up with zeros in channels, and so is the shorter side.

        Returns the output's name, its side and its channels.
        """
        first = self.relu(self.conv(x, f"{name}/conv1", stride=2, padding=NONE))
        main = self.conv(first, f"{name}/conv2", stride=1, padding=SAME)
        pooled = self.added("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
        widened = self.take(f"{name}/conv2/conv/filters").shape[3]
        main_side, pooled_side = (side - 3) // 2 + 1, (side - 2) // 2 + 1
        to = max(main_side, pooled_side)
        main = self._filled(main, channels=0, sides=to - main_side)
        pooled = self._filled(pooled, channels=widened - channels, sides=to - pooled_side)
        return self.relu(self.added("Add", [main, pooled])), to, widened

    def to_file(self) -> bytes:
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
            for name, shape in (("input", (3, SIDE_PX, SIDE_PX)), ("output", (NUMBERS,)))
        ]
        graph = helper.make_graph(self.nodes, "dlib_face_descriptor", ends[:1], ends[1:], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True)

    def _filled(self, x: str, *, channels: int, sides: int) -> str:
        """With zeros behind: so many channels, rows and columns more."""
        if channels == sides == 0:
            return x
        return self.added("Pad", [x, self.constant(np.array([0, 0, 0, 0, 0, channels, sides, sides], np.int64))])

    def _name(self) -> str:
        self.names += 1
        return f"t{self.names}"


def _planes(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(values, np.float32).reshape(1, -1, 1, 1)
