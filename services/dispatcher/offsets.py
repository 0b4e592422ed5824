"""Which offset may be committed. Pure: no Kafka, no clock, no locks."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.dispatcher import offset_map
from services.dispatcher.offset_map import OffsetBits


class Position(NamedTuple):
    """What is committed for one partition. offset: every record below it is complete; metadata: the map above it."""

    offset: int
    metadata: str = ""


@dataclass(slots=True)
class OffsetTracker:
    """One partition during one assignment. Only offsets that were received count.

    next_offset: the first offset not yet taken.
    incomplete:  taken and not complete, each < next_offset.
    complete_above: complete at or above `committable`; may hold offsets not yet taken again after a restart.
    """

    next_offset: int
    incomplete: set[int] = field(default_factory=set[int])
    complete_above: OffsetBits = field(default_factory=lambda: OffsetBits(0))
    _in_order: deque[int] = field(default_factory=deque[int])  # starts with the lowest incomplete, if any

    @classmethod
    def resume(cls, position: Position) -> OffsetTracker:
        """As committed. Raises MapUnreadable."""
        complete = offset_map.decode(position.metadata, position.offset)
        return cls(next_offset=position.offset, complete_above=OffsetBits.of(complete, position.offset))

    def take(self, offset: int) -> None:
        """Offsets may skip (compaction, transaction markers) but never go back."""
        assert offset >= self.next_offset, (offset, self.next_offset)
        assert offset not in self.complete_above, offset
        self.incomplete.add(offset)
        self._in_order.append(offset)
        self.next_offset = offset + 1

    def pass_over(self, offset: int) -> None:
        """A received record that was complete before the restart."""
        assert offset >= self.next_offset, (offset, self.next_offset)
        self.next_offset = offset + 1
        self.complete_above.cut(self.committable)

    def complete(self, offset: int) -> None:
        """Its completion is committed."""
        self.incomplete.remove(offset)
        self.complete_above.add(offset)
        while self._in_order and self._in_order[0] not in self.incomplete:
            self._in_order.popleft()
        self.complete_above.cut(self.committable)

    def is_complete(self, offset: int) -> bool:
        """Nothing is left to do for it."""
        return offset < self.committable or offset in self.complete_above

    @property
    def committable(self) -> int:
        """The offset to commit: every offset below it is complete. Never beyond what was taken."""
        return self._in_order[0] if self._in_order else self.next_offset

    def position_after(self, finished: Collection[int]) -> Position:
        """What to commit if these were complete as well. Nothing changes here."""
        bits = self.complete_above.copy()
        for offset in finished:
            bits.add(offset)
        left = (offset for offset in self._in_order if offset in self.incomplete and offset not in finished)
        watermark = next(left, self.next_offset)
        return Position(watermark, offset_map.encode(bits, watermark))


class Fitting(NamedTuple):
    """The part of the finished offsets whose completion can be committed now, and the position to commit with it."""

    offsets: tuple[int, ...]
    position: Position


def fitting(tracker: OffsetTracker, finished: Sequence[int], *, chars_max: int = offset_map.CHARS_MAX) -> Fitting | None:
    """The longest of the tried heads of `finished` whose map fits; None where not even the first one does.

    finished: ascending. Lower offsets first, since they move the watermark: once the lowest incomplete offset is among
    them the map becomes shorter, so what does not fit now fits later. Tries all, a half, a quarter...: a map that is
    too long is rare.
    """
    count = len(finished)
    while count:
        head = finished[:count]
        position = tracker.position_after(frozenset(head))
        if len(position.metadata) <= chars_max:
            return Fitting(tuple(head), position)
        count //= 2
    return None
