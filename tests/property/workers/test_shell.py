"""Whatever dies, is delivered twice or falls silent: one registration, one result, and the same one for ever."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from realname.stages import CHIPS_AGAIN_MAX, Job, decode_result, queue_of
from tests.worker_fakes import AN_HOUR, Memory, Worker, a_liveness_job, a_status
from workers.starts import stage_of


class Died(BaseException):
    """The process is gone in the middle of a stage: no handler of ours sees it."""


class Shell(RuleBasedStateMachine):
    """A broker that delivers at least once, workers that die anywhere, a Redis and a vault that fall silent."""

    joins = False

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.job = a_liveness_job()
        self.queued: list[Job] = [self.job]
        self.processes = 0
        self.worker = self.a_worker()
        self.first_entry: bytes | None = None

    def a_worker(self) -> Worker:
        self.processes += 1
        worker = Worker(self.memory, f"process-{self.processes}", joins=self.joins)
        worker.runtime.scratch.refresh_process()
        return worker

    def deliver(self, which: int) -> None:
        """As Celery does: what is not acknowledged stays."""
        if not self.queued:
            return
        job = self.queued.pop(which % len(self.queued))
        try:
            if not self.worker.run(job):
                self.queued.append(job)
        except Died:
            self.queued.append(job)
            self.worker.die()
            self.queued += self.worker.sent
            self.worker = self.a_worker()
        self.queued += self.worker.sent
        self.worker.sent.clear()

    @rule(which=st.integers(0, 5))
    def a_message_is_delivered(self, which: int) -> None:
        self.deliver(which)

    @rule(which=st.integers(0, 5))
    def a_message_is_delivered_again_later(self, which: int) -> None:
        if self.queued:
            self.queued.append(self.queued[which % len(self.queued)])

    @rule(which=st.integers(0, 5))
    def its_process_dies_while_it_judges(self, which: int) -> None:
        self.worker.judges.error = Died()
        self.deliver(which)
        self.worker.judges.error = None

    @rule(which=st.integers(0, 5))
    def its_process_dies_while_it_matches(self, which: int) -> None:
        self.worker.judges.match_error = Died()
        self.deliver(which)
        self.worker.judges.match_error = None

    @rule(which=st.integers(0, 5))
    def a_bug_strikes_in_matching(self, which: int) -> None:
        self.worker.judges.match_error = RuntimeError("a bug")
        self.deliver(which)
        self.worker.judges.match_error = None

    @rule(which=st.integers(0, 5), call=st.sampled_from(["begin", "end", "finish", "keep_next", "add_again", "count_try"]))
    def redis_falls_silent_for_one_call(self, which: int, call: str) -> None:
        self.worker.scratch.broken = {call}
        self.deliver(which)
        self.worker.scratch.broken = set()

    @rule(which=st.integers(0, 5))
    def the_broker_takes_no_message(self, which: int) -> None:
        self.worker.broker_answers = False
        self.deliver(which)
        self.worker.broker_answers = True

    @rule(which=st.integers(0, 5))
    def a_bug_strikes(self, which: int) -> None:
        self.worker.judges.error = RuntimeError("a bug")
        self.deliver(which)
        self.worker.judges.error = None

    @rule()
    def the_dispatcher_sends_it_again(self) -> None:
        self.queued.append(self.job)

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.memory.now += timedelta(minutes=minutes)

    @invariant()
    def every_entry_is_the_first_one(self) -> None:
        entries = {entry for stream in self.memory.streams.values() for entry in stream}
        assert len(entries) <= 1
        for entry in entries:
            self.first_entry = self.first_entry or entry
            assert entry == self.first_entry
            assert decode_result(entry).id == self.job.submitted.id

    @invariant()
    def a_message_or_a_result_remains(self) -> None:
        assert self.queued or self.first_entry is not None or self.memory.done

    def teardown(self) -> None:
        """Left alone, everything comes to its end."""
        for _ in range(20 * (len(self.queued) + CHIPS_AGAIN_MAX + 1)):
            self.deliver(0)
        assert self.queued == [], [queue_of(stage_of(job), alone=job.alone) for job in self.queued]
        assert self.job.submitted.id in self.memory.done
        begun = self.worker.scratch.begin(self.job, "last", status=a_status(self.job))
        assert begun.at < self.job.deadline_at + 1000 * AN_HOUR
        assert begun.done is not None


class ShellOfOneTask(Shell):
    """The same where matching follows in liveness's own task."""

    joins = True


TestShell = Shell.TestCase
TestShellOfOneTask = ShellOfOneTask.TestCase
TestShell.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestShellOfOneTask.settings = TestShell.settings
