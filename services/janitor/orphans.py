"""Which stored objects belong to no registration any more. Pure: no vault, no Kafka, no clock.

An orphan is an object older than the orphan limit whose registration never came, or was decided and its media deleted
before this object was stored (the same upload sent twice). An accepted, undecided registration's media must never be
taken for one, however long an outage lasts. That is shown by offsets, not by clocks:

1. The object is listed, old enough for its submission to have come. Whatever submission names it lies below the end of
   its partition of registrations.submitted as read after the listing: remember that end.
2. The dispatchers' committed watermark reached that end: every such submission is decided. Its decision, if there is
   one, lies below the end of the same partition of registrations.decided as read after the watermark. That must be the
   log's end, not the last stable one: the two partitions get a transaction's commit marker one after the other.
3. This janitor has read that partition up to that end: if the decision was there, it is known here.
4. The registration is not pending here: nothing is left that would need the object.

The steps may take several sweeps. Comparing record timestamps with the object's own time would be shorter and would
delete the media of an undecided registration once a clock jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from realname.vault import StoredObject


class LogView(NamedTuple):
    """Offsets by partition, read in this order, after the listing.

    submitted: the end of registrations.submitted. complete: the dispatcher group's committed watermark there.
    decided: the end of registrations.decided (of the log). read: up to where this janitor has read and noted it;
    only partitions that are ours.
    """

    submitted: Mapping[int, int]
    complete: Mapping[int, int]
    decided: Mapping[int, int]
    read: Mapping[int, int]


class Candidate(NamedTuple):
    """An object older than the orphan limit, and its registration's partition."""

    stored: StoredObject
    partition: int


@dataclass(slots=True)
class _Steps:
    submitted_end: int
    decided_end: int | None = None


@dataclass(slots=True)
class OrphanWatch:
    """What is known of each candidate from sweep to sweep."""

    _steps: dict[str, _Steps] = field(default_factory=dict[str, _Steps])

    def judge(self, candidates: Iterable[Candidate], view: LogView, *, is_pending: Callable[[str], bool]) -> list[StoredObject]:
        """Those that are proven orphans. All candidates of the sweep must come: what is not among them is forgotten."""
        steps: dict[str, _Steps] = {}
        orphans: list[StoredObject] = []
        for stored, partition in candidates:
            if partition not in view.read or partition not in view.submitted or is_pending(stored.registration_id):
                continue
            step = self._steps.get(stored.key) or _Steps(view.submitted[partition])
            steps[stored.key] = step
            if step.decided_end is None and view.complete.get(partition, -1) >= step.submitted_end:
                step.decided_end = view.decided[partition]
            if step.decided_end is not None and view.read[partition] >= step.decided_end:
                orphans.append(stored)
        self._steps = steps
        return orphans
