"""A candidate beside the live judgement: it is reported, and whatever it does changes nothing of the live part."""

import pytest
from msgspec.structs import replace

from realname.activation import encode_plan
from realname.errors import BadRecording
from realname.reasons import Reason
from realname.stages import decode_matching, decode_result
from tests.builders import a_live_report, a_match, an_activation
from tests.worker_fakes import FakeJudges, Worker, a_liveness_job
from workers.stage_runs import PLAN_TRIES_MAX


class Died(BaseException):
    """The process is gone."""


PLAN = encode_plan(an_activation().live)
CANDIDATE = encode_plan(replace(an_activation().live, profile="candidate"))


def walked(worker, **plans):
    """The stage result of one registration that both stages have taken."""
    return walked_on(worker, a_liveness_job(**plans))


def walked_on(worker, job):
    """The same of one job."""
    assert worker.run(job)
    while worker.sent:
        assert worker.run(worker.sent.pop())
    [entry] = [entry for stream in worker.memory.streams.values() for entry in stream]
    return decode_result(entry)


@pytest.fixture
def worker():
    made = Worker()
    made.judges_by_plan[CANDIDATE] = FakeJudges(a_live_report(pad_live=0.6), match=a_match(similarity=0.2))
    return made


def test_a_job_without_a_plan_is_judged_by_the_workers_own(worker):
    result = walked(worker)
    assert (result.plan, result.shadow, worker.judges.asked) == (None, None, 2)


def test_a_job_with_a_plan_is_judged_by_it_and_says_so(worker):
    worker.judges_by_plan[PLAN] = FakeJudges(a_live_report(pad_live=0.9))
    result = walked(worker, plan=PLAN)
    assert (result.plan, result.liveness.pad_live, worker.judges.asked) == (PLAN, 0.9, 0)


def test_a_job_whose_weights_are_not_loaded_comes_again_and_not_for_ever(worker):
    job = a_liveness_job(plan=PLAN)
    came_again = 0
    while not worker.run(job):
        came_again += 1
    assert came_again == PLAN_TRIES_MAX
    assert worker.judges.asked == 0
    [entry] = [entry for stream in worker.memory.streams.values() for entry in stream]
    assert decode_result(entry).failure == "processing_failed"


def test_a_job_that_lost_a_start_is_tried_by_no_candidate(worker):
    """The candidate may be what killed its process."""
    job = a_liveness_job(shadow=CANDIDATE)
    worker.judges.error = Died()
    with pytest.raises(Died):
        worker.run(job)
    worker.die()
    again = Worker(worker.memory, "process-2")
    again.judges_by_plan = worker.judges_by_plan
    asked = worker.judges_by_plan[CANDIDATE].asked
    assert walked_on(again, job).shadow.failure == "failed"
    assert worker.judges_by_plan[CANDIDATE].asked == asked


def test_a_candidate_that_wants_more_frames_than_were_decoded_is_not_measured(worker):
    worker.judges_by_plan[CANDIDATE].process_hz = 24.0
    assert walked(worker, shadow=CANDIDATE).shadow.failure == "failed"


def test_a_candidate_is_measured_on_the_same_recording_and_reported_beside_it(worker):
    result = walked(worker, shadow=CANDIDATE)
    assert (result.liveness.pad_live, result.match.similarity) == (0.97, 0.7)
    assert (result.shadow.plan, result.shadow.failure) == (CANDIDATE, None)
    assert (result.shadow.liveness.pad_live, result.shadow.match.similarity) == (0.6, 0.2)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), BadRecording(Reason.CLIP_UNREADABLE), MemoryError()])
def test_a_candidate_that_breaks_leaves_the_live_part_as_it_is(worker, error):
    worker.judges_by_plan[CANDIDATE].error = error
    result = walked(worker, shadow=CANDIDATE)
    assert (result.match.similarity, result.failure) == (0.7, None)
    assert (result.shadow.failure, result.shadow.match) == ("failed", None)


def test_a_candidate_whose_weights_are_nowhere_is_reported_as_failed(worker):
    assert walked(worker, shadow=PLAN).shadow.failure == "failed"


def test_a_candidate_that_reports_no_number_has_failed(worker):
    worker.judges_by_plan[CANDIDATE].report = a_live_report(pad_live=float("nan"))
    assert walked(worker, shadow=CANDIDATE).shadow.failure == "failed"


def test_where_the_live_clip_is_unfit_a_candidate_that_would_match_says_that_it_could_not(worker):
    worker.judges.report = a_live_report(capture=(Reason.TOO_DARK,))
    result = walked(worker, shadow=CANDIDATE)
    assert (result.liveness.capture, result.match) == ((Reason.TOO_DARK,), None)
    assert (result.shadow.failure, result.shadow.liveness.pad_live) == ("not_matched", 0.6)


def test_a_candidate_that_finds_the_clip_unfit_matches_nothing(worker):
    worker.judges_by_plan[CANDIDATE].report = a_live_report(capture=(Reason.BLURRED,))
    worker.judges_by_plan[CANDIDATE].chips = ()
    result = walked(worker, shadow=CANDIDATE)
    assert (result.match.similarity, result.shadow.match, result.shadow.failure) == (0.7, None, None)
    assert result.shadow.liveness.capture == (Reason.BLURRED,)


def test_the_queue_carries_neither_ones_chips(worker):
    assert worker.run(a_liveness_job(shadow=CANDIDATE))
    [queued] = worker.sent
    assert (queued.chips, queued.shadow_chips) == ((), ())
    stored = decode_matching(next(iter(worker.memory.next.values())))
    assert (len(stored.chips), len(stored.shadow_chips)) == (2, 2)
    assert not set(stored.chips) & set(stored.shadow_chips)
