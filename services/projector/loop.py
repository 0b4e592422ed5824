"""The projector's loop: decisions in, statuses out. It remembers nothing: Kafka does, and Redis is scratch.

It starts 24 h back at every start and after every loss of Redis, so no position is committed anywhere: a status is
written only forwards, so writing one again changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from realname.clock import Monotonic
from realname.envelope import open_record
from realname.errors import RecordTooNew, RecordUnreadable, Transient
from realname.messages import RegistrationDecided
from realname.metrics import Metrics
from realname.statuses import TTL_S, Status, status_of
from realname.topics import DECIDED
from services.projector.progress import CatchUp

RECORDS_MAX = 500  # a turn; one Redis pipeline of as many
POLL_S = 0.2  # the longest wait for records; the first one ends it. How late a status can be: GATHER_MS of decisions.py
LOSS_CHECK_S = 1.0  # how often Redis is asked for its epoch while nothing is written
LAG_EVERY_S = 1.0
RETRY_S = 0.5  # between tries while Kafka or Redis does not answer

_log = logging.getLogger(__name__)


class DecisionRecord(NamedTuple):
    """One record of registrations.decided, not yet opened."""

    partition: int
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, Any]]


class Written(NamedTuple):
    """What a write did. epoch: the store that took it; moved: how many statuses moved forwards."""

    epoch: str
    moved: int


class Decisions(Protocol):
    """All partitions of registrations.decided, read committed. Each method raises Transient where Kafka is silent."""

    def rewind(self, age_s: float) -> dict[int, int]:
        """Go to the first record at most age_s older than the newest one; the end of each partition as it is now."""
        ...

    def poll(self, records_max: int, wait_s: float) -> list[DecisionRecord]:
        """The next records, in order within each partition; empty after wait_s."""
        ...

    def positions(self) -> dict[int, int]:
        """The next offset to be read, by partition."""
        ...

    def lags(self) -> dict[int, int]:
        """Records between the position and the end as last heard, by partition."""
        ...

    def stop(self, partition: int, offset: int) -> None:
        """Read no further in this partition than before this offset, until the next rewind."""
        ...


class Statuses(Protocol):
    """The statuses in Redis. Each method raises Transient where Redis does not answer."""

    def epoch(self) -> str:
        """The store's random name, made if it has none: another one than before means that it was lost."""
        ...

    def write(self, statuses: Sequence[Status]) -> Written:
        """Write each where it is a step forwards."""
        ...


class Projector:
    """One process; replicas do the same work twice, which is harmless."""

    def __init__(
        self,
        decisions: Decisions,
        statuses: Statuses,
        metrics: Metrics,
        *,
        now_s: Monotonic,
        pause: Callable[[float], object],
    ) -> None:
        """pause: waits that many seconds, or until the process is to stop."""
        self._decisions = decisions
        self._statuses = statuses
        self._metrics = metrics
        self._now_s = now_s
        self._pause = pause
        self._epoch: str | None = None
        self._catch_up: CatchUp | None = None
        self._unwritten: list[Status] = []
        self._too_new: set[int] = set()
        self._trouble: str | None = "starting"
        self._loss_check_at_s = now_s()
        self._lag_at_s = now_s()

    def problem(self) -> str | None:
        """Why it is not ready, in one word; None when it is."""
        if self._trouble is not None:
            return self._trouble
        if self._too_new:
            return "record_too_new"
        return None if self._catch_up is not None and self._catch_up.is_reached else "catching_up"

    def run_once(self) -> None:
        """One turn: notice a lost Redis, read, write, say how far it is. An outage costs a pause, never a status."""
        try:
            self._notice_loss()
            if self._catch_up is None:
                self._rewind()
            if not self._unwritten:
                self._unwritten = list(self._open(self._decisions.poll(RECORDS_MAX, POLL_S)))
            self._write()
            self._measure()
        except Transient as error:
            if self._trouble != str(error):
                _log.warning("waiting", extra={"cause": str(error)})
            self._trouble = str(error)
            self._pause(RETRY_S)
        else:
            self._trouble = None

    def _notice_loss(self) -> None:
        if self._epoch is not None and self._now_s() < self._loss_check_at_s:
            return
        self._compare(self._statuses.epoch())
        self._loss_check_at_s = self._now_s() + LOSS_CHECK_S

    def _compare(self, epoch: str) -> None:
        if epoch == self._epoch:
            return
        if self._epoch is not None:
            _log.warning("redis lost, replaying", extra={"age_s": TTL_S})
        self._epoch = epoch
        self._catch_up = None

    def _rewind(self) -> None:
        self._unwritten = []
        self._too_new.clear()
        ends = self._decisions.rewind(TTL_S)
        self._catch_up = CatchUp(ends)
        _log.info("replaying", extra={"partitions": len(ends)})

    def _open(self, records: Iterable[DecisionRecord]) -> Iterable[Status]:
        for record in records:
            if record.partition in self._too_new:
                continue
            place = {"partition": record.partition, "offset": record.offset}
            try:
                message = open_record(record.value, record.headers)
            except RecordTooNew:
                _log.exception("partition stopped: upgrade this process", extra=place)
                self._too_new.add(record.partition)
                self._decisions.stop(record.partition, record.offset)
                continue
            except RecordUnreadable:
                _log.exception("record skipped", extra=place)
                continue
            if isinstance(message, RegistrationDecided):
                yield status_of(message)

    def _write(self) -> None:
        if not self._unwritten:
            return
        written = self._statuses.write(self._unwritten)
        self._unwritten = []
        if written.moved:
            self._metrics.count("realname_statuses_written", "decided", by=written.moved)
        self._compare(written.epoch)

    def _measure(self) -> None:
        if self._catch_up is not None and not self._catch_up.is_reached and self._catch_up.look(self._decisions.positions()):
            _log.info("caught up")
        if self._now_s() < self._lag_at_s:
            return
        self._lag_at_s = self._now_s() + LAG_EVERY_S
        self._metrics.gauge("realname_partitions_stopped", len(self._too_new))
        for partition, lag in self._decisions.lags().items():
            self._metrics.gauge("realname_consumer_lag_records", lag, DECIDED, str(partition))
