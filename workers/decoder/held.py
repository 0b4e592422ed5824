"""How many decoded clips there may be at once. One takes 23 MB (4 s of 640x480), 400 at most: their number is the memory.

A place is free again when the last view of the clip's pixels is gone, which the garbage collector may notice in the middle of
anything: so places lie in a SimpleQueue, whose `put` may interrupt even its own `get`. A lock here could wait for itself.
"""

from __future__ import annotations

import gc
import queue
import time
import weakref
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from realname.errors import Transient


class Room:
    """For one decoder. Safe for many threads."""

    def __init__(self, clips_max: int | None) -> None:
        """clips_max: None is no bound, for who decodes one clip after the other."""
        self._clips_max = clips_max or 0
        self._free: queue.SimpleQueue[None] | None = None if clips_max is None else queue.SimpleQueue()
        for _ in range(self._clips_max):
            self._give_back()

    @property
    def held(self) -> int:
        """Places taken: by clips, and by who has one decoded now."""
        return 0 if self._free is None else max(0, self._clips_max - self._free.qsize())

    @contextmanager
    def taken(self, *, until_s: float) -> Generator[Place]:
        """A place for one clip, waited for until then (monotonic); given back with the block unless something is kept.

        Raises Transient where none came free.
        """
        if self._free is not None:
            _wait_for(self._free, until_s)
        place = Place(self)
        try:
            yield place
        finally:
            if not place.is_kept:
                self._give_back()

    def give_back_after(self, pixels: NDArray[np.uint8]) -> None:
        """When the array that these pixels are a view of is gone."""
        owner = pixels.base if isinstance(pixels.base, np.ndarray) else pixels
        weakref.finalize(owner, self._give_back).atexit = False

    def _give_back(self) -> None:
        if self._free is not None:
            self._free.put(None)


def _wait_for(free: queue.SimpleQueue[None], until_s: float) -> None:
    """Raises Transient. At last it looks whether a clip is held by nothing but a circle of references, as errors leave them."""
    try:
        free.get(timeout=max(0.0, until_s - time.monotonic()))
    except queue.Empty:
        gc.collect()
        try:
            free.get_nowait()
        except queue.Empty:
            raise Transient("too many clips are decoded and not judged") from None


class Place:
    """One clip's."""

    def __init__(self, room: Room) -> None:
        self.is_kept = False
        self._room = room

    def keep_for(self, pixels: NDArray[np.uint8]) -> None:
        """Until the last view of these pixels is gone, whoever has it."""
        self.is_kept = True
        self._room.give_back_after(pixels)
