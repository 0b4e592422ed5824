"""The only door to onnxruntime: opens a model file that is what the manifest says, and runs batches on it."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
# (onnxruntime ships no types; numpy arrays leave this file typed)

from __future__ import annotations

import ctypes
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # pyright: ignore[reportAttributeAccessIssue]

from models.bound import Bound
from models.half import to_half
from models.placement import PROVIDERS, Device, Placement, providers_of
from realname.errors import RealnameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.manifest import ModelEntry

ERRORS_ONLY = 3  # onnxruntime's log level; below it each start would warn about the devices it lacks
CUDA_OK = 0  # CUresult of a call that worked
GPU_NAME_BYTES = 100
DEVICE_FAILED = (ort_errors.Fail, ort_errors.EPFail, ort_errors.RuntimeException)

Floats: TypeAlias = NDArray[np.float32]


class ModelCorrupt(RealnameError):
    """A model file is missing or is not the pinned one: run `make models`."""


class DeviceMissing(RealnameError):
    """The device that the settings name cannot be used here: choose another, or install its libraries."""


class ModelMisbehaved(RealnameError):
    """A model answered with other shapes or another range than its entry says, or with a number that is none."""


class Session:
    """One model on one device. Not for many threads at once: models.batcher, or models.inline, is its only caller."""

    def __init__(self, path: Path, entry: ModelEntry, *, sha256: str, device: Device | Placement) -> None:
        """Check the file's bytes, then open those same bytes; where batches have fixed shapes, run each of them once.

        sha256: what the file must hash to. device: a bare one takes batches as they come, in FP32.
        Raises ModelCorrupt, DeviceMissing, ModelMisbehaved.
        """
        placement = device if isinstance(device, Placement) else Placement(device=usable(device))
        self.entry = entry
        self.device = placement.device
        self._session = _open(_read_checked(path, sha256), entry, placement)
        names = [value.name for value in self._session.get_inputs()]
        if names != [entry.input_name]:
            raise ModelMisbehaved(f"{entry.file}: its inputs are {', '.join(names)}; the entry says {entry.input_name}")
        self._bound: Bound | None = None
        if placement.buckets:
            self._warm(placement)

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
        return self._checked(self._plain(batch) if self._bound is None else tuple(self._bound.run(batch)), n)

    def run_items(self, items: Sequence[Floats]) -> list[tuple[Floats, ...]]:
        """The same, item by item: each (*input_shape) in, a tuple of (*output_shape) out, in order."""
        outputs = self.run(items[0][None] if len(items) == 1 else np.stack(items))  # a lone item needs no copy
        return [tuple(output[i] for output in outputs) for i in range(len(items))]

    def _plain(self, batch: Floats) -> tuple[Floats, ...]:
        return tuple(self._session.run(None, {self.entry.input_name: batch}))

    def _checked(self, outputs: tuple[Floats, ...], count: int) -> tuple[Floats, ...]:
        shapes = tuple(output.shape for output in outputs)
        if shapes != tuple((count, *shape) for shape in self.entry.output_shapes):
            raise ModelMisbehaved(f"{self.entry.file}: {count} items gave {shapes}")
        if not all(np.isfinite(output).all() for output in outputs):
            raise ModelMisbehaved(f"{self.entry.file}: an output is not finite")
        return outputs

    def _warm(self, placement: Placement) -> None:
        """Run every batch shape once, so that no registration waits for cuDNN's search, an engine or the arena's growth.

        The first run is a plain one: what is bound to arrays of the entry's shapes must have them.
        """
        sizes = (1,) if self.entry.batch == "one" else placement.buckets
        try:
            self._checked(self._plain(np.zeros((1, *self.entry.input_shape), np.float32)), 1)
            self._bound = Bound(self._session, self.entry, placement)
            for size in sizes:
                self.run(np.zeros((size, *self.entry.input_shape), np.float32))
        except DEVICE_FAILED as error:
            if placement.device is Device.CPU:
                raise
            raise DeviceMissing(f"{placement.device.value} does not run {self.entry.file}: {error}") from error


def usable(device: Device) -> Device:
    """The device that will be used: AUTO resolved, anything else as it is.

    A GPU is looked for by asking the driver, not by opening a session and reading its complaints.
    TensorRT is never chosen by AUTO: it spends minutes building engines at the first start.
    """
    if device is not Device.AUTO:
        return device
    built_in = PROVIDERS[Device.CUDA][0] in ort.get_available_providers()
    return Device.CUDA if built_in and _cuda_devices() > 0 else Device.CPU


def device_name(device: Device) -> str:
    """The first GPU's, as the driver says it; of a CPU "cpu"."""
    driver = None if device is Device.CPU else _cuda_driver()
    text = ctypes.create_string_buffer(GPU_NAME_BYTES)
    if driver is None or driver.cuDeviceGetName(text, GPU_NAME_BYTES, 0) != CUDA_OK:
        return "cpu" if device is Device.CPU else "unknown"
    return text.value.decode(errors="replace")


def _cuda_devices() -> int:
    """GPUs that the driver shows; 0 where there is no driver."""
    driver, count = _cuda_driver(), ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != CUDA_OK:
        return 0
    return count.value


def _cuda_driver() -> ctypes.CDLL | None:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == CUDA_OK else None


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


def _open(onnx_file: bytes, entry: ModelEntry, placement: Placement) -> Any:
    """Open on the device, or say why not; never fall back to another in silence."""
    device, providers = placement.device, providers_of(placement, entry)
    wanted = providers[0][0]
    if wanted not in ort.get_available_providers():
        raise DeviceMissing(f"this onnxruntime is built without {wanted}; set the device to cpu")
    if device is not Device.CPU:
        if _cuda_devices() == 0:
            raise DeviceMissing(f"no GPU found for device {device.value}; set the device to cpu or auto")
        ort.preload_dlls()  # finds CUDA and cuDNN where they are installed as wheels
    if device is Device.TENSORRT and placement.engines_dir:
        Path(placement.engines_dir).mkdir(parents=True, exist_ok=True)
    content = to_half(onnx_file) if placement.needs_half_weights else onnx_file
    # Without enable_fallback=0 a device that fails at a run is changed for another one by onnxruntime itself.
    session = ort.InferenceSession(content, _options(), providers=providers, enable_fallback=0)
    if wanted not in session.get_providers():
        raise DeviceMissing(f"{wanted} did not start; are its CUDA libraries installed (requirements/gpu.txt)?")
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
