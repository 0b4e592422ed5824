"""Whose turn it is. Pure: start-time fair queueing between operators, first in first out within one.

Source: Goyal, Vin, Chen, "Start-time fair queueing", 1996, with every item of length 1: while two operators both wait,
what they got divided by their weights differs by at most 1/weight + 1/weight; an operator that was idle saves up nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Line(Generic[T]):
    weight: float
    turn_at: float  # virtual time of its next turn
    items: deque[T] = field(default_factory=deque[T])


@dataclass(slots=True)
class FairQueue(Generic[T]):
    """Items of several operators.

    weights: an operator that is not in it weighs 1.
    size_max: the most items it takes; the caller asks `is_full` before.
    """

    weights: Mapping[str, float]
    size_max: int
    _lines: dict[str, _Line[T]] = field(default_factory=dict[str, _Line[T]])
    _virtual: float = 0.0
    _size: int = 0

    def __len__(self) -> int:
        return self._size

    @property
    def is_full(self) -> bool:
        """No more may be pushed."""
        return self._size >= self.size_max

    def push(self, operator: str, item: T) -> None:
        """To the end of its operator's line."""
        assert not self.is_full, self.size_max
        line = self._lines.get(operator)
        if line is None:
            line = self._lines[operator] = _Line(self.weights.get(operator, 1.0), self._virtual)
        if not line.items:
            line.turn_at = max(line.turn_at, self._virtual)
        line.items.append(item)
        self._size += 1

    def pop(self) -> T | None:
        """The next item in fair order, or None."""
        waiting = [(line.turn_at, name) for name, line in self._lines.items() if line.items]
        if not waiting:
            return None
        self._virtual, name = min(waiting)
        line = self._lines[name]
        line.turn_at += 1.0 / line.weight
        self._size -= 1
        return line.items.popleft()

    def keep(self, wanted: Callable[[T], bool]) -> None:
        """Drop the rest: its partition went to another dispatcher, or is read again."""
        for line in self._lines.values():
            line.items = deque(item for item in line.items if wanted(item))
        self._size = sum(len(line.items) for line in self._lines.values())
