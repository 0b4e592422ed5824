"""What is broken? Anything between any two steps: dispatchers die, partitions move, commits fail or fail to be believed,
Redis forgets or is away, workers repeat, records come twice or cannot be read.
What must still be true? Every registration id is decided exactly once.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from random import Random
from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from realname.activation import SignerKeys
from realname.envelope import seal_record
from realname.ids import mint
from realname.messages import LivenessReport, MatchReport
from realname.metrics import Metrics
from realname.policy import load_policy
from realname.reasons import Reason
from realname.stages import StageResult
from realname.topics import DECIDED, decisions_of
from services.dispatcher.loop import Dispatcher, Pace
from services.dispatcher.meters import Meters
from services.dispatcher.policies import PolicyBook
from services.dispatcher.ports import Ports
from services.dispatcher.workload import Rules, Workload
from tests.builders import a_submission
from tests.fakes.dispatcher import (
    FakeClock,
    FakeKafka,
    FakePolicies,
    FakeRedis,
    FakeSink,
    FakeSource,
    FakeStages,
    FakeTail,
    Killed,
    Trap,
)

PARTITIONS = 2
WITHIN_S = 2700
EXAMPLES = 2000 if os.environ.get("FAULT") == "whole" else 200
RULES = Rules(
    operators=("north", "harbor"),
    weights={"north": 2.0},
    partitions=PARTITIONS,
    started_max=4,
    lookahead_max=12,
    challenge_lifetime_s=600,
    decide_within_s=WITHIN_S,
    dead_letters_max=1000,
)
members = st.integers(0, 1)
partitions = st.integers(0, PARTITIONS - 1)


class Member:
    """A dispatcher and its ports: they die together."""

    def __init__(self, number: int, kafka: FakeKafka, redis: FakeRedis, clock: FakeClock) -> None:
        self.trap = Trap()
        self.source = FakeSource(kafka, number, self.trap)
        self.sink = FakeSink(kafka, number, self.trap)
        stages = FakeStages(redis, self.trap, decide_within_s=WITHIN_S)
        ports = Ports(self.source, self.sink, FakeTail(kafka, self.trap), stages, FakePolicies())
        meters = Meters(Metrics("dispatcher"), RULES.operators, clock.monotonic)
        pace = Pace(commit_every_s=0.05, check_every_s=5.0)
        workload = Workload(RULES, PolicyBook(load_policy("development"), SignerKeys(())))
        self.dispatcher = Dispatcher(ports, workload, pace=pace, meters=meters, monotonic=clock.monotonic)
        self.source.listen(self.dispatcher)


class Ledger(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.kafka = FakeKafka(PARTITIONS, self.clock)
        self.redis = FakeRedis(self.clock)
        self.members = [self.new_member(number) for number in (0, 1)]
        self.kafka.owner = {0: 0, 1: 1}
        self.may_lose_a_part = self.has_lost_a_part = False
        self.place_of: dict[str, int] = {}  # every id that must be decided -> its partition
        self.records: dict[str, tuple[bytes, bytes, list[tuple[str, bytes]]]] = {}

    def new_member(self, number: int) -> Member:
        return Member(number, self.kafka, self.redis, self.clock)

    @initialize(may_lose_a_part=st.booleans())
    def choose(self, *, may_lose_a_part: bool) -> None:
        """Without partial losses nothing may end by its deadline."""
        self.may_lose_a_part = may_lose_a_part

    @rule(partition=partitions, operator=st.sampled_from(["north", "harbor", "stranger"]), is_referee=st.booleans())
    def submit(self, partition: int, operator: str, *, is_referee: bool) -> None:
        identity = mint(self.clock(), os.urandom(10))
        path: Literal["referee", "face"] = "referee" if is_referee else "face"
        record = seal_record(a_submission(identity, operator=operator, path=path), key=identity)
        self.place_of[identity] = partition
        self.records[identity] = (record.key, record.value, record.headers)
        self.kafka.submit(partition, *self.records[identity])

    @rule(choice=st.randoms(use_true_random=False))
    def submit_a_known_id_again(self, choice: Random) -> None:
        if self.records:
            identity = choice.choice(sorted(self.records))
            self.kafka.submit(self.place_of[identity], *self.records[identity])

    @rule(partition=partitions, has_id=st.booleans())
    def submit_something_unreadable(self, partition: int, *, has_id: bool) -> None:
        key = mint(self.clock(), os.urandom(10)) if has_id else "nobody"
        headers = [("ce_type", b"realname.registration.submitted.v1")]
        self.kafka.submit(partition, key.encode(), b"{", headers)
        if has_id:
            self.place_of[key] = partition

    @rule(number=members)
    def turn(self, number: int) -> None:
        self.clock.move(0.06)
        try:
            self.members[number].dispatcher.run_once()
        except Killed:
            self.restart(number)

    @rule(number=members, steps=st.integers(0, 25))
    def arm_a_death(self, number: int, steps: int) -> None:
        self.members[number].trap.steps = steps

    @rule(number=members)
    def kill(self, number: int) -> None:
        self.restart(number)

    @rule(number=members, fate=st.sampled_from(["abort", "doubt"]))
    def fail_the_next_commit(self, number: int, fate: str) -> None:
        self.members[number].sink.fate = fate

    @rule(partition=partitions)
    def hand_over(self, partition: int) -> None:
        old = self.kafka.owner[partition]
        try:
            self.members[old].source.release({partition})
        except Killed:
            self.restart(old)
        self.kafka.give(partition, 1 - old)

    @rule(partition=partitions)
    def take_away_unnoticed(self, partition: int) -> None:
        self.kafka.give(partition, 1 - self.kafka.owner[partition])

    @rule(choice=st.randoms(use_true_random=False), count=st.integers(1, 6), keeps=st.booleans(), fails=st.booleans())
    def work(self, choice: Random, count: int, *, keeps: bool, fails: bool) -> None:
        """Workers finish in any order. keeps: the message stays, as if it were not acknowledged."""
        for _ in range(count):
            if self.redis.queue:
                self.serve(choice.randrange(len(self.redis.queue)), keeps=keeps, fails=fails)

    @rule(choice=st.randoms(use_true_random=False), number=st.sampled_from([math.nan, math.inf]))
    def report_what_cannot_be_written_down(self, choice: Random, number: float) -> None:
        if self.redis.queue:
            job = self.redis.queue.pop(choice.randrange(len(self.redis.queue)))
            report = LivenessReport(pad_live=0.9, quality={"sharpness": number})
            self.redis.add(StageResult(job.submitted.id, job.submitted.operator, job.partition, job.offset, liveness=report))

    @rule(choice=st.randoms(use_true_random=False), turns=st.integers(1, 8))
    def quiet_spell(self, choice: Random, turns: int) -> None:
        for _ in range(turns):
            self.turn(choice.randrange(2))
            self.work(choice, choice.randrange(3), keeps=False, fails=False)

    @rule()
    def wipe_redis(self) -> None:
        self.redis.wipe()

    @rule(turns=st.integers(1, 5), number=members)
    def be_without_redis(self, turns: int, number: int) -> None:
        self.redis.is_down = True
        for _ in range(turns):
            self.turn(number)
        self.redis.is_down = False

    @rule(choice=st.randoms(use_true_random=False))
    def lose_one_queued_job(self, choice: Random) -> None:
        if self.redis.queue and self.may_lose_a_part:
            self.has_lost_a_part = True
            self.redis.queue.pop(choice.randrange(len(self.redis.queue)))

    @rule(by_s=st.sampled_from([1.0, 30.0]))
    def wait(self, by_s: float) -> None:
        """Never as long as a registration may take, all waits together."""
        self.clock.move(by_s)

    @invariant()
    def nothing_is_decided_twice(self) -> None:
        counts = Counter(decision.id for decision in self.kafka.decisions())
        assert not [each for each, count in counts.items() if count > 1]
        assert counts.keys() <= self.place_of.keys()

    def teardown(self) -> None:
        """Peace: everything answers, and time passes until whatever was lost is beyond its deadline."""
        for member in self.members:
            member.trap.steps = None
        for round_ in range(60):
            for number in (0, 1):
                self.turn(number)
            while self.redis.queue:
                self.serve(0, keeps=False, fails=False)
            if round_ == 40 and self.has_lost_a_part:
                self.clock.move(WITHIN_S)
        decisions = self.kafka.decisions()
        assert Counter(decision.id for decision in decisions) == Counter(self.place_of.keys())
        if not self.has_lost_a_part:
            assert not [decision for decision in decisions if Reason.DECIDED_TOO_LATE in decision.reasons]
        self.each_decision_lies_where_it_belongs()
        for partition, log in self.kafka.submitted.items():
            assert self.kafka.positions[partition] == (len(log), "")
        assert not any(self.redis.streams.values()), "a result was left in its stream"
        for member in self.members:
            workload = member.dispatcher.workload
            left = (workload.in_flight, workload.starting, workload.unwanted, workload.undecided_of().total())
            assert not any(left), left

    def each_decision_lies_where_it_belongs(self) -> None:
        internal = self.kafka.decisions(DECIDED)
        for operator in RULES.operators:
            own = [decision for decision in internal if decision.operator == operator]
            assert self.kafka.decisions(decisions_of(operator)) == own
        for topic, partition, record, _ in self.kafka.visible:
            if topic == DECIDED:
                assert self.place_of[record.key.decode()] == partition

    def restart(self, number: int) -> None:
        self.members[number] = self.new_member(number)

    def serve(self, index: int, *, keeps: bool, fails: bool) -> None:
        job = self.redis.queue[index] if keeps else self.redis.queue.pop(index)
        self.redis.add(
            StageResult(
                id=job.submitted.id,
                operator=job.submitted.operator,
                partition=job.partition,
                offset=job.offset,
                liveness=None if fails else LivenessReport(pad_live=0.9),
                match=None if fails else MatchReport(similarity=0.7),
                failure="processing_failed" if fails else None,
            )
        )


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
