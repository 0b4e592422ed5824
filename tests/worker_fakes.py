"""The worker's ports in memory, and a job's builders."""

# ruff: noqa: ARG002 - fakes look at less than their ports offer

from __future__ import annotations

import itertools
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta

from prometheus_client import CollectorRegistry

from bench.stub_runtime import CHIP, StubDecoder, StubDuplicates, StubJudged, StubKeys, StubVault
from realname.errors import Transient
from realname.messages import LivenessReport
from realname.metrics import Metrics
from realname.stages import Job, LivenessJob, MatchingJob, Stage, StageResult, encode_job
from realname.statuses import Status
from tests.builders import NOON, a_blob, a_live_report, a_match, a_submission, an_id
from workers.observing import Observing
from workers.runtime import Runtime
from workers.sealed_chips import seal_chips
from workers.starts import Begun, stage_of
from workers.tasks import Again, perform
from workers.timing import Timing
from workers.vitals import Vitals
from workers.watchdog import Watchdog

AN_HOUR = timedelta(hours=1)


def a_liveness_job(word: str = "clip", **changes) -> LivenessJob:
    """word: the last part of both blobs' keys, see bench/stub_runtime.py."""
    identity = an_id()
    media = {"clip": a_blob(word, identity), "portrait": a_blob(word, identity)}
    submitted = a_submission(identity, **(media | changes.pop("submitted", {})))
    values = {"partition": 3, "offset": 7, "deadline_at": NOON + AN_HOUR, "dispatched_at": NOON}
    return LivenessJob(submitted=submitted, **(values | changes))


def a_matching_job(word: str = "portrait", **changes) -> MatchingJob:
    job = a_liveness_job(word)
    values = {
        "submitted": job.submitted,
        "partition": 3,
        "offset": 7,
        "deadline_at": NOON + AN_HOUR,
        "dispatched_at": NOON,
        "liveness": a_live_report(),
        "chips": seal_chips([CHIP, CHIP[::-1]], job, StubKeys()),
    }
    return MatchingJob(**(values | changes))


def a_status(job: Job, **changes) -> Status:
    submitted = job.submitted
    values = {"id": submitted.id, "operator": submitted.operator, "store": submitted.store, "step": "liveness", "at": NOON}
    return Status(**(values | changes))


class Memory:
    """What Redis would hold, for all processes."""

    def __init__(self) -> None:
        self.now = NOON
        self.alive: set[str] = set()
        self.starts: dict[tuple[str, Stage], dict[str, str]] = defaultdict(dict)
        self.done: dict[str, bytes] = {}
        self.next: dict[str, bytes] = {}
        self.tries: dict[tuple[str, str], int] = defaultdict(int)
        self.streams: dict[int, list[bytes]] = defaultdict(list)
        self.statuses: list[tuple[str, str]] = []


class FakeScratch:
    """The Scratch port of one process. `broken`: the calls that raise Transient."""

    def __init__(self, memory: Memory, process: str = "process-1") -> None:
        self.memory = memory
        self.process = process
        self.broken: set[str] = set()
        self.refresh_process()

    def refresh_process(self) -> None:
        self._answer("refresh_process")
        self.memory.alive.add(self.process)

    def begin(self, job: Job, token: str, *, status) -> Begun:
        self._answer("begin")
        memory, identity = self.memory, job.submitted.id
        memory.alive.add(self.process)
        memory.statuses.append((identity, status.step))
        held = memory.starts[identity, stage_of(job)]
        fresh = [each for each, process in held.items() if process != "lost" and process not in memory.alive]
        held |= dict.fromkeys(fresh, "lost")
        lost = [each.partition(":")[0] for each, process in held.items() if process == "lost"]
        held[self._where(job, token)] = self.process
        return Begun(
            memory.now,
            memory.done.get(identity),
            memory.next.get(identity),
            lost_pool=lost.count("pool"),
            lost_alone=lost.count("alone"),
            newly_lost=len(fresh),
        )

    def end(self, job: Job, token: str) -> None:
        self._answer("end")
        self.memory.starts[job.submitted.id, stage_of(job)].pop(self._where(job, token), None)

    def finish(self, entry: StageResult) -> None:
        self._answer("finish")
        stored = self.memory.done.setdefault(entry.id, encode_job(entry))
        self.memory.streams[entry.partition].append(stored)
        self.memory.next.pop(entry.id, None)
        for stage in Stage:
            self.memory.starts.pop((entry.id, stage), None)
        for key in [key for key in self.memory.tries if key[0] == entry.id]:
            del self.memory.tries[key]

    def add_again(self, partition: int, entry: bytes) -> None:
        self._answer("add_again")
        self.memory.streams[partition].append(entry)

    def keep_next(self, job: Job, token: str, following: MatchingJob) -> None:
        self._answer("keep_next")
        self.memory.next[job.submitted.id] = encode_job(following)
        self.memory.starts[job.submitted.id, stage_of(job)].pop(self._where(job, token), None)

    def drop_next(self, registration_id: str) -> None:
        self._answer("drop_next")
        self.memory.next.pop(registration_id, None)

    def count_try(self, registration_id: str, what: str) -> int:
        self._answer("count_try")
        self.memory.tries[registration_id, what] += 1
        return self.memory.tries[registration_id, what]

    def _answer(self, call: str) -> None:
        if call in self.broken:
            raise Transient("Redis does not answer")

    @staticmethod
    def _where(job: Job, token: str) -> str:
        return f"{'alone' if job.alone else 'pool'}:{token}"


class FakeJudges:
    """Answers what the test says, and counts what it was asked."""

    def __init__(self, report: LivenessReport | None = None, chips=(CHIP, CHIP[::-1]), match=None) -> None:
        self.report = report or a_live_report()
        self.chips = chips
        self.matched = match or a_match()
        self.error: Exception | None = None
        self.match_error: BaseException | None = None
        self.asked = 0
        self.chips_seen: list[bytes] = []

    process_hz = 12.0

    def liveness(self, clip, challenge) -> StubJudged:
        self._ask()
        return StubJudged(self.report, list(self.chips))

    def match(self, portrait, chips):
        self._ask()
        if self.match_error is not None:
            raise self.match_error
        self.chips_seen = list(chips)
        return self.matched

    def _ask(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


class Worker:
    """One process in memory: `run` performs a job and says whether it was acknowledged."""

    def __init__(self, memory: Memory | None = None, process: str = "process-1", *, joins: bool = False) -> None:
        """joins: it serves both queues, and matches in liveness's own task."""
        self.memory = memory or Memory()
        self.scratch = FakeScratch(self.memory, process)
        self.judges = FakeJudges()
        self.judges_by_plan: dict[bytes, FakeJudges] = {}
        self.sent: list[Job] = []
        self.broker_answers = True
        self.pauses: list[float] = []
        self.registry = CollectorRegistry()
        ticks, self.tick_s = itertools.count(), 1.0  # at each look at the clock
        self.runtime = Runtime(
            vault=StubVault(),
            keys=StubKeys(),
            decoder=StubDecoder(),
            judges=self.judges,
            duplicates=StubDuplicates(),
            scratch=self.scratch,
            observing=Observing(Metrics("worker", registry=self.registry)),
            watchdog=Watchdog(20.0),
            vitals=Vitals(),
            judges_with=self._judges_with,
            pause=self.pauses.append,
            timing=Timing(),
            clock=lambda: NOON,
            monotonic=lambda: float(next(ticks)) * self.tick_s,
            joins=joins,
        )

    def _judges_with(self, plan: bytes) -> FakeJudges:
        found = self.judges_by_plan.get(plan)
        if found is None:
            raise Transient("not loaded here")
        return found

    def run(self, job: Job) -> bool:
        return self.run_bytes(stage_of(job), encode_job(job))

    def run_bytes(self, stage: Stage, payload: bytes) -> bool:
        with suppress(Again):
            perform(self.runtime, self._send, stage, payload)
            return True
        return False

    def die(self) -> None:
        """Its starts stay, its key expires."""
        self.memory.alive.discard(self.scratch.process)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def _send(self, job: Job) -> None:
        if not self.broker_answers:
            raise Transient("the broker took no message")
        self.sent.append(job)
