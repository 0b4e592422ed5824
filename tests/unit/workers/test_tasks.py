"""The walk of both tasks, on ports in memory: every way that a job can go."""

from __future__ import annotations

from datetime import timedelta
from math import inf, nan

import pytest
from msgspec.structs import replace

from bench.stub_runtime import CHIP
from realname.errors import BadRecording, Transient
from realname.messages import LivenessReport
from realname.reasons import Reason
from realname.stages import (
    BUGS_MAX,
    CHIPS_AGAIN_MAX,
    CHIPS_BYTES_MAX,
    LivenessJob,
    MatchingJob,
    Stage,
    StageResult,
    decode_matching,
    decode_result,
    encode_job,
)
from tests.builders import NOON, a_live_report, a_match
from tests.worker_fakes import AN_HOUR, Memory, Worker, a_liveness_job, a_matching_job, a_status


def entries(worker: Worker, partition: int = 3) -> list[StageResult]:
    return [decode_result(entry) for entry in worker.memory.streams[partition]]


def the_entry(worker: Worker) -> StageResult:
    (entry,) = entries(worker)
    return entry


def starts(worker: Worker) -> list[str]:
    return [token for held in worker.memory.starts.values() for token in held]


def lose_a_start(memory: Memory, job, *, process: str) -> None:
    """A process that notes a start and dies in it."""
    doomed = Worker(memory, process)
    doomed.scratch.begin(job, f"token-of-{process}", status=a_status(job))
    doomed.die()


def stored_of(worker: Worker, job) -> MatchingJob:
    return decode_matching(worker.memory.next[job.submitted.id])


def test_a_live_clip_is_handed_on_to_matching():
    worker, job = Worker(), a_liveness_job()
    assert worker.run(job)
    (following,) = worker.sent
    assert isinstance(following, MatchingJob)
    assert following.liveness.pad_live == a_live_report().pad_live
    assert (following.partition, following.offset, following.deadline_at) == (3, 7, job.deadline_at)
    assert entries(worker) == []
    assert starts(worker) == []


def test_chips_are_sealed_in_the_stored_message_and_absent_from_the_queue():
    worker, job = Worker(), a_liveness_job()
    worker.run(job)
    assert worker.sent[0].chips == ()
    stored = stored_of(worker, job)
    assert len(stored.chips) == 2
    assert not any(CHIP in chip for chip in stored.chips)
    assert replace(stored, chips=()) == worker.sent[0]


def test_matching_opens_the_chips_of_the_stored_message():
    worker = Worker()
    worker.run(a_liveness_job())
    worker.run(worker.sent[0])
    assert worker.judges.chips_seen == [CHIP, CHIP[::-1]]


@pytest.mark.parametrize("stored", [None, b"\xc1"])
def test_a_stored_message_that_is_lost_or_unreadable_is_made_again(stored):
    worker, job = Worker(), a_liveness_job()
    worker.run(job)
    following = worker.sent.pop()
    worker.memory.next.clear()
    if stored is not None:
        worker.memory.next[job.submitted.id] = stored
    assert worker.run(following)
    assert worker.run(worker.sent.pop())
    assert worker.run(worker.sent.pop())
    assert the_entry(worker).match is not None


def test_a_match_ends_in_one_entry_with_both_reports():
    worker, job = Worker(), a_matching_job()
    assert worker.run(job)
    entry = the_entry(worker)
    assert (entry.id, entry.operator, entry.partition, entry.offset) == (job.submitted.id, "north", 3, 7)
    assert entry.liveness == job.liveness
    assert entry.match is not None
    assert entry.match.similarity == 0.7
    assert entry.failure is None
    assert worker.judges.chips_seen == [CHIP, CHIP[::-1]]
    assert starts(worker) == []


def test_a_registration_walks_from_liveness_to_its_entry():
    worker = Worker()
    worker.run(a_liveness_job())
    assert worker.run(worker.sent[0])
    assert the_entry(worker).match is not None
    assert worker.memory.next == {}
    assert [step for _, step in worker.memory.statuses] == ["liveness", "matching"]


def test_reports_say_how_long_they_waited_and_ran():
    worker = Worker()
    worker.memory.now = NOON + timedelta(seconds=4)
    worker.run(a_liveness_job())
    report = worker.sent[0].liveness
    assert report.waited_s == 4.0
    assert report.ran_s > 0


def test_a_sender_whose_clock_is_ahead_does_not_make_the_wait_negative():
    worker = Worker()
    worker.run(a_liveness_job(dispatched_at=NOON + timedelta(seconds=1)))
    assert worker.sent[0].liveness.waited_s == 0.0


def test_a_clip_with_a_capture_fault_ends_without_a_match():
    worker = Worker()
    worker.judges.report = a_live_report(capture=(Reason.TOO_DARK,))
    assert worker.run(a_liveness_job())
    assert worker.sent == []
    assert the_entry(worker).liveness.capture == (Reason.TOO_DARK,)


def test_a_clip_without_chips_ends_without_a_match():
    worker = Worker()
    worker.judges.chips = ()
    assert worker.run(a_liveness_job())
    entry = the_entry(worker)
    assert entry.liveness is not None
    assert entry.match is None
    assert entry.failure is None


def test_an_unreadable_clip_is_reported_with_its_reason():
    worker = Worker()
    assert worker.run(a_liveness_job("unreadable"))
    assert the_entry(worker).liveness.capture == (Reason.CLIP_UNREADABLE,)
    assert worker.judges.asked == 0


def test_an_unreadable_portrait_is_reported_beside_what_liveness_measured():
    worker, job = Worker(), a_matching_job("unreadable")
    assert worker.run(job)
    assert the_entry(worker).match.portrait == (Reason.PORTRAIT_UNREADABLE,)
    assert the_entry(worker).liveness == job.liveness


def test_a_portrait_that_the_stage_refuses_is_reported_with_its_reason():
    worker = Worker()
    worker.judges.error = BadRecording(Reason.NO_PORTRAIT_FOUND)
    assert worker.run(a_matching_job())
    assert the_entry(worker).match.portrait == (Reason.NO_PORTRAIT_FOUND,)


@pytest.mark.parametrize("job", [a_liveness_job("gone"), a_matching_job("gone")])
def test_evidence_that_is_gone_never_becomes_a_verdict(job):
    worker = Worker()
    assert worker.run(job)
    assert the_entry(worker).failure == "evidence_missing"
    assert worker.judges.asked == 0


def test_a_registration_that_names_no_clip_is_missing_evidence():
    worker = Worker()
    assert worker.run(a_liveness_job(submitted={"clip": None}))
    assert the_entry(worker).failure == "evidence_missing"


def test_missing_portraits_keep_what_liveness_measured():
    worker, job = Worker(), a_matching_job("gone")
    worker.run(job)
    assert the_entry(worker).liveness == job.liveness


@pytest.mark.parametrize("job", [a_liveness_job(deadline_at=NOON), a_matching_job(deadline_at=NOON)])
def test_a_start_at_the_deadline_ends_the_job_unjudged(job):
    worker = Worker()
    assert worker.run(job)
    assert the_entry(worker).failure == "deadline"
    assert worker.judges.asked == 0


def test_a_start_just_before_the_deadline_is_judged():
    worker = Worker()
    worker.memory.now = NOON + AN_HOUR - timedelta(milliseconds=1)
    worker.run(a_liveness_job())
    assert worker.judges.asked == 1


def test_a_repeated_match_adds_the_stored_entry_again_and_measures_nothing():
    worker, job = Worker(), a_matching_job()
    worker.run(job)
    assert worker.run(job)
    first, second = worker.memory.streams[3]
    assert first == second
    assert worker.judges.asked == 1
    assert starts(worker) == []


def test_a_repeated_liveness_sends_the_stored_message_again_and_measures_nothing():
    worker, job = Worker(), a_liveness_job()
    worker.run(job)
    assert worker.run(job)
    assert worker.sent[0] == worker.sent[1]
    assert worker.judges.asked == 1
    assert starts(worker) == []


def test_a_liveness_task_that_comes_after_the_entry_adds_the_entry_again():
    worker, job = Worker(), a_liveness_job()
    worker.run(job)
    worker.run(worker.sent[0])
    assert worker.run(job)
    assert len(entries(worker)) == 2
    assert len(worker.sent) == 1


def test_a_done_job_is_answered_even_after_its_deadline():
    worker, job = Worker(), a_matching_job()
    worker.run(job)
    worker.memory.now = NOON + 2 * AN_HOUR
    worker.run(job)
    assert [entry.failure for entry in entries(worker)] == [None, None]


def test_a_result_that_redis_does_not_take_is_never_acknowledged():
    worker, job = Worker(), a_matching_job()
    worker.scratch.broken = {"finish"}
    assert not worker.run(job)
    worker.scratch.broken = set()
    assert worker.run(job)
    assert len(entries(worker)) == 1


@pytest.mark.parametrize("call", ["begin", "keep_next"])
def test_a_redis_that_is_away_costs_a_repetition(call):
    worker, job = Worker(), a_liveness_job()
    worker.scratch.broken = {call}
    assert not worker.run(job)
    assert worker.sent == []
    worker.scratch.broken = set()
    assert worker.run(job)
    assert len(worker.sent) == 1


def test_a_redis_that_is_away_altogether_loses_no_message():
    worker = Worker()
    worker.judges.error = RuntimeError("also a bug")
    worker.scratch.broken = {"end", "finish", "count_try"}
    assert not worker.run(a_liveness_job())


def test_a_matching_message_that_was_not_sent_is_sent_by_the_repetition():
    worker, job = Worker(), a_liveness_job()
    worker.broker_answers = False
    assert not worker.run(job)
    worker.broker_answers = True
    assert worker.run(job)
    assert len(worker.sent) == 1
    assert worker.judges.asked == 1


@pytest.mark.parametrize("job", [a_liveness_job("silent"), a_matching_job("silent")])
def test_a_silent_vault_puts_the_job_back_after_a_short_wait(job):
    worker = Worker()
    assert not worker.run(job)
    assert worker.pauses == [worker.runtime.timing.transient_wait_s]
    assert entries(worker) == []
    assert starts(worker) == []


def test_a_silent_neighbour_is_no_failed_start_however_often():
    worker = Worker()
    worker.judges.error = Transient("the model did not answer")
    job = a_liveness_job()
    assert not any(worker.run(job) for _ in range(10))
    assert entries(worker) == []


@pytest.mark.parametrize("job", [a_liveness_job(), a_matching_job()])
def test_a_bug_is_tried_a_few_times_and_then_ends_without_a_verdict(job):
    worker = Worker()
    worker.judges.error = RuntimeError("a bug")
    assert [worker.run(job) for _ in range(BUGS_MAX)] == [False] * (BUGS_MAX - 1) + [True]
    assert the_entry(worker).failure == "processing_failed"
    assert worker.judges.asked == BUGS_MAX
    assert starts(worker) == []


NOT_NUMBERS = [{"parallax": nan}, {"pad_live": inf}, {"quality": {"sharpness": inf}}, {"turns_deg": (12.0, -inf)}]


@pytest.mark.parametrize("changes", NOT_NUMBERS)
def test_a_liveness_report_with_what_is_no_number_is_a_bug_and_goes_nowhere(changes):
    worker, job = Worker(), a_liveness_job()
    worker.judges.report = a_live_report(**changes)
    assert [worker.run(job) for _ in range(BUGS_MAX)] == [False] * (BUGS_MAX - 1) + [True]
    assert worker.sent == []
    entry = the_entry(worker)
    assert (entry.failure, entry.liveness) == ("processing_failed", None)
    assert worker.counted("realname_stage_outcomes_total", stage="liveness", outcome="bug") == BUGS_MAX - 1
    assert worker.counted("realname_pad_live_score_count", model="unknown") == 0


@pytest.mark.parametrize("changes", [{"similarity": nan}, {"similarities": (0.7, nan)}, {"quality": {"sharpness": inf}}])
def test_a_match_report_with_what_is_no_number_is_a_bug_and_ends_without_a_verdict(changes):
    worker, job = Worker(), a_matching_job()
    worker.judges.matched = a_match(**changes)
    assert [worker.run(job) for _ in range(BUGS_MAX)] == [False] * (BUGS_MAX - 1) + [True]
    entry = the_entry(worker)
    assert (entry.failure, entry.liveness, entry.match) == ("processing_failed", job.liveness, None)


@pytest.mark.parametrize("changes", NOT_NUMBERS)
def test_a_message_that_carries_what_is_no_number_is_not_carried_on(changes):
    worker, job = Worker(), a_matching_job(liveness=a_live_report(**changes))
    assert [worker.run(job) for _ in range(BUGS_MAX)] == [False] * (BUGS_MAX - 1) + [True]
    entry = the_entry(worker)
    assert (entry.failure, entry.liveness, entry.match) == ("processing_failed", None, None)


def test_bugs_of_one_stage_do_not_count_for_the_other():
    worker, job = Worker(), a_liveness_job()
    worker.judges.error = RuntimeError("a bug")
    worker.run(job)
    worker.run(job)
    worker.judges.error = None
    worker.run(job)
    worker.judges.error = RuntimeError("another bug")
    assert not worker.run(worker.sent[0])
    assert entries(worker) == []


def test_a_job_whose_process_died_once_is_tried_again_in_the_pool():
    memory, job = Memory(), a_liveness_job()
    lose_a_start(memory, job, process="first")
    worker = Worker(memory)
    worker.run(job)
    assert isinstance(worker.sent[0], MatchingJob)
    assert worker.counted("realname_lost_starts_total", stage="liveness") == 1


@pytest.mark.parametrize("job", [a_liveness_job(), a_matching_job()])
def test_a_job_whose_process_died_twice_runs_alone(job):
    memory = Memory()
    lose_a_start(memory, job, process="first")
    lose_a_start(memory, job, process="second")
    worker = Worker(memory)
    assert worker.run(job)
    (moved,) = worker.sent
    assert type(moved) is type(job)
    assert moved.alone
    assert worker.judges.asked == 0
    assert worker.counted("realname_lost_starts_total", stage=("liveness" if isinstance(job, LivenessJob) else "matching")) == 1


def test_a_neighbour_of_a_killer_ends_normally_alone():
    memory, job = Memory(), a_liveness_job()
    for process in ("first", "second", "third"):
        lose_a_start(memory, job, process=process)
    worker = Worker(memory)
    worker.run(job)
    worker.run(worker.sent.pop())
    assert isinstance(worker.sent[0], MatchingJob)
    assert not worker.sent[0].alone


@pytest.mark.parametrize("alone", [a_liveness_job(alone=True), a_matching_job(alone=True)])
def test_only_a_start_lost_alone_convicts_a_job(alone):
    memory = Memory()
    lose_a_start(memory, alone, process="solo")
    worker = Worker(memory)
    assert worker.run(alone)
    assert the_entry(worker).failure == "processing_failed"
    assert worker.judges.asked == 0


def test_starts_of_living_processes_are_not_lost():
    memory, job = Memory(), a_liveness_job()
    for process in ("first", "second", "third"):
        Worker(memory, process).scratch.begin(job, process, status=a_status(job))
    worker = Worker(memory)
    worker.run(job)
    assert worker.judges.asked == 1


def test_a_start_that_ended_badly_but_ended_is_not_lost():
    memory, job = Memory(), a_liveness_job("silent")
    for process in ("first", "second", "third"):
        dying = Worker(memory, process)
        dying.run(job)
        dying.die()
    assert Worker(memory).scratch.begin(job, "t", status=a_status(job)).lost_pool == 0


@pytest.mark.parametrize("chips", [(), (b"RN1 nonsense",), a_matching_job().chips])
def test_chips_that_are_missing_or_do_not_open_are_made_again(chips):
    worker, job = Worker(), a_matching_job(chips=chips)
    worker.memory.next[job.submitted.id] = encode_job(job)
    assert worker.run(job)
    (again,) = worker.sent
    assert isinstance(again, LivenessJob)
    assert again.submitted == job.submitted
    assert worker.memory.next == {}, "liveness would only send these chips again"
    assert entries(worker) == []


def test_chips_that_never_open_end_without_a_verdict():
    worker, job = Worker(), a_matching_job(chips=())
    assert all(worker.run(job) for _ in range(CHIPS_AGAIN_MAX + 1))
    assert len(worker.sent) == CHIPS_AGAIN_MAX
    assert the_entry(worker).failure == "processing_failed"


def test_as_many_of_the_best_chips_travel_as_fit():
    worker = Worker()
    worker.judges.chips = [bytes(30_000)] * 5
    job = a_liveness_job()
    worker.run(job)
    chips = decode_matching(worker.memory.next[job.submitted.id]).chips
    assert len(chips) == 2
    assert sum(map(len, chips)) <= CHIPS_BYTES_MAX


def test_a_message_that_does_not_decode_is_dropped_and_counted():
    worker = Worker()
    assert worker.run_bytes(Stage.LIVENESS, b"\xc1")
    assert worker.counted("realname_stage_outcomes_total", stage="liveness", outcome="unreadable") == 1


def test_a_matching_message_in_the_liveness_task_is_dropped():
    worker = Worker()
    assert worker.run_bytes(Stage.LIVENESS, encode_job(a_matching_job()))
    assert worker.judges.asked == 0


def test_every_outcome_is_counted_and_nothing_stays_running():
    worker = Worker()
    worker.run(a_liveness_job())
    worker.run(worker.sent[0])
    worker.run(a_liveness_job("silent"))
    for stage, outcome in (("liveness", "next"), ("matching", "result"), ("liveness", "transient")):
        assert worker.counted("realname_stage_outcomes_total", stage=stage, outcome=outcome) == 1
    assert worker.counted("realname_stages_running", stage="liveness", operator="north") == 0
    assert worker.counted("realname_stage_run_seconds_count", stage="liveness") == 2
    assert worker.counted("realname_stage_wait_seconds_count", stage="matching") == 1


def test_scores_quality_and_steps_are_observed():
    worker = Worker()
    worker.judges.report = LivenessReport(
        pad_live=0.9, models={"spoof": "s:1"}, cpu_ms={"landmarks": 12.0}, quality={"luminance_mean": 120.0, "sharpness": 80.0}
    )
    worker.run(a_liveness_job())
    assert worker.counted("realname_pad_live_score_sum", model="s:1") == 0.9
    assert worker.counted("realname_stage_step_cpu_seconds_sum", stage="liveness", step="landmarks") == pytest.approx(0.012)
    assert worker.counted("realname_quality_luminance_mean_sum", source="clip") == 120.0
