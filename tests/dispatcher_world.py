"""One dispatcher on a Kafka and a Redis in memory, and what a test does to them."""

from __future__ import annotations

from realname.activation import SignerKeys
from realname.envelope import seal_record
from realname.messages import LivenessReport, MatchReport, RegistrationSubmitted
from realname.metrics import Metrics
from realname.policy import load_policy
from realname.reasons import Reason
from realname.stages import Failure, StageResult
from services.dispatcher.loop import Dispatcher, Pace
from services.dispatcher.meters import Meters
from services.dispatcher.policies import PolicyBook
from services.dispatcher.ports import Ports
from services.dispatcher.workload import Rules, Workload
from tests.builders import a_live_report, a_submission
from tests.fakes.dispatcher import FakeClock, FakeKafka, FakePolicies, FakeRedis, FakeSink, FakeSource, FakeStages, FakeTail, Trap

RULES = Rules(
    operators=("north", "harbor"),
    weights={},
    partitions=2,
    started_max=4,
    lookahead_max=20,
    challenge_lifetime_s=600,
    decide_within_s=2700,
    dead_letters_max=3,
)


class World:
    """One dispatcher at a time on a Kafka and a Redis that stay."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.clock = FakeClock()
        self.kafka = FakeKafka(rules.partitions, self.clock)
        self.kafka.owner = dict.fromkeys(range(rules.partitions), 0)
        self.redis = FakeRedis(self.clock)
        self.metrics = Metrics("dispatcher")
        self.restart()

    def restart(self) -> None:
        self.trap = trap = Trap()
        self.source, self.sink = FakeSource(self.kafka, 0, trap), FakeSink(self.kafka, 0, trap)
        self.tail = FakeTail(self.kafka, trap)
        self.policies = FakePolicies()
        ports = Ports(self.source, self.sink, self.tail, FakeStages(self.redis, trap), self.policies)
        meters = Meters(self.metrics, self.rules.operators, self.clock.monotonic)
        pace = Pace(commit_every_s=0.05, check_every_s=5.0)
        workload = Workload(self.rules, PolicyBook(load_policy("development"), SignerKeys(())))
        self.dispatcher = Dispatcher(ports, workload, pace=pace, meters=meters, monotonic=self.clock.monotonic)
        self.source.listen(self.dispatcher)

    def submit(self, partition: int = 0, **changes) -> RegistrationSubmitted:
        submitted = a_submission(**changes)
        record = seal_record(submitted, key=submitted.id)
        self.kafka.submit(partition, record.key, record.value, record.headers)
        return submitted

    def turn(self, count: int = 2, each_s: float = 0.06) -> None:
        for _ in range(count):
            self.clock.move(each_s)
            self.dispatcher.run_once()

    def measure(
        self,
        registration_id: str,
        *,
        liveness: LivenessReport | None = None,
        match: MatchReport | None = None,
        failure: Failure | None = None,
        keeps: bool = False,
    ) -> None:
        """The stages are done with it."""
        job = next(job for job in self.redis.queue if job.submitted.id == registration_id)
        if not keeps:
            self.redis.queue.remove(job)
        report = None if failure else liveness or a_live_report()
        result = StageResult(
            registration_id, job.submitted.operator, job.partition, job.offset, liveness=report, match=match, failure=failure
        )
        self.redis.add(result)

    def verdicts(self) -> dict[str, tuple[str, Reason]]:
        return {each.id: (each.verdict, each.reasons[0]) for each in self.kafka.decisions()}

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
