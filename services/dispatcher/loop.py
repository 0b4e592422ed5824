"""The dispatcher's loop: every side effect, in the order in which it happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from realname.activation import PolicyActivated, Refused
from realname.clock import Monotonic
from realname.errors import RealnameError, Transient
from services.dispatcher.kafka import Aborted
from services.dispatcher.meters import Meters
from services.dispatcher.offsets import Position
from services.dispatcher.policies import PolicyBook
from services.dispatcher.ports import Ports
from services.dispatcher.records import Place, Received, Spent
from services.dispatcher.workload import Settled, Workload

log = logging.getLogger("dispatcher")

RECORDS_MAX = 500  # taken in one turn
POLL_S = 0.05  # one turn; results wait at most so long. Each turn asks Redis: shorter ones cost most where little comes
IDLE_S = 0.25  # one turn while there is nothing to do; a record that comes ends it at once
ASK_EVERY_S = 1.0  # Redis, while there is nothing to do: whether it is there, its time, and what lies in its streams
TELL_EVERY_S = 1.0


class Pace(NamedTuple):
    """How often, in seconds."""

    commit_every_s: float
    check_every_s: float


class Broken(RealnameError):
    """A bug: the log has its place."""


class Dispatcher:
    """Takes, starts, collects, decides, commits. Also the source's Listener."""

    def __init__(self, ports: Ports, workload: Workload, *, pace: Pace, meters: Meters, monotonic: Monotonic) -> None:
        """The caller makes the source listen() to it."""
        self.source, self.sink, self.tail, self.stages, self.policies = ports
        self.workload = workload
        self._pace = pace
        self._meters = meters
        self._commit_due = _Due(pace.commit_every_s, monotonic)
        self._check_due = _Due(pace.check_every_s, monotonic)
        self._tell_due = _Due(TELL_EVERY_S, monotonic)
        self._ask_due = _Due(ASK_EVERY_S, monotonic)
        self._settled: list[Settled] = []  # committed, and not yet deleted in Redis
        self._redis_at: datetime | None = None
        self._unready: str | None = "not_joined"
        self._redis_down = False
        self._in_doubt = False  # the last commit failed: only the broker knows where we stand
        self._commit_failed = False  # and none has succeeded since

    def run(self, is_over: Callable[[], bool], beat: Callable[[], None]) -> None:
        """Turn until it is over. A bug ends the process, with its class and place in the log and never its message."""
        while not is_over():
            beat()
            try:
                self.run_once()
            except RealnameError:
                raise
            except Exception as error:
                log.exception("bug")
                raise Broken(type(error).__name__) from None

    def run_once(self) -> None:
        """One turn. Raises LedgerLost, OffsetsMissing, MapUnreadable: the process ends."""
        if self._in_doubt:
            self._read_back()
        for record in self.source.poll(RECORDS_MAX, POLL_S, idle_s=IDLE_S if self._is_idle() else 0.0):
            self._take(record)
        if self._in_doubt:
            return  # a rebalance in poll() wanted a commit, and it failed
        self._read_tails()
        if not self._is_idle() or self._ask_due():
            self._drive_stages()
        self._end_late()
        if self._commit_due():
            self._commit()
        self.source.pause_only({each for each in self.workload.ledgers if not self.workload.wants_records(each)})
        if self._tell_due():
            self._read_policies()
            self._tell()

    def ready(self) -> str | None:
        """None, or why it cannot do its job."""
        return self._unready

    def give_up(self) -> None:
        """Commit nothing more, also not when the partitions are taken away: the process is about to end."""
        self._in_doubt = True

    def assigned(self, positions: Mapping[int, Position]) -> None:
        """Ours from there on."""
        log.info(
            "assigned", extra={"partitions": sorted(positions), "offsets": [positions[each].offset for each in sorted(positions)]}
        )
        self.workload.assign(positions)
        self.stages.read_again(positions)

    def revoked(self, partitions: set[int]) -> None:
        """Commit what is finished, then let go."""
        log.info("revoked", extra={"partitions": sorted(partitions)})
        if not self._in_doubt:
            self._commit()
            self._delete()
        self.lost(partitions)

    def lost(self, partitions: set[int]) -> None:
        """Let go."""
        self.workload.drop(partitions)
        for partition in partitions:
            self.tail.stop(partition)

    def _take(self, record: Received) -> None:
        if self._in_doubt:
            return  # it is read again
        took = self.workload.take(record, max(self._redis_at or record.at, record.at))
        self._meters.took(took)
        if took.outcome == "held" and len(self.workload.ledgers[record.partition].held) == 1:
            since_ms = record.at_ms - self.workload.ledgers[record.partition].known.remember_ms
            self.tail.start(record.partition, since_ms=since_ms)

    def _read_tails(self) -> None:
        """Known ids of partitions that came to us; then the records that were held meanwhile."""
        ids, complete = self.tail.read()
        for each in ids:
            self.workload.ledgers[each.partition].known.remember_decided(each.registration_id, at_ms=each.at_ms)
        for partition in complete:
            for record in self.workload.rebuilt(partition):
                self._take(record)

    def _drive_stages(self) -> None:
        """Redis may be away: then the ledger goes on without it, and nothing is lost."""
        try:
            self._collect()
            starting = self.workload.next_to_start()
            if starting:
                self.workload.started(self.stages.submit(starting))
            if self._check_due():
                self._send_overtaken_again()
            self._redis_down = False
        except Transient:
            if not self._redis_down:
                log.warning("redis does not answer")
            self._redis_down = True

    def _collect(self) -> None:
        now, lost, arrivals = self.stages.collect(self.workload.ledgers, self._spent())
        self._redis_at = now
        if lost:
            count = self.workload.start_all_again()
            self._meters.redis_lost(count)
            log.warning("redis was lost", extra={"started_again": count})
        for arrival in arrivals:
            self.workload.arrive(arrival, now)

    def _send_overtaken_again(self) -> None:
        """Jobs that a Redis lost which lost only a part."""
        jobs = self.workload.in_flight
        marks = self.stages.marks([job.taken for job in jobs.values()])
        self._meters.in_flight(jobs, marks)
        now = self._now()
        suspects = self.workload.watch.suspects(jobs, marks, now.timestamp()) if now else set[Place]()
        found = self.stages.held([jobs[place].taken for place in suspects]) if suspects else set[Place]()
        overtaken = [jobs[place].taken for place in self.workload.watch.overtaken(suspects, found)]
        if overtaken:
            log.warning("overtaken", extra={"jobs": len(overtaken)})
            self.workload.started(self.stages.submit(overtaken, again=True))
            self._meters.redispatched("overtaken", len(overtaken))
        self._meters.queues(*self.stages.queue_lengths())

    def _end_late(self) -> None:
        now = self._now()
        if now is not None:
            self.workload.end_late(now)

    def _commit(self) -> None:
        batch = self.workload.batch()
        if batch is None:
            return
        with self._meters.commit():
            outcome = self.sink.publish(batch.outgoing, batch.positions)
        self._meters.committed(outcome)
        self._commit_failed = isinstance(outcome, Aborted)
        if isinstance(outcome, Aborted):
            log.warning("aborted", extra={"cause": outcome.cause})
            self._in_doubt = True
            return
        settled = self.workload.settle(batch)
        self._meters.decided(settled, self._now())
        self._settled += settled

    def _spent(self) -> Spent:
        """What is to be deleted in Redis, tried once: where it fails, streams are read anew and entries deleted on sight."""
        settled, self._settled = self._settled, []
        unwanted, self.workload.unwanted = self.workload.unwanted, []
        pairs = [(each.partition, each.entries) for each in settled] + [(each.partition, [each.entry]) for each in unwanted]
        return Spent(_by_partition(pairs), [each.finished.decided.id for each in settled if each.finished.decided is not None])

    def _delete(self) -> None:
        """Without waiting for the next look at the streams."""
        spent = self._spent()
        try:
            if spent:
                self.stages.delete(spent)
        except Transient:
            self._redis_down = True

    def _is_idle(self) -> bool:
        return self.workload.is_idle and not self._settled

    def _read_back(self) -> None:
        """After a failed commit: the committed positions, and everything from there again."""
        owned = set(self.workload.ledgers)
        positions = self.source.committed(owned)
        self.workload.resume(positions)
        self.source.seek(positions)
        self.stages.read_again(positions)
        for partition in owned:
            self.tail.stop(partition)
        self._in_doubt = False

    def _read_policies(self) -> None:
        """What was activated since: jobs that are sent from now on carry it. Those under way keep what they were sent with."""
        for event in self.policies.read():
            apply_event(self.workload.policies, event, self._meters)

    def _tell(self) -> None:
        """Gauges, readiness, and admission's counts."""
        owned = self.workload.ledgers
        self._meters.workload(self.workload, {each: self.source.end_of(each) for each in owned})
        stopped = next((ledger.stopped for ledger in owned.values() if ledger.stopped), None)
        troubles = {
            "redis": self._redis_down,
            "policies": self.policies.is_stale(),
            "commit": self._commit_failed,
            "rebuilding": any(ledger.held for ledger in owned.values()),
            "not_joined": not (owned or self.source.has_joined()),
        }
        self._unready = self.workload.halted or stopped or next((word for word, holds in troubles.items() if holds), None)
        try:
            self.stages.tell_undecided({each: ledger.undecided_of for each, ledger in owned.items()})
        except Transient:
            self._redis_down = True

    def _now(self) -> datetime | None:
        """Redis TIME or the newest broker timestamp, never this machine's clock; None before either is known."""
        known = [at for at in (self._redis_at, self.workload.newest_at) if at is not None]
        return max(known, default=None)


def apply_event(book: PolicyBook, event: PolicyActivated, meters: Meters) -> None:
    """Take one event and say what became of it."""
    found = book.apply(event)
    if isinstance(found, Refused):
        meters.policy_event(event.operator, found.cause)
        log.error("policy event refused", extra={"operator": event.operator, "by": event.signer, "cause": found.cause})
        return
    said = found.activation
    meters.policy_event(event.operator, "activated")
    shadow = None if said.shadow is None else said.shadow.policy.version
    live = None if said.live is None else said.live.policy.version
    says = {"operator": said.operator, "sequence": said.sequence, "policy": live, "by": event.signer}
    log.info(
        "policy activated", extra={**says, "profile": said.live and said.live.profile, "shadow": shadow, "share": said.share}
    )


class _Due:
    """True once in a while."""

    def __init__(self, every_s: float, monotonic: Monotonic) -> None:
        self._every_s, self._monotonic = every_s, monotonic
        self._last = monotonic()

    def __call__(self) -> bool:
        now = self._monotonic()
        if now - self._last < self._every_s:
            return False
        self._last = now
        return True


def _by_partition(pairs: Iterable[tuple[int, list[str]]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for partition, entries in pairs:
        if entries:
            found.setdefault(partition, []).extend(entries)
    return found
