"""Runs one onnxruntime session on arrays that stay: one set for each batch size, bound once, pinned where there is a GPU.

A fresh array for each call would be pageable memory, which the driver copies twice, and a fresh shape would make cuDNN
search and the arena grow in the middle of work. The same code runs on the CPU provider, where tests hold it against plain runs.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (onnxruntime ships no types; numpy arrays leave this file typed)

from __future__ import annotations

import ctypes
import logging
import mmap
import weakref
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.placement import Device, Placement, bucket_of, fill_padded, pieces_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.manifest import ModelEntry

CUDA_OK = 0  # cudaError_t of a call that worked
PORTABLE = 1  # cudaHostRegisterPortable: pinned for every context
ALIGNED_BYTES = 64  # a cache line, and the widest register
FLOAT_BYTES = 4
RUNTIMES = ("libcudart.so.13", "libcudart.so.12")  # found where onnxruntime has loaded one

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Bucket:
    """Everything of one batch size. asked: (size, *input_shape); answered: (size, *output_shape) each.

    on_device: the input there; on a CPU it is `asked` itself.
    """

    binding: Any
    asked: NDArray[np.float32]
    on_device: Any
    answered: tuple[NDArray[np.float32], ...]


class Bound:
    """Not for many threads at once: one call's numbers lie where the next call's will."""

    def __init__(self, session: Any, entry: ModelEntry, placement: Placement) -> None:
        """session: an open onnxruntime session on the placement's device. Takes the memory of all buckets now."""
        assert placement.buckets, "without buckets there is nothing to bind"
        self._session = session
        self._copies = placement.device is not Device.CPU
        self._sizes = (1,) if entry.batch == "one" else placement.buckets
        room = _Room(_size_bytes(entry, self._sizes))
        if self._copies:
            _pin(room.pages, self, entry.file)
        self._buckets = {size: self._bind(entry, room, size) for size in self._sizes}

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """(n, *input_shape) -> the outputs, (n, *output_shape) each, in arrays of their own."""
        parts = [self._piece(batch[piece]) for piece in pieces_of(len(batch), self._sizes)]
        return parts[0] if len(parts) == 1 else [np.concatenate(each) for each in zip(*parts, strict=True)]

    def _piece(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        bucket = self._buckets[bucket_of(len(batch), self._sizes)]
        fill_padded(bucket.asked, batch)
        if self._copies:
            bucket.on_device.update_inplace(bucket.asked)
        self._session.run_with_iobinding(bucket.binding)
        bucket.binding.synchronize_outputs()
        return [answer[: len(batch)].copy() for answer in bucket.answered]

    def _bind(self, entry: ModelEntry, room: _Room, size: int) -> _Bucket:
        asked = room.take((size, *entry.input_shape))
        answered = tuple(room.take((size, *shape)) for shape in entry.output_shapes)
        on_device = ort.OrtValue.ortvalue_from_numpy(asked, "cuda" if self._copies else "cpu", 0)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(entry.input_name, on_device)
        for output, answer in zip(self._session.get_outputs(), answered, strict=True):
            binding.bind_output(output.name, "cpu", 0, np.float32, answer.shape, answer.ctypes.data)
        return _Bucket(binding, asked, on_device, answered)


class _Room:
    """Pages of our own, from which arrays are cut: what is pinned is pinned by whole pages, and each only once."""

    def __init__(self, size_bytes: int) -> None:
        self.pages = mmap.mmap(-1, size_bytes)
        self._taken_bytes = 0

    def take(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """The next array, zeros."""
        array = np.frombuffer(self.pages, np.float32, count=prod(shape), offset=self._taken_bytes).reshape(shape)
        self._taken_bytes += _bytes_of(shape)
        return array


def _size_bytes(entry: ModelEntry, sizes: Sequence[int]) -> int:
    return sum(_bytes_of((size, *shape)) for size in sizes for shape in (entry.input_shape, *entry.output_shapes))


def _bytes_of(shape: tuple[int, ...]) -> int:
    return -(-prod(shape) * FLOAT_BYTES // ALIGNED_BYTES) * ALIGNED_BYTES


def _pin(pages: mmap.mmap, owner: Bound, name: str) -> None:
    """Tell the driver that these pages stay where they are. Where it refuses, copies are slower and nothing else."""
    runtime = _cuda_runtime()
    pointer = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(pages)))
    if runtime is None or runtime.cudaHostRegister(pointer, ctypes.c_size_t(len(pages)), ctypes.c_uint(PORTABLE)) != CUDA_OK:
        _LOG.warning("memory_not_pinned", extra={"model": name, "bytes": len(pages)})
        return
    weakref.finalize(owner, runtime.cudaHostUnregister, pointer).atexit = False


def _cuda_runtime() -> ctypes.CDLL | None:
    """The one that onnxruntime has loaded."""
    for name in RUNTIMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None
