"""The only door to onnxruntime: opens a model file that is what the manifest says, and runs batches on it."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
# (onnxruntime ships no types; numpy arrays leave this file typed)

from __future__ import annotations

import ctypes
import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from realname.errors import RealnameError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.manifest import ModelEntry

ERRORS_ONLY = 3  # onnxruntime's log level; below it each start would warn about the devices it lacks
CUDA_OK = 0  # CUresult of a call that worked

Floats: TypeAlias = NDArray[np.float32]


class ModelCorrupt(RealnameError):
    """A model file is missing or is not the pinned one: run `make models`."""


class DeviceMissing(RealnameError):
    """The device that the settings name cannot be used here: choose another, or install its libraries."""


class ModelMisbehaved(RealnameError):
    """A model answered with other shapes or another range than its entry says, or with a number that is none."""


class Device(StrEnum):
    """Where a model runs. AUTO takes the GPU where there is one that works, else the CPU."""

    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"
    AUTO = "auto"


PROVIDERS = {
    Device.CPU: ["CPUExecutionProvider"],
    Device.CUDA: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    Device.TENSORRT: ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
}


class Session:
    """One model on one device. Not for many threads at once: models.batcher, or models.inline, is its only caller."""

    def __init__(self, path: Path, entry: ModelEntry, *, sha256: str, device: Device) -> None:
        """Check the file's bytes, then open those same bytes.

        sha256: what the file must hash to.
        Raises ModelCorrupt, DeviceMissing, ModelMisbehaved.
        """
        self.entry = entry
        self.device = usable(device)
        self._session = _open(_read_checked(path, sha256), self.device)
        names = [value.name for value in self._session.get_inputs()]
        if names != [entry.input_name]:
            raise ModelMisbehaved(f"{entry.file}: its inputs are {', '.join(names)}; the entry says {entry.input_name}")

    def run(self, batch: Floats) -> tuple[Floats, ...]:
        """The model's outputs, one array each.

        batch: (n, *input_shape) float32, n >= 1.
        Returns arrays of (n, *output_shape). Raises ModelMisbehaved.
        """
        n = len(batch)
        assert n >= 1, "an empty batch"
        assert batch.dtype == np.float32, batch.dtype
        assert batch.shape[1:] == self.entry.input_shape, (batch.shape, self.entry.file)
        if n > 1 and self.entry.batch == "one":
            alone = [self.run(batch[i : i + 1]) for i in range(n)]
            return tuple(np.concatenate(parts) for parts in zip(*alone, strict=True))
        outputs: tuple[Floats, ...] = tuple(self._session.run(None, {self.entry.input_name: batch}))
        shapes = tuple(output.shape for output in outputs)
        if shapes != tuple((n, *shape) for shape in self.entry.output_shapes):
            raise ModelMisbehaved(f"{self.entry.file}: {n} items gave {shapes}")
        if not all(np.isfinite(output).all() for output in outputs):
            raise ModelMisbehaved(f"{self.entry.file}: an output is not finite")
        return outputs

    def run_items(self, items: Sequence[Floats]) -> list[tuple[Floats, ...]]:
        """The same, item by item: each (*input_shape) in, a tuple of (*output_shape) out, in order."""
        outputs = self.run(items[0][None] if len(items) == 1 else np.stack(items))  # a lone item needs no copy
        return [tuple(output[i] for output in outputs) for i in range(len(items))]


def usable(device: Device) -> Device:
    """The device that will be used: AUTO resolved, anything else as it is.

    A GPU is looked for by asking the driver, not by opening a session and reading its complaints.
    TensorRT is never chosen by AUTO: it spends minutes building engines at the first start.
    """
    if device is not Device.AUTO:
        return device
    built_in = PROVIDERS[Device.CUDA][0] in ort.get_available_providers()
    return Device.CUDA if built_in and _cuda_devices() > 0 else Device.CPU


def _cuda_devices() -> int:
    """GPUs that the driver shows; 0 where there is no driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != CUDA_OK or driver.cuDeviceGetCount(ctypes.byref(count)) != CUDA_OK:
        return 0
    return count.value


def _read_checked(path: Path, sha256: str) -> bytes:
    """The file's bytes; it is these that are opened, so nothing can change between check and use."""
    try:
        onnx_file = path.read_bytes()
    except OSError as error:
        raise ModelCorrupt(f"{path} cannot be read ({error.strerror}): run `make models`") from error
    found = hashlib.sha256(onnx_file).hexdigest()
    if found != sha256:
        raise ModelCorrupt(f"{path} is not the pinned file (sha256 {found[:16]}, expected {sha256[:16]}): run `make models`")
    return onnx_file


def _open(onnx_file: bytes, device: Device) -> Any:
    """Open on the device, or say why not; never fall back to another in silence."""
    wanted = PROVIDERS[device][0]
    if wanted not in ort.get_available_providers():
        raise DeviceMissing(f"this onnxruntime is built without {wanted}; set the device to cpu")
    if device is not Device.CPU:
        if _cuda_devices() == 0:
            raise DeviceMissing(f"no GPU found for device {device.value}; set the device to cpu or auto")
        ort.preload_dlls()  # finds CUDA and cuDNN where they are installed as wheels
    session = ort.InferenceSession(onnx_file, _options(), providers=PROVIDERS[device])
    if wanted not in session.get_providers():
        raise DeviceMissing(f"{wanted} did not start; are its CUDA libraries installed (extra `gpu`)?")
    return session


def _options() -> ort.SessionOptions:
    """One thread that sleeps when idle: processes are scaled, not threads (facts: batching gains nothing on a CPU)."""
    options = ort.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options
