"""CPU and memory of a process and all its descendants, as Linux counts them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_TICKS_HZ = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATE = 2  # fields after the name in /proc/<pid>/stat, counted from 1 at the pid
_PARENT, _USER, _CHILDREN_SYSTEM, _RESIDENT = 4, 14, 17, 24


class Usage(NamedTuple):
    """cpu_s: user and system, with what dead children used that were waited for.

    resident_bytes: pages that several processes share count for each of them.
    """

    cpu_s: float
    resident_bytes: int


def cpu_s_of(pid: int) -> float:
    """User and system seconds of the process, its living descendants, and the dead ones that they waited for."""
    return usage_of({"": pid})[""].cpu_s


def usage_of(pids: Mapping[str, int]) -> dict[str, Usage]:
    """Each named process with its descendants, in one look at /proc; nothing used where it is gone."""
    table = {each: fields for each in _pids() if (fields := _fields(each))}
    children: dict[int, list[int]] = {}
    for pid, fields in table.items():
        children.setdefault(int(fields[_PARENT - _STATE - 1]), []).append(pid)
    return {name: _summed([table[each] for each in _family(pid, children) if each in table]) for name, pid in pids.items()}


def own_usage() -> Usage:
    """This process without its children, whose usage is not its own: a supervisor that it started is one."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Usage(time.process_time(), pages * _PAGE_BYTES)


def _family(pid: int, children: Mapping[int, list[int]]) -> list[int]:
    found = [pid]
    for each in found:  # grows as it is walked
        found += children.get(each, [])
    return found


def _summed(family: list[list[str]]) -> Usage:
    ticks = sum(int(value) for fields in family for value in fields[_USER - _STATE - 1 : _CHILDREN_SYSTEM - _STATE])
    pages = sum(int(fields[_RESIDENT - _STATE - 1]) for fields in family)
    return Usage(ticks / _TICKS_HZ, pages * _PAGE_BYTES)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _fields(pid: int) -> list[str]:
    """From the state on; empty where the process is gone."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
