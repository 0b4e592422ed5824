"""CPU of a process and all its descendants, as Linux counts it."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_HZ = os.sysconf("SC_CLK_TCK")
_STATE = 2  # fields after the name in /proc/<pid>/stat, counted from 1 at the pid
_PARENT, _USER, _CHILDREN_SYSTEM = 4, 14, 17


def cpu_s_of(pid: int) -> float:
    """User and system seconds of the process, its living descendants, and the dead ones that they waited for."""
    parents = {each: _fields(each) for each in _pids()}
    wanted, grew = {pid}, True
    while grew:
        more = {each for each, fields in parents.items() if fields and int(fields[_PARENT - _STATE - 1]) in wanted} - wanted
        wanted |= more
        grew = bool(more)
    return sum(_ticks(parents[each]) for each in wanted if parents.get(each)) / _TICKS_HZ


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _fields(pid: int) -> list[str]:
    """From the state on; empty where the process is gone."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _ticks(fields: list[str]) -> int:
    return sum(int(value) for value in fields[_USER - _STATE - 1 : _CHILDREN_SYSTEM - _STATE])
