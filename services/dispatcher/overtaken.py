"""Which jobs were lost by a Redis that lost only a part. Pure: times come in.

Never by age alone: in an outage the queue is long and every copy makes it longer. A job counts as overtaken when it has no
result, is neither queued nor held by a worker, and either never started while jobs dispatched well after it are done, or
last started longer ago than any redelivery takes. Seen twice in a row: between a worker's pop and its note in `unacked`
a message is in neither for a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from realname.stages import STAGE_DEADLINE_S, VISIBILITY_TIMEOUT_S
from services.dispatcher.records import InFlight, Place

WELL_AFTER_S = 10.0  # dispatched this much later and yet done; a stage that runs longest takes STAGE_DEADLINE_S
REDELIVERED_WITHIN_S = VISIBILITY_TIMEOUT_S + STAGE_DEADLINE_S


class Mark(NamedTuple):
    """What a dispatch marker says. stage: where the job was seen last; started_at_s: Redis TIME of its last start."""

    stage: str | None = None
    started_at_s: float | None = None


@dataclass(slots=True)
class OvertakenWatch:
    """newest_done_s: the latest dispatch time among jobs that are done."""

    newest_done_s: float = 0.0
    _missing: set[Place] = field(default_factory=set[Place])

    def done(self, job: InFlight) -> None:
        """Its result came."""
        self.newest_done_s = max(self.newest_done_s, job.at_s)

    def suspects(self, in_flight: Mapping[Place, InFlight], marks: Mapping[Place, Mark], now_s: float) -> set[Place]:
        """Those worth a look into the queues."""
        return {place for place, job in in_flight.items() if self._is_suspect(job, marks.get(place, Mark()), now_s)}

    def overtaken(self, suspects: AbstractSet[Place], found: AbstractSet[Place]) -> set[Place]:
        """Those that were missing at the last look, too. found: the suspects that are queued or held by a worker."""
        missing = set(suspects - found)
        twice = missing & self._missing
        self._missing = missing - twice
        return twice

    def _is_suspect(self, job: InFlight, mark: Mark, now_s: float) -> bool:
        if mark.started_at_s is not None:
            return now_s - mark.started_at_s > REDELIVERED_WITHIN_S
        return job.at_s < self.newest_done_s - WELL_AFTER_S
