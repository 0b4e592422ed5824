"""When the projector has caught up. Pure: no Kafka, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class CatchUp:
    """One replay: from where it started to the end of each partition as it was then.

    ends: by partition, the offset after the last stable record at the start of the replay.
    Once reached it stays so: what comes later is lag, and lag does not take readiness away.
    """

    ends: Mapping[int, int]
    is_reached: bool = False

    def look(self, positions: Mapping[int, int]) -> bool:
        """Whether every partition has been read up to its end. A partition without a position has not."""
        if not self.is_reached:
            self.is_reached = all(positions.get(partition, -1) >= end for partition, end in self.ends.items())
        return self.is_reached
