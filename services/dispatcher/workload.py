"""All partitions of this dispatcher, whose turn it is, and what is in flight. Pure: time and records come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from realname.envelope import header, traceparent_of
from realname.messages import RegistrationSubmitted
from realname.stages import StageResult
from realname.verdicts import Evidence, unreadable
from services.dispatcher import outgoing
from services.dispatcher.deadletter import DeadLetterLimit, TooNew, Unreadable, open_submission, parked
from services.dispatcher.deciding import decided_of
from services.dispatcher.fair_queue import FairQueue
from services.dispatcher.known_ids import KnownIds
from services.dispatcher.ledger import Finished, PartitionLedger
from services.dispatcher.offsets import Fitting, Position
from services.dispatcher.overtaken import OvertakenWatch
from services.dispatcher.policies import PolicyBook
from services.dispatcher.records import Arrival, InFlight, Outgoing, Place, Received, Taken

Outcome = Literal["taken", "ignored", "held", "known_id", "parked", "record_too_new", "dead_letters"]


class Took(NamedTuple):
    """What became of a record. label: the operator of one that was taken, the error of one that was parked."""

    outcome: Outcome
    label: str = ""


class Rules(NamedTuple):
    """What the dispatcher was told. started_max: jobs in flight; lookahead_max: records a partition; times in seconds."""

    operators: tuple[str, ...]
    weights: Mapping[str, float]
    partitions: int
    started_max: int
    lookahead_max: int
    challenge_lifetime_s: float
    decide_within_s: float
    dead_letters_max: int


class Batch(NamedTuple):
    """What one transaction holds: for each partition the offsets it completes, the position and the records."""

    fits: Mapping[int, Fitting]
    outgoing: Sequence[Outgoing]

    @property
    def positions(self) -> dict[int, Position]:
        """What to commit, by partition."""
        return {partition: fit.position for partition, fit in self.fits.items()}


class Settled(NamedTuple):
    """A completion that is committed. entries: its result stream entries, to be deleted now."""

    partition: int
    finished: Finished
    entries: list[str]


class Workload:
    """The dispatcher's state machine."""

    def __init__(self, rules: Rules, policies: PolicyBook) -> None:
        """Nothing is assigned yet. policies: what to decide by; events are applied to it as they come."""
        self.rules = rules
        self.policies = policies
        self.ledgers: dict[int, PartitionLedger] = {}
        self.in_flight: dict[Place, InFlight] = {}
        self.starting: dict[Place, Taken] = {}  # popped, not yet known to be sent
        self.newest_at: datetime | None = None  # the newest broker timestamp
        self.halted: str | None = None  # takes nothing more on any partition, and why
        self.unwanted: list[Arrival] = []  # entries to be deleted from their result streams
        self.watch = OvertakenWatch()
        # a poll can bring a few more than asked for
        self._waiting: FairQueue[Taken] = FairQueue(rules.weights, (rules.lookahead_max + 1000) * rules.partitions)
        self._dead_letters = DeadLetterLimit(rules.dead_letters_max)

    def assign(self, positions: Mapping[int, Position]) -> None:
        """These partitions are ours from their committed positions on. Raises MapUnreadable."""
        for partition, position in positions.items():
            known = KnownIds.for_lifetime(self.rules.challenge_lifetime_s)
            self.ledgers[partition] = PartitionLedger.resume(partition, position, known)

    def resume(self, positions: Mapping[int, Position]) -> None:
        """After a failed or doubtful commit: forget all but the ledger, and take everything from there again.

        positions: of all partitions that are ours.
        """
        for partition, position in positions.items():
            self.ledgers[partition] = self.ledgers[partition].resumed(position)
        self.halted = None  # what lies before the record that halted it is taken again, and that record halts it again
        self._forget_jobs(set(positions))

    def drop(self, partitions: Iterable[int]) -> None:
        """They went to another dispatcher."""
        gone = set(partitions)
        for partition in gone:
            self.ledgers.pop(partition, None)
        self._forget_jobs(gone)

    def wants_records(self, partition: int) -> bool:
        """Whether to go on taking records of it."""
        return not self.halted and self.ledgers[partition].wants_records(self.rules.lookahead_max)

    def take(self, record: Received, now: datetime) -> Took:
        """One record that was received."""
        ledger = self.ledgers.get(record.partition)
        if ledger is None or ledger.stopped or self.halted:
            return Took("ignored")
        self.newest_at = record.at if self.newest_at is None else max(self.newest_at, record.at)
        if not ledger.rebuilt:
            ledger.held.append(record)  # also what is complete: passing it over would pass over those held before it
            return Took("held")
        if not ledger.is_new(record.offset):
            return Took("ignored")
        opened = open_submission(record)
        if isinstance(opened, TooNew):
            ledger.stopped = "record_too_new"
            return Took("record_too_new")
        if isinstance(opened, Unreadable):
            return self._park(ledger, record, opened, now)
        return self._accept(ledger, record, opened, now)

    def rebuilt(self, partition: int) -> list[Received]:
        """Its known ids are complete: the records held meanwhile, to be taken now."""
        ledger = self.ledgers[partition]
        ledger.rebuilt = True
        held, ledger.held = ledger.held, []
        return held

    def next_to_start(self) -> list[Taken]:
        """Those to be sent to the first stage now, in fair order; the same again until `started` or `finish`."""
        while len(self.in_flight) + len(self.starting) < self.rules.started_max:
            taken = self._waiting.pop()
            if taken is None:
                break
            if self._is_undecided(taken):  # its result may have come from the last owner's dispatch
                self.starting[taken.place] = taken
        return list(self.starting.values())

    def started(self, jobs: Iterable[InFlight]) -> None:
        """They are with the stages."""
        for job in jobs:
            self.starting.pop(job.taken.place, None)
            if self._is_undecided(job.taken):
                self.in_flight[job.taken.place] = job

    def start_all_again(self) -> int:
        """Redis was lost: everything in flight is to be sent again. Returns how many."""
        again = [job.taken for job in self.in_flight.values()]
        self.starting |= {taken.place: taken for taken in again}
        self.in_flight.clear()
        return len(again)

    def arrive(self, arrival: Arrival, now: datetime) -> None:
        """A result. Its entry is deleted when its offset's completion is committed, or at once where nobody needs it."""
        ledger, result = self.ledgers.get(arrival.partition), arrival.result
        if ledger is None:
            return  # its new owner reads it
        if result is None:
            self.unwanted.append(arrival)
            return
        offset = result.offset
        if offset >= ledger.offsets.next_offset and not ledger.offsets.is_complete(offset):
            ledger.early.setdefault(offset, []).append(arrival)
            return
        taken = ledger.undecided.get(offset)
        if taken is not None and taken.submitted.id == result.id:
            self.finish(taken, Evidence(result.liveness, result.match, result.failure), now, result)
        if offset in ledger.finished:
            ledger.entries.setdefault(offset, []).append(arrival.entry)
        else:  # complete already, or of another Kafka than this one
            self.unwanted.append(arrival)

    def finish(self, taken: Taken, evidence: Evidence, now: datetime, result: StageResult | None = None) -> None:
        """Decide it. What was reported and cannot be written down counts as not measured: else each owner would die of it.

        result: what the evidence came in; None where nothing was measured.
        """
        job = self.in_flight.pop(taken.place, None)
        self.starting.pop(taken.place, None)
        if job is not None and evidence.failure is None:
            self.watch.done(job)
        try:
            self._finish(taken, evidence, now, result)
        except outgoing.Unsealable:
            self._finish(taken, Evidence(failure="processing_failed"), now, None)

    def end_late(self, now: datetime) -> int:
        """Decide what has waited too long as such. Returns how many."""
        late: list[Taken] = []
        for ledger in self.ledgers.values():
            for taken in ledger.undecided.values():  # in the order of offsets, so of broker timestamps
                if taken.deadline_at(self.rules.decide_within_s) > now:
                    break
                late.append(taken)
        for taken in late:
            self.finish(taken, Evidence(failure="deadline"), now)
        return len(late)

    def batch(self) -> Batch | None:
        """What the next transaction holds; None where there is nothing to commit."""
        found = ((partition, ledger.fitting()) for partition, ledger in self.ledgers.items())
        fits = {partition: fit for partition, fit in found if fit is not None}
        finished = (self.ledgers[partition].finished[offset] for partition, fit in fits.items() for offset in fit.offsets)
        records = [record for each in finished for record in each.outgoing]
        return Batch(fits, records) if fits else None

    def settle(self, batch: Batch) -> list[Settled]:
        """The transaction is committed."""
        return [
            Settled(partition, finished, entries)
            for partition, fit in batch.fits.items()
            for finished, entries in self.ledgers[partition].settle(fit)
        ]

    @property
    def is_idle(self) -> bool:
        """Nothing is under decision, waits for its commit or is to be deleted: only a record can bring something to do."""
        if self.in_flight or self.starting or self.unwanted:
            return False
        return not any(ledger.undecided or ledger.finished or ledger.held for ledger in self.ledgers.values())

    def undecided_of(self) -> Counter[str]:
        """Undecided records, by operator."""
        return sum((ledger.undecided_of for ledger in self.ledgers.values()), Counter[str]())

    def _accept(self, ledger: PartitionLedger, record: Received, submitted: RegistrationSubmitted, now: datetime) -> Took:
        ledger.offsets.take(record.offset)
        if ledger.known.is_further(submitted.id, record.offset):
            ledger.finish(record.offset, Finished())
            self._arrive_early(ledger, record.offset, now)
            return Took("known_id")
        ledger.known.remember(submitted.id, offset=record.offset, at_ms=record.at_ms)
        traceparent = traceparent_of(header(record.headers, "traceparent"))
        taken = Taken(record.partition, record.offset, submitted, record.at, traceparent)
        ledger.add(taken)
        if submitted.path == "referee":  # ruled by people; nothing to measure
            self.finish(taken, Evidence(), now)
        self._arrive_early(ledger, record.offset, now)
        if self._is_undecided(taken):
            self._waiting.push(submitted.operator, taken)
        return Took("taken", submitted.operator)

    def _park(self, ledger: PartitionLedger, record: Received, found: Unreadable, now: datetime) -> Took:
        """Its address to registrations.dead; where its key is a registration id, that id is decided, too."""
        if not self._dead_letters.admits((record.partition, record.offset), record.at_ms):
            self.halted = "dead_letters"
            return Took("dead_letters")
        ledger.offsets.take(record.offset)
        records = outgoing.of_parked(parked(record, found.error))
        decided = None
        if found.registration_id is not None and not ledger.known.is_further(found.registration_id, record.offset):
            ledger.known.remember(found.registration_id, offset=record.offset, at_ms=record.at_ms)
            policy = self.policies.live_policy(found.operator)
            decided = unreadable(found.registration_id, operator=found.operator, store=found.store, policy=policy, at=record.at)
            records += outgoing.of_decision(decided, record.partition, operators=self.rules.operators)
        ledger.finish(record.offset, Finished(records, decided))
        self._arrive_early(ledger, record.offset, now)
        return Took("parked", found.error)

    def _finish(self, taken: Taken, evidence: Evidence, now: datetime, result: StageResult | None) -> None:
        decided = decided_of(taken.submitted, evidence, result, self.policies, now=now)
        operators, partition = self.rules.operators, taken.partition
        records = outgoing.of_decision(decided, partition, operators=operators, traceparent=taken.traceparent)
        self.ledgers[partition].finish(taken.offset, Finished(records, decided, taken))

    def _arrive_early(self, ledger: PartitionLedger, offset: int, now: datetime) -> None:
        """The results of the last owner's dispatch, which came before the record; those that nobody needs are deleted, too."""
        for arrival in ledger.early.pop(offset, ()):
            self.arrive(arrival, now)

    def _is_undecided(self, taken: Taken) -> bool:
        ledger = self.ledgers.get(taken.partition)
        return ledger is not None and ledger.undecided.get(taken.offset) is taken

    def _forget_jobs(self, gone: set[int]) -> None:
        self._waiting.keep(lambda taken: taken.partition not in gone)
        self.in_flight = {place: job for place, job in self.in_flight.items() if place[0] not in gone}
        self.starting = {place: taken for place, taken in self.starting.items() if place[0] not in gone}
