"""The system's allocator, told to keep what is freed: for a process that needs the same large buffers again and again."""

from __future__ import annotations

import ctypes
import logging

_log = logging.getLogger(__name__)
# mallopt's numbers, from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_OWN_MAPPING_BYTES = 32 * 1024 * 1024  # the most that glibc takes: blocks below come from the heap
_KEPT_BYTES = 64 * 1024 * 1024  # free memory at the heap's end that is not given back; what lies further down never is
_ARENAS = 2  # where freed memory is kept: in few places, so that the next thread finds it


def keep_freed_memory() -> None:
    """To be called once, before other threads begin. Without glibc it does nothing.

    By itself glibc gives a block of some 100 kB back to the system when it is freed, or not, by what lies beside it. Taken
    anew, each of its pages costs a fault, which is dearer than copying the page. So a process keeps most of what its largest
    peak took (docs/adr/0010).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    values = ((_M_MMAP_THRESHOLD, _OWN_MAPPING_BYTES), (_M_TRIM_THRESHOLD, _KEPT_BYTES), (_M_ARENA_MAX, _ARENAS))
    if mallopt is None or not all(mallopt(number, value) for number, value in values):
        _log.info("the allocator takes no advice: memory may cost more page faults")
