"""Whether a child's answer holds, and its frames as an array. The child may be in hands that are not ours."""

from __future__ import annotations

import fcntl
import mmap
import os
from itertools import pairwise
from math import prod

import numpy as np
from numpy.typing import NDArray

from workers.decoder.limits import DecoderLimits
from workers.decoder.process import Answered
from workers.decoder.wire import DecodeClip, DecodePortrait, Frames, Picture, Refused, Request

# A file that could shrink would end this process with SIGBUS; one that could be written would change under its reader.
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def fault_of(answered: Answered, request: Request, limits: DecoderLimits) -> str | None:
    """What is wrong with an answer, in a word; None where it holds."""
    answer, descriptor = answered
    if isinstance(answer, Refused):
        return "descriptor" if descriptor is not None else None
    if isinstance(answer, Frames) and isinstance(request, DecodeClip):
        shape = (len(answer.at_s), answer.height * 3 // 2, answer.width)
        fault = _frames_fault(answer, limits)
    elif isinstance(answer, Picture) and isinstance(request, DecodePortrait):
        shape = (answer.height, answer.width, 3)
        fault = "pixels" if max(answer.height, answer.width) > limits.portrait_side_px_max else None
    else:
        return "kind"
    return fault or _file_fault(descriptor, prod(shape))


def mapped(descriptor: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The file's bytes as a read-only array, without a copy. Closes the descriptor; the memory goes with the array."""
    try:
        memory = mmap.mmap(descriptor, prod(shape), flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    finally:
        os.close(descriptor)
    return np.frombuffer(memory, np.uint8).reshape(shape)


def _frames_fault(answer: Frames, limits: DecoderLimits) -> str | None:
    if answer.height % 2 or answer.width % 2 or answer.height * answer.width > limits.clip_pixels_max:
        return "pixels"
    if answer.at_s[0] != 0 or not all(earlier < later for earlier, later in pairwise(answer.at_s)):
        return "times"
    if not answer.at_s[-1] <= answer.duration_s <= limits.clip_s_max or answer.frames_decoded < len(answer.at_s):
        return "times"
    return None


def _file_fault(descriptor: int | None, size_bytes: int) -> str | None:
    if descriptor is None:
        return "descriptor"
    try:
        sealed = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & _SEALS == _SEALS
    except OSError:
        return "descriptor"  # not a memory file
    return None if sealed and os.fstat(descriptor).st_size == size_bytes else "file"
