"""The janitor's loop: decisions in, deletions out, then the committed position.

The position follows the deletion, never the other way round: whatever dies in between is deleted again.
Receipts (registrations.erased) come with a later issue: their outbox stands between a deletion and its finish.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from realname.clock import Monotonic
from realname.envelope import open_record
from realname.errors import RecordTooNew, RecordUnreadable, Transient
from realname.messages import RegistrationDecided
from realname.metrics import Metrics
from realname.topics import DECIDED
from services.janitor.orphan_sweep import OrphanSweep
from services.janitor.pending import Cause, Deletion, Pending
from services.janitor.ports import DecisionLog, DecisionRecord, Deletions, Polled
from services.janitor.schedule import Retention, RetentionClock, due_at

RECORDS_MAX = 500  # a turn
PENDING_MAX = 2_000_000  # some 400 bytes each; beyond it no more decisions are read until some are finished
POLL_S = 0.2
COLLECT_S = 0.05
COMMIT_EVERY_S = 1.0
CLOCK_EVERY_S = 5.0
MEASURE_EVERY_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Every:
    """Something that is done no more often than each period_s."""

    period_s: float
    next_s: float = 0.0

    def is_due(self, at_s: float) -> bool:
        """Whether it is time; if so, the next time is set."""
        if at_s < self.next_s:
            return False
        self.next_s = at_s + self.period_s
        return True


class Janitor:
    """One process; several share the partitions of registrations.decided, and the vault by them."""

    def __init__(
        self,
        log: DecisionLog,
        deletions: Deletions,
        orphans: OrphanSweep,
        *,
        tell_time: Callable[[], datetime],
        retention: Retention,
        metrics: Metrics,
        now_s: Monotonic,
    ) -> None:
        """tell_time: Redis TIME; raises Transient."""
        self._log, self._deletions, self._orphans = log, deletions, orphans
        self._tell_time, self._retention, self._metrics, self._now_s = tell_time, retention, metrics, now_s
        self._pending = Pending()
        self._clock = RetentionClock()
        self._committed: dict[int, int] = {}
        self._running = 0
        self._is_busy = False
        self._too_new: set[int] = set()
        self._troubles: dict[str, str] = {"assignment": "starting"}
        self._clock_turn, self._commit_turn = Every(CLOCK_EVERY_S), Every(COMMIT_EVERY_S)
        self._measure_turn = Every(MEASURE_EVERY_S)

    def problem(self) -> str | None:
        """Why it is not ready, in one word; None when it is."""
        troubles = tuple(self._troubles.values())
        return troubles[0] if troubles else ("record_too_new" if self._too_new else None)

    def run_once(self) -> None:
        """One turn. Where a neighbour does not answer, its step is tried again in a later turn; the others go on."""
        self._try("clock", self._hear_time)
        wait_s = 0.0 if self._is_busy else POLL_S
        self._take(self._log.poll(RECORDS_MAX if len(self._pending) < PENDING_MAX else 0, wait_s))
        self._is_busy = self._start_due()
        self._collect(wait_s=COLLECT_S)
        self._try("commit", self._commit)
        self._try("sweep", self._sweep)
        self._measure()

    def finish(self, within_s: float) -> None:
        """Before the process ends: wait for the deletions that run, commit what is done."""
        deadline_s = self._now_s() + within_s
        while self._running and self._now_s() < deadline_s:
            self._collect(wait_s=0.1)
        self._commit_turn.next_s = 0.0
        self._try("commit", self._commit)

    def _try(self, step: str, act: Callable[[], bool]) -> None:
        """act: one step; it returns whether its neighbour was asked and answered."""
        try:
            answered = act()
        except Transient as error:
            if step not in self._troubles:
                _log.warning("waiting", extra={"step": step, "cause": str(error)})
            self._troubles[step] = str(error)
        else:
            if answered:
                self._troubles.pop(step, None)

    def _hear_time(self) -> bool:
        if not self._clock_turn.is_due(self._now_s()):
            return False
        told = self._tell_time()
        believed, was_doubted = self._clock.hear(told, self._now_s()), "jump" in self._troubles
        self._metrics.gauge("realname_clock_doubted", 0 if believed else 1)
        if believed:
            self._troubles.pop("jump", None)
        else:
            self._troubles["jump"] = "clock_jumped"
        if believed == was_doubted:
            _log.log(logging.WARNING if believed else logging.ERROR, "clock believed again" if believed else "clock jumped")
        return True

    def _take(self, polled: Polled) -> None:
        for partition in polled.closed:
            self._pending.close(partition)
            self._committed.pop(partition, None)
            self._too_new.discard(partition)
        for partition in polled.opened:
            self._pending.open(partition)
            self._troubles.pop("assignment", None)
        for record in polled.records:
            if record.partition not in self._too_new:
                self._take_record(record)

    def _take_record(self, record: DecisionRecord) -> None:
        place = {"partition": record.partition, "offset": record.offset}
        try:
            decided = open_record(record.value, record.headers)
        except RecordTooNew:
            _log.exception("partition stopped: upgrade this process", extra=place)
            self._too_new.add(record.partition)
            self._log.stop(record.partition, record.offset)
            return
        except RecordUnreadable:
            # nothing says whose media it is: the orphan sweep finds it, since its registration is decided
            _log.exception("record skipped", extra=place)
            decided = None
        if not isinstance(decided, RegistrationDecided):
            self._pending.take(record.partition, record.offset)
            return
        due = due_at(decided.verdict, record.recorded_at, self._retention)
        cause: Cause = decided.verdict
        self._pending.add(Deletion(record.partition, record.offset, decided.operator, decided.id, cause, due))

    def _start_due(self) -> bool:
        """Whether deletions run: then there may be more to start as soon as one has ended."""
        at_s = self._now_s()
        for deletion in self._pending.take_due(self._clock.now(at_s), at_s, self._deletions.room):
            self._deletions.start(deletion)
            self._running += 1
        for stored in self._orphans.take(self._deletions.room):
            self._deletions.start(stored)
            self._running += 1
        return self._running > 0

    def _collect(self, *, wait_s: float) -> None:
        for job, deleted in self._deletions.finished(wait_s):
            self._running -= 1
            if deleted is None:
                self._troubles["vault"] = "vault_silent"
                if isinstance(job, Deletion):
                    self._pending.fail(job, self._now_s())
                continue
            self._troubles.pop("vault", None)
            if isinstance(job, Deletion):
                self._pending.finish(job)
            if deleted:
                cause: Cause = job.cause if isinstance(job, Deletion) else "orphan"
                self._metrics.count("realname_vault_deletions", cause, by=deleted)

    def _commit(self) -> bool:
        if not self._commit_turn.is_due(self._now_s()):
            return False
        positions = self._pending.committable()
        moved = {partition: offset for partition, offset in positions.items() if self._committed.get(partition) != offset}
        if not moved:
            return False
        try:
            self._log.commit(moved)
        except Transient:
            self._committed.clear()  # which of the earlier ones were refused is not said: all again
            raise
        self._committed |= moved
        return True

    def _sweep(self) -> bool:
        at_s = self._now_s()
        return self._orphans.turn(
            self._clock.now(at_s), at_s, view=self._log.view, owned=self._log.read, is_pending=self._pending.holds
        )

    def _measure(self) -> None:
        if not self._measure_turn.is_due(self._now_s()):
            return
        self._metrics.gauge("realname_deletions_pending", len(self._pending))
        self._metrics.gauge("realname_partitions_stopped", len(self._too_new))
        for partition, lag in self._log.lags().items():
            self._metrics.gauge("realname_consumer_lag_records", lag, DECIDED, str(partition))
