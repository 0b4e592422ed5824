"""Where the models of one process run and with what: devices, batch shapes, provider options. Pure: asks no driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from models.manifest import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.manifest import ModelEntry

BUCKETS = (1, 4, 8, 16, 32, 64, 128, 256)  # batch sizes that a device sees; padding costs at most 3 of 4 items, in the smallest


class Device(StrEnum):
    """Where a model runs. AUTO takes the GPU where there is one that works, else the CPU."""

    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"
    AUTO = "auto"


class Precision(StrEnum):
    """What a device calculates in. A worker's CPU always takes FP32.

    TF32 rounds the factors of products to 10 bits and is onnxruntime's own default on CUDA: taken only where it is named.
    """

    FP32 = "fp32"
    TF32 = "tf32"
    FP16 = "fp16"


PROVIDERS = {
    Device.CPU: ["CPUExecutionProvider"],
    Device.CUDA: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    Device.TENSORRT: ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
}

Options = dict[str, str]
# The best box is a choice between anchors of nearly the same score: rounded to 11 bits they are equal, and another one wins,
# up to 20 px away (python -m bench.drift --detector).
ALWAYS_FP32 = frozenset({Role.DETECTOR})


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """How a process uses its device: the same for all of its sessions.

    device:           never AUTO.
    buckets:          rising; a batch is padded to the next one, and split beyond the last. Empty: batches go as they come,
                      into arrays of their own.
    memory_bytes_max: of the device, for one session's arena. The libraries' own code and work space come on top.
    engines_dir:      where TensorRT keeps the engines that it builds; they are of one GPU model and one TensorRT version.
    """

    device: Device
    precision: Precision = Precision.FP32
    buckets: tuple[int, ...] = ()
    memory_bytes_max: int = 0
    engines_dir: str = ""

    def __post_init__(self) -> None:
        """A placement that no session could have is a mistake of the caller."""
        assert self.device is not Device.AUTO
        assert list(self.buckets) == sorted(set(self.buckets)), self.buckets

    @property
    def needs_half_weights(self) -> bool:
        """Whether the file itself is turned into FP16 before it is opened; TensorRT does that by itself.

        On a CPU the numbers are rounded as on a GPU and nothing is won: for measuring what it does to scores.
        """
        return self.device is not Device.TENSORRT and self.precision is Precision.FP16


def is_exact(device: Device, precision: Precision) -> bool:
    """Whether that calculates in FP32 as a worker's CPU does, which needs no measurement.

    TensorRT takes TF32 for FP32 where the card has it, and onnxruntime has no option against it (its issue 26029).
    """
    return device is Device.CPU or (device is Device.CUDA and precision is Precision.FP32)


def placed_for(role: Role, placement: Placement) -> Placement:
    """The process's placement for one model."""
    return replace(placement, precision=Precision.FP32) if role in ALWAYS_FP32 else placement


def buckets_up_to(items_max: int) -> tuple[int, ...]:
    """The batch shapes of a device whose batches hold at most items_max; the last is items_max itself."""
    assert items_max >= 1, items_max
    return (*(size for size in BUCKETS if size < items_max), items_max)


def bucket_of(count: int, buckets: Sequence[int]) -> int:
    """The smallest bucket that holds `count` items, 1 <= count <= the largest."""
    assert 1 <= count <= buckets[-1], (count, buckets)
    return next(size for size in buckets if size >= count)


def pieces_of(count: int, buckets: Sequence[int]) -> list[slice]:
    """How a batch is cut into runs of at most the largest bucket, in order."""
    return [slice(start, min(start + buckets[-1], count)) for start in range(0, count, buckets[-1])]


def fill_padded(room: NDArray[np.float32], batch: NDArray[np.float32]) -> None:
    """Lay a batch into a bucket's array. The rest is 0: an answer depends on nothing that lay there before.

    room: (bucket, *shape), batch: (n, *shape) with n <= bucket.
    """
    room[: len(batch)] = batch
    room[len(batch) :] = 0


def providers_of(placement: Placement, entry: ModelEntry) -> list[tuple[str, Options]]:
    """The providers of onnxruntime with their options, the wanted one first."""
    options = {
        "CPUExecutionProvider": {},
        "CUDAExecutionProvider": cuda_options(placement),
        "TensorrtExecutionProvider": tensorrt_options(placement, entry),
    }
    return [(name, options[name]) for name in PROVIDERS[placement.device]]


def cuda_options(placement: Placement) -> Options:
    """cudnn_conv_algo_search EXHAUSTIVE: each convolution is timed once a shape, and all shapes run at the start (`warm`).

    kSameAsRequested: the arena grows by what is asked, so that the limit is not passed by doubling. use_tf32 is said since
    its default is 1. Copies go on the stream of the computation: other streams need an order that nobody keeps here.
    """
    return {
        "device_id": "0",
        "gpu_mem_limit": str(placement.memory_bytes_max),
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "cudnn_conv_use_max_workspace": "1",
        "do_copy_in_default_stream": "1",
        "use_tf32": "1" if placement.precision is Precision.TF32 else "0",
    }


def tensorrt_options(placement: Placement, entry: ModelEntry) -> Options:
    """One engine for each model, for all buckets: built at the first start (minutes), read from engines_dir after it."""
    alone = entry.batch == "one" or not placement.buckets
    sizes = (1,) if alone else placement.buckets

    def profile(size: int) -> str:
        return f"{entry.input_name}:{'x'.join(str(side) for side in (size, *entry.input_shape))}"

    return {
        "device_id": "0",
        "trt_max_workspace_size": str(placement.memory_bytes_max),
        "trt_fp16_enable": "1" if placement.precision is Precision.FP16 else "0",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": placement.engines_dir,
        "trt_engine_cache_prefix": f"{entry.file}-{entry.loaded_sha256[:16]}-{placement.precision.value}",
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": placement.engines_dir,
        "trt_profile_min_shapes": profile(sizes[0]),
        "trt_profile_opt_shapes": profile(sizes[len(sizes) // 2]),
        "trt_profile_max_shapes": profile(sizes[-1]),
    }
