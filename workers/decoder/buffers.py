"""Where frames come back: memory files that both sides map once and use again and again.

New pages cost: 23 MB of a 4 s clip are 16 ms of CPU in a fresh file, 2 ms in a warm one. Each child has files of its own,
so that one in wrong hands reaches no frame of another. They are sealed against resizing: a file that shrinks would end its
reader with SIGBUS. They have no name, so nothing is left behind, whoever is killed.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
import weakref
from collections import deque
from math import prod

import numpy as np
from numpy.typing import NDArray

BUFFERS = 3  # a child; with one lent to each of the worker's threads two are in use, now and then three

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_KEPT_BYTES = 64 * 1024 * 1024  # what a longer clip took beyond this is given back to the system


class Lender:
    """The parent's side: read-only views of the files, lent as arrays. A file is free again when its last view is gone."""

    def __init__(self, size_bytes: int) -> None:
        """Make the files. They take no memory before they are written to. Raises OSError."""
        self._descriptors: list[int] = []
        self._memories: list[mmap.mmap] = []
        self._lent: dict[int, weakref.ref[NDArray[np.uint8]]] = {}
        self._free: deque[int] = deque()
        for index in range(BUFFERS):
            descriptor = os.memfd_create("frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            self._descriptors.append(descriptor)
            os.ftruncate(descriptor, size_bytes)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
            self._memories.append(mmap.mmap(descriptor, size_bytes, prot=mmap.PROT_READ))
            self._free.append(index)

    def hand_over(self, sock: socket.socket) -> None:
        """Give the files to the child, once."""
        socket.send_fds(sock, [b"\0"], self._descriptors)
        self.forget_descriptors()

    def forget_descriptors(self) -> None:
        """Close what only `hand_over` needs."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    def take(self) -> int:
        """A free file, the one used last if possible: its pages are there. `lend` sees to it that there is one."""
        return self._free.popleft()

    def release(self, index: int) -> None:
        """Take it back unread."""
        self._free.appendleft(index)

    def lend(self, index: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The first bytes of a file as a read-only array. The last free file is never lent: its bytes are copied."""
        whole = np.frombuffer(self._memories[index], np.uint8, count=prod(shape))
        if not self._free:
            copy = whole.reshape(shape).copy()
            copy.flags.writeable = False
            self.release(index)
            return copy
        # Every view of the array, and every view of a view, holds on to `whole`.
        self._lent[index] = weakref.ref(whole, lambda _: self.release(index))
        return whole.reshape(shape)


class Canvas:
    """The child's side of one file."""

    def __init__(self, descriptor: int) -> None:
        """Map it and close the descriptor."""
        size_bytes = os.fstat(descriptor).st_size
        self._memory = mmap.mmap(descriptor, size_bytes)
        os.close(descriptor)
        self._pixels = np.frombuffer(self._memory, np.uint8)
        self._used_bytes = 0

    def fresh(self) -> NDArray[np.uint8]:
        """All its bytes, flat, to draw on; what the drawing before took beyond the usual is given back first."""
        if self._used_bytes > _KEPT_BYTES:
            self._memory.madvise(mmap.MADV_REMOVE, _KEPT_BYTES, len(self._memory) - _KEPT_BYTES)
        self._used_bytes = self._pixels.size  # until `used` knows better
        return self._pixels

    def used(self, size_bytes: int) -> None:
        """How much the last drawing took."""
        self._used_bytes = size_bytes


def receive_canvases(sock: socket.socket) -> list[Canvas]:
    """The child's first act: map what the parent hands over. Raises OSError."""
    _, descriptors, _, _ = socket.recv_fds(sock, 1, BUFFERS)
    return [Canvas(descriptor) for descriptor in descriptors]
