"""What the dispatcher tells Prometheus. Operators that are not ours share one label: labels come from closed sets."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from datetime import datetime

from realname.clock import Monotonic
from realname.metrics import Metrics
from realname.topics import SUBMITTED
from services.dispatcher.deadletter import UNKNOWN
from services.dispatcher.kafka import Committed, Outcome
from services.dispatcher.overtaken import Mark
from services.dispatcher.records import InFlight, Place
from services.dispatcher.workload import Settled, Took, Workload


class Meters:
    """One method for each thing that happens."""

    def __init__(self, metrics: Metrics, operators: Collection[str], monotonic: Monotonic) -> None:
        """operators: those that may be a label."""
        self._metrics = metrics
        self._operators = frozenset(operators)
        self._monotonic = monotonic

    def took(self, took: Took) -> None:
        """A record came."""
        if took.outcome == "taken":
            self._metrics.count("realname_records_taken", self._label(took.label))
        elif took.outcome == "parked":
            self._metrics.count("realname_dead_letters", took.label)
        elif took.outcome in {"known_id", "ignored"}:
            self._metrics.count("realname_records_dropped", took.outcome)

    @contextlib.contextmanager
    def commit(self) -> Generator[None]:
        """Around one transaction."""
        began = self._monotonic()
        yield
        self._metrics.observe("realname_commit_seconds", self._monotonic() - began)

    def committed(self, outcome: Outcome) -> None:
        """A transaction ended."""
        self._metrics.count("realname_commits", "committed" if isinstance(outcome, Committed) else "aborted")

    def decided(self, settled: Sequence[Settled], now: datetime | None) -> None:
        """Completions were committed."""
        decided = [each.finished for each in settled if each.finished.decided is not None]
        for finished in decided:
            assert finished.decided is not None
            operator = self._label(finished.decided.operator)
            self._metrics.count("realname_decisions", operator, finished.decided.verdict, finished.decided.reasons[0].value)
            if finished.decided.shadow is not None:
                self._metrics.count(
                    "realname_shadow_decisions", operator, finished.decided.verdict, finished.decided.shadow.verdict
                )
            if finished.taken is not None and now is not None:
                age_s = max(0.0, (now - finished.taken.at).total_seconds())
                self._metrics.observe("realname_decision_seconds", age_s, operator)
        if decided:
            self._metrics.observe("realname_commit_decisions", len(decided))

    def policy_event(self, operator: str, outcome: str) -> None:
        """An event of policies.activated was read. outcome: activated, or why it does not hold."""
        self._metrics.count("realname_policy_events", self._label(operator), outcome)

    def redis_lost(self, started_again: int) -> None:
        """Redis came back empty."""
        self._metrics.count("realname_redis_losses")
        self.redispatched("redis_lost", started_again)

    def redispatched(self, cause: str, count: int) -> None:
        """Jobs are sent again."""
        self._metrics.count("realname_redispatches", cause, by=count)

    def in_flight(self, jobs: Mapping[Place, InFlight], marks: Mapping[Place, Mark]) -> None:
        """Jobs by the stage where each was seen last."""
        counts = Counter(
            (marks[place].stage or "liveness" if place in marks else "liveness", self._label(job.taken.submitted.operator))
            for place, job in jobs.items()
        )
        self._metrics.forget("realname_in_flight_jobs")
        for (stage, operator), count in counts.items():
            self._metrics.gauge("realname_in_flight_jobs", count, stage, operator)

    def queues(self, lengths: Mapping[str, int], unacked: int) -> None:
        """What waits, and what workers hold."""
        for queue, length in lengths.items():
            self._metrics.gauge("realname_queue_length_jobs", length, queue)
        self._metrics.gauge("realname_unacked_jobs", unacked)

    def workload(self, workload: Workload, ends: Mapping[int, int | None]) -> None:
        """The books, once a second."""
        ledgers = workload.ledgers
        self._metrics.gauge("realname_partitions_owned", len(ledgers))
        self._metrics.gauge("realname_partitions_stopped", sum(ledger.stopped is not None for ledger in ledgers.values()))
        self._metrics.gauge("realname_dispatcher_halted", workload.halted is not None)
        self._metrics.gauge("realname_offset_map_chars", max((each.map_chars for each in ledgers.values()), default=0))
        windows = (each.offsets.next_offset - each.offsets.committable for each in ledgers.values())
        self._metrics.gauge("realname_window_records", max(windows, default=0))
        self._metrics.forget("realname_consumer_lag_records")
        for partition, end in ends.items():
            if end is not None:
                lag = max(0, end - ledgers[partition].offsets.next_offset)
                self._metrics.gauge("realname_consumer_lag_records", lag, SUBMITTED, str(partition))
        self._metrics.forget("realname_undecided_records")
        counts = Counter[str]()
        for operator, count in workload.undecided_of().items():
            counts[self._label(operator)] += count
        for operator, count in counts.items():
            self._metrics.gauge("realname_undecided_records", count, operator)

    def _label(self, operator: str) -> str:
        return operator if operator in self._operators else UNKNOWN
