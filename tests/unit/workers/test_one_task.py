"""Matching in liveness's own task: one entry as ever, and whatever breaks between the two costs a repetition at most."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bench.stub_runtime import CHIP
from realname.activation import encode_plan
from realname.errors import BadRecording, Transient
from realname.reasons import Reason
from realname.stages import BUGS_MAX, LOST_STARTS_MAX, LivenessJob, MatchingJob, Stage, StageResult, decode_result
from tests.builders import a_blob, a_live_report, a_match, an_activation, an_id
from tests.worker_fakes import FakeJudges, Memory, Worker, a_liveness_job
from workers.stage_runs import JOIN_WITHIN_S

CANDIDATE = encode_plan(replace(an_activation().live, profile="candidate"))


class Died(BaseException):
    """The process is gone."""


def a_worker(memory: Memory | None = None, process: str = "process-1") -> Worker:
    return Worker(memory, process, joins=True)


def entries(worker: Worker) -> list[StageResult]:
    return [decode_result(entry) for stream in worker.memory.streams.values() for entry in stream]


def the_entry(worker: Worker) -> StageResult:
    (entry,) = entries(worker)
    return entry


def starts(worker: Worker) -> list[str]:
    return [token for held in worker.memory.starts.values() for token in held]


def a_job_whose_portrait(word: str) -> LivenessJob:
    return a_liveness_job(submitted={"portrait": a_blob(word, an_id())})


def dies(worker: Worker, job: LivenessJob, *, in_matching: bool) -> None:
    """The worker's process, in the middle of a stage of this job."""
    worker.judges.error, worker.judges.match_error = (None, Died()) if in_matching else (Died(), None)
    with pytest.raises(Died):
        worker.run(job)
    worker.die()


def test_one_task_ends_in_one_entry_with_both_reports_and_sends_nothing():
    worker, job = a_worker(), a_liveness_job()
    assert worker.run(job)
    entry = the_entry(worker)
    assert (entry.id, entry.operator, entry.partition, entry.offset) == (job.submitted.id, "north", 3, 7)
    assert (entry.liveness.pad_live, entry.match.similarity) == (0.97, 0.7)
    assert (worker.sent, worker.memory.next, starts(worker)) == ([], {}, [])


def test_chips_reach_matching_as_liveness_gave_them_and_never_redis():
    worker = a_worker()
    worker.run(a_liveness_job())
    assert worker.judges.chips_seen == [CHIP, CHIP[::-1]]
    assert not any(CHIP in entry for stream in worker.memory.streams.values() for entry in stream)


def test_the_entry_is_the_one_that_two_tasks_would_have_made():
    job, together, apart = a_liveness_job(plan=None), a_worker(), Worker()
    together.run(job)
    apart.run(job)
    apart.run(apart.sent.pop())
    timeless = [
        replace(each, liveness=replace(each.liveness, ran_s=0, cpu_ms={}), match=replace(each.match, ran_s=0, waited_s=0))
        for each in (the_entry(together), the_entry(apart))
    ]
    assert timeless[0] == timeless[1]


def test_both_stages_are_counted_as_ever():
    worker = a_worker()
    worker.run(a_liveness_job())
    assert worker.counted("realname_stage_outcomes_total", stage="liveness", outcome="next") == 1
    assert worker.counted("realname_stage_outcomes_total", stage="matching", outcome="result") == 1
    assert worker.counted("realname_stage_run_seconds_count", stage="matching") == 1
    assert worker.counted("realname_stages_running", stage="matching", operator="north") == 0


def test_a_task_that_comes_again_after_the_entry_adds_the_entry_again_and_measures_nothing():
    worker, job = a_worker(), a_liveness_job()
    worker.run(job)
    assert worker.run(job)
    first, second = worker.memory.streams[3]
    assert first == second
    assert worker.judges.asked == 2, "once each stage"
    assert starts(worker) == []


def test_a_task_that_comes_again_after_its_decision_is_measured_again_for_an_entry_that_nobody_needs():
    worker, job = a_worker(), a_liveness_job()
    worker.run(job)
    worker.memory.done.clear()  # the dispatcher's part, with its commit
    assert worker.run(job)
    assert len(entries(worker)) == 2
    assert worker.judges.asked == 4
    assert starts(worker) == []


@pytest.mark.parametrize("changes", [{"report": a_live_report(capture=(Reason.TOO_DARK,))}, {"chips": ()}])
def test_a_clip_that_is_not_fit_is_not_matched(changes):
    worker = a_worker()
    vars(worker.judges).update(changes)
    assert worker.run(a_liveness_job())
    assert the_entry(worker).match is None
    assert worker.judges.asked == 1


def test_a_process_that_dies_between_the_stages_leaves_nothing_and_both_run_again():
    first, job = a_worker(), a_liveness_job()
    dies(first, job, in_matching=True)
    assert (entries(first), first.memory.next) == ([], {})
    second = a_worker(first.memory, "process-2")
    assert second.run(job)
    assert the_entry(second).match.similarity == 0.7
    assert second.judges.asked == 2
    assert second.counted("realname_lost_starts_total", stage="liveness") == 1
    assert starts(second) == []


def test_a_portrait_that_kills_its_process_is_convicted_alone_like_a_clip():
    memory, job = Memory(), a_liveness_job()
    for number in range(LOST_STARTS_MAX):
        dies(a_worker(memory, f"pool-{number}"), job, in_matching=True)
    pool = a_worker(memory, "pool")
    assert pool.run(job)
    (moved,) = pool.sent
    assert moved.alone
    dies(a_worker(memory, "solo-1"), moved, in_matching=True)
    solo = a_worker(memory, "solo-2")
    assert solo.run(moved)
    assert the_entry(solo).failure == "processing_failed"
    assert solo.judges.asked == 0


def test_a_neighbour_of_a_killer_is_judged_alone_in_one_task():
    memory, job = Memory(), a_liveness_job()
    for number in range(LOST_STARTS_MAX):
        dies(a_worker(memory, f"pool-{number}"), job, in_matching=False)
    worker = a_worker(memory, "pool")
    worker.run(job)
    assert worker.run(worker.sent.pop())
    assert the_entry(worker).match is not None
    assert worker.sent == []


def test_a_portrait_that_is_gone_keeps_what_liveness_measured():
    worker = a_worker()
    assert worker.run(a_job_whose_portrait("gone"))
    entry = the_entry(worker)
    assert (entry.failure, entry.liveness.pad_live) == ("evidence_missing", 0.97)


def test_an_unreadable_portrait_is_reported_beside_what_liveness_measured():
    worker = a_worker()
    assert worker.run(a_job_whose_portrait("unreadable"))
    entry = the_entry(worker)
    assert (entry.match.portrait, entry.liveness.pad_live) == ((Reason.PORTRAIT_UNREADABLE,), 0.97)


def test_a_portrait_that_the_stage_refuses_is_reported_with_its_reason():
    worker = a_worker()
    worker.judges.match_error = BadRecording(Reason.NO_PORTRAIT_FOUND)
    assert worker.run(a_liveness_job())
    assert the_entry(worker).match.portrait == (Reason.NO_PORTRAIT_FOUND,)


@pytest.mark.parametrize("error", [Transient("the vault did not answer"), RuntimeError("a bug")])
def test_matching_that_cannot_be_ended_now_is_handed_on_and_liveness_is_not_measured_again(error):
    worker, job = a_worker(), a_liveness_job()
    worker.judges.match_error = error
    assert worker.run(job)
    (following,) = worker.sent
    assert isinstance(following, MatchingJob)
    assert (following.chips, entries(worker), starts(worker)) == ((), [], [])
    worker.judges.match_error = None
    assert worker.run(following)
    assert the_entry(worker).match.similarity == 0.7
    assert worker.judges.chips_seen == [CHIP, CHIP[::-1]]
    assert worker.judges.asked == 3, "liveness once, matching twice"


def test_a_bug_in_matching_is_tried_as_often_as_ever_and_keeps_what_liveness_measured():
    worker, job = a_worker(), a_liveness_job()
    worker.judges.match_error = RuntimeError("a bug")
    assert worker.run(job)
    following = worker.sent.pop()
    assert [worker.run(following) for _ in range(BUGS_MAX - 1)] == [False] * (BUGS_MAX - 2) + [True]
    entry = the_entry(worker)
    assert (entry.failure, entry.liveness.pad_live) == ("processing_failed", 0.97)


def test_a_bug_in_liveness_is_no_bug_of_matching():
    worker, job = a_worker(), a_liveness_job()
    worker.judges.error = RuntimeError("a bug")
    assert [worker.run(job) for _ in range(BUGS_MAX)] == [False] * (BUGS_MAX - 1) + [True]
    assert the_entry(worker).failure == "processing_failed"
    assert worker.counted("realname_stage_outcomes_total", stage="matching", outcome="bug") == 0


@pytest.mark.parametrize("silent", ["keep_next", "broker"])
def test_matching_that_can_be_neither_ended_nor_handed_on_is_never_acknowledged(silent):
    worker, job = a_worker(), a_liveness_job()
    worker.judges.match_error = Transient("the vault did not answer")
    worker.scratch.broken = {silent}
    worker.broker_answers = silent != "broker"
    assert not worker.run(job)
    assert starts(worker) == []
    worker.scratch.broken, worker.broker_answers, worker.judges.match_error = set(), True, None
    assert worker.run(job)
    while worker.sent:
        assert worker.run(worker.sent.pop())
    assert the_entry(worker).match.similarity == 0.7


def test_a_result_that_redis_does_not_take_is_never_acknowledged():
    worker, job = a_worker(), a_liveness_job()
    worker.scratch.broken = {"finish", "keep_next"}
    assert not worker.run(job)
    worker.scratch.broken = set()
    assert worker.run(job)
    assert len(entries(worker)) == 1


def test_a_slow_liveness_is_handed_on_so_that_both_stay_within_one_stages_time():
    worker = a_worker()
    worker.tick_s = JOIN_WITHIN_S
    assert worker.run(a_liveness_job())
    (following,) = worker.sent
    assert isinstance(following, MatchingJob)
    assert worker.judges.asked == 1


def test_a_job_that_was_handed_on_before_is_sent_again_and_not_measured():
    apart, job = Worker(), a_liveness_job()
    apart.run(job)
    worker = a_worker(apart.memory, "process-2")
    assert worker.run(job)
    assert worker.sent == apart.sent
    assert worker.judges.asked == 0


def test_a_matching_job_of_another_worker_is_served_as_ever():
    apart = Worker()
    apart.run(a_liveness_job())
    worker = a_worker(apart.memory, "process-2")
    assert worker.run(apart.sent.pop())
    assert the_entry(worker).match.similarity == 0.7


def test_a_candidate_is_tried_on_both_stages_of_one_task():
    worker = a_worker()
    candidate = worker.judges_by_plan[CANDIDATE] = FakeJudges(a_live_report(pad_live=0.6), [CHIP], a_match(similarity=0.2))
    worker.run(a_liveness_job(shadow=CANDIDATE))
    shadow = the_entry(worker).shadow
    assert (shadow.liveness.pad_live, shadow.match.similarity, shadow.failure) == (0.6, 0.2, None)
    assert candidate.chips_seen == [CHIP]
    assert worker.judges.chips_seen == [CHIP, CHIP[::-1]]


def test_a_candidate_is_tried_on_neither_stage_of_a_job_that_lost_a_start():
    memory, job = Memory(), a_liveness_job(shadow=CANDIDATE)
    dies(a_worker(memory), job, in_matching=True)
    worker = a_worker(memory, "process-2")
    worker.run(job)
    shadow = the_entry(worker).shadow
    assert (shadow.liveness, shadow.match, shadow.failure) == (None, None, "passed_over")


def test_a_candidates_chips_are_handed_on_sealed():
    worker = a_worker()
    worker.judges_by_plan[CANDIDATE] = FakeJudges(a_live_report(pad_live=0.6), [CHIP], a_match(similarity=0.2))
    worker.judges.match_error = Transient("silent")
    worker.run(a_liveness_job(shadow=CANDIDATE))
    (stored,) = worker.memory.next.values()
    assert CHIP not in stored
    worker.judges.match_error = None
    worker.run(worker.sent.pop())
    assert the_entry(worker).shadow.match.similarity == 0.2


def test_a_match_report_with_what_is_no_number_goes_nowhere():
    worker = a_worker()
    worker.judges.matched = a_match(similarity=float("nan"))
    worker.run(a_liveness_job())
    assert entries(worker) == []
    assert worker.counted("realname_stage_outcomes_total", stage=Stage.MATCHING.value, outcome="bug") == 1
