"""One run of one stage, from the evidence to what is stored: the only place where a stage meets vault, Redis and metrics.

Every step is safe to repeat, and a repeated one gives the stored answer, never a second one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from realname.errors import BadRecording, EvidenceMissing, Transient
from realname.finite import is_finite
from realname.messages import BlobRef, LivenessReport, MatchReport
from realname.stages import CHIPS_AGAIN_MAX, Failure, Job, LivenessJob, MatchingJob, ShadowMeasured, StageResult
from workers.observing import Outcome
from workers.runtime import Judges, Runtime
from workers.sealed_chips import open_chips, seal_chips, with_chips, without_chips
from workers.shadow import Tried, ended_early, open_tried, passed_over, try_liveness, try_match, with_shadow_chips
from workers.stopwatch import Stopwatch

Send = Callable[[Job], None]  # sends the task of a job; raises Transient

_R = TypeVar("_R", LivenessReport, MatchReport)
_E = TypeVar("_E")


PLAN_TRIES_MAX = 20  # a job whose weights no worker has loaded must not fill the queue for everyone else
TRY_WITHIN_S = 5.0  # of STAGE_DEADLINE_S: a slow run is not made slower
JOIN_WITHIN_S = 5.0  # of STAGE_DEADLINE_S, which both stages share where they run in one task: a slow one is handed on


class PlanNowhere(Exception):
    """No worker that took the job has the weights of its plan: an activation that nobody can carry out."""


class NotFinite(ArithmeticError):
    """A bug: a report holds NaN or infinity, which pass thresholds and do not encode. Its text names no number."""


class Start(NamedTuple):
    """One start of one job. at: Redis TIME; since_s: the same instant on our monotonic clock.

    has_lost: an earlier start of it died with its process.
    """

    token: str
    at: datetime
    since_s: float
    has_lost: bool = False


class Fit(NamedTuple):
    """A clip that liveness found fit to be matched.

    job: without chips. chips, shadow_chips: encoded, not sealed, best first; the candidate's are None where they do not open.
    """

    job: MatchingJob
    chips: Sequence[bytes]
    shadow_chips: Sequence[bytes] | None


def judge(runtime: Runtime, send: Send, job: Job, start: Start, stored: bytes | None) -> Outcome | Fit:
    """Fit: to be matched in this very task, or handed on. stored: the matching message with its chips, where there is one."""

    def run() -> Outcome | Fit:
        if isinstance(job, MatchingJob):
            return _open_and_match(runtime, send, with_chips(job, stored), start)
        found = _judge_liveness(runtime, job, start)
        if isinstance(found, Fit) and not _may_join(runtime, start):
            return hand_on(runtime, send, job, start.token, found)
        return found

    return _ended(runtime, job, run)


def match_fit(runtime: Runtime, fit: Fit, start: Start) -> Outcome:
    """Matching in the task of liveness: no second message, and the chips never leave the process. start: of matching."""
    return _ended(runtime, fit.job, lambda: _match(runtime, fit, start))


def hand_on(runtime: Runtime, send: Send, job: LivenessJob, token: str, fit: Fit) -> Outcome:
    """To the matching queue, with sealed chips; this start of liveness has ended then. Raises Transient."""
    following = with_shadow_chips(runtime, replace(fit.job, chips=seal_chips(fit.chips, job, runtime.keys)), fit.shadow_chips)
    runtime.scratch.keep_next(job, token, following)
    send(without_chips(following))
    return "next"


def _ended(runtime: Runtime, job: Job, run: Callable[[], _E]) -> _E | Outcome:
    try:
        return run()
    except EvidenceMissing:
        return fail(runtime, job, "evidence_missing")
    except PlanNowhere:
        return fail(runtime, job, "processing_failed")


def _may_join(runtime: Runtime, start: Start) -> bool:
    return runtime.joins and runtime.monotonic() - start.since_s < JOIN_WITHIN_S


def _judge_liveness(runtime: Runtime, job: LivenessJob, start: Start) -> Outcome | Fit:
    submitted = job.submitted
    judges, watch = _judges(runtime, job), Stopwatch()  # before the evidence: it may be that no weights are here for it
    clip_bytes = _evidence(runtime, job, submitted.clip, "clip")
    try:
        clip = runtime.decoder.decode_clip(clip_bytes, judges.process_hz)
        with watch.step("duplicates"):
            seen = runtime.duplicates.look(submitted.operator, submitted.id, clip_bytes, clip)
        judged = judges.liveness(clip, submitted.challenge)
    except BadRecording as bad:
        runtime.scratch.finish(_entry(job, liveness=_stamped(runtime, job, LivenessReport(capture=(bad.reason,)), start)))
        return "bad_recording"
    measured = replace(judged.report, seen_before=seen, cpu_ms=judged.report.cpu_ms | watch.cpu_ms)
    report = _stamped(runtime, job, measured, start)
    runtime.observing.liveness(report)
    may_try = _may_try(runtime, job, start)
    tried = try_liveness(runtime, job, clip, seen, decoded_hz=judges.process_hz) if may_try else Tried()
    if report.capture or not judged.chips:
        runtime.scratch.finish(_entry(job, liveness=report, shadow=ended_early(job, tried)))
        return "bad_recording" if report.capture else "result"
    following = MatchingJob(
        submitted=submitted,
        partition=job.partition,
        offset=job.offset,
        deadline_at=job.deadline_at,
        dispatched_at=_now(runtime, start),
        liveness=report,
        chips=(),
        traceparent=job.traceparent,
        plan=job.plan,
        shadow=job.shadow,
        shadow_liveness=tried.liveness,
    )
    return Fit(following, judged.chips, tried.chips)


def _open_and_match(runtime: Runtime, send: Send, job: MatchingJob, start: Start) -> Outcome:
    _must_be_finite(job.liveness)
    try:
        chips = open_chips(job, runtime.keys)
    except EvidenceMissing:
        return _chips_again(runtime, send, job, start)
    return _match(runtime, Fit(without_chips(job), chips, open_tried(runtime, job)), start)


def _match(runtime: Runtime, fit: Fit, start: Start) -> Outcome:
    job = fit.job
    judges = _judges(runtime, job)
    portrait_bytes = _evidence(runtime, job, job.submitted.portrait, "portrait")
    outcome: Outcome = "result"
    shadow = None
    try:
        portrait = runtime.decoder.decode_portrait(portrait_bytes)
        report = judges.match(portrait, fit.chips)
        shadow = try_match(runtime, job, portrait, fit.shadow_chips) if _may_try(runtime, job, start) else passed_over(job)
    except BadRecording as bad:
        report, outcome = MatchReport(portrait=(bad.reason,)), "bad_recording"
    report = _stamped(runtime, job, report, start)
    runtime.observing.match(report)
    runtime.scratch.finish(_entry(job, match=report, shadow=shadow))
    return outcome


def _chips_again(runtime: Runtime, send: Send, job: MatchingJob, start: Start) -> Outcome:
    """Liveness makes new chips. Bounded: chips that never open are a fault of ours, and no verdict."""
    if runtime.scratch.count_try(job.submitted.id, "chips") > CHIPS_AGAIN_MAX:
        return fail(runtime, job, "processing_failed")
    runtime.scratch.drop_next(job.submitted.id)  # else liveness would only send these chips again
    send(
        LivenessJob(
            submitted=job.submitted,
            partition=job.partition,
            offset=job.offset,
            deadline_at=job.deadline_at,
            dispatched_at=_now(runtime, start),
            traceparent=job.traceparent,
            plan=job.plan,
            shadow=job.shadow,
        )
    )
    return "chips_again"


def _judges(runtime: Runtime, job: Job) -> Judges:
    """By the job's plan; where it has none, by our own. Raises Transient, at last PlanNowhere."""
    if job.plan is None:
        return runtime.judges
    try:
        return runtime.judges_with(job.plan)
    except Transient as error:
        if runtime.scratch.count_try(job.submitted.id, "plan") > PLAN_TRIES_MAX:
            raise PlanNowhere from error
        raise


def _may_try(runtime: Runtime, job: Job, start: Start) -> bool:
    """Whether a candidate may be tried in this run: never where it could cost the live part its process or its time.

    One that kills or hangs its process does so to the live part as well: a job that lost a start is tried no more.
    """
    return not (start.has_lost or job.alone) and runtime.monotonic() - start.since_s < TRY_WITHIN_S


def fail(runtime: Runtime, job: Job, failure: Failure) -> Outcome:
    """The entry says why, beside what liveness measured: where that is no measurement, alone."""
    entry = _entry(job, failure=failure)
    if entry.liveness is not None and not is_finite(entry.liveness):
        entry = replace(entry, liveness=None)
    runtime.scratch.finish(entry)
    return failure


def _entry(
    job: Job,
    *,
    liveness: LivenessReport | None = None,
    match: MatchReport | None = None,
    failure: Failure | None = None,
    shadow: ShadowMeasured | None = None,
) -> StageResult:
    """The registration's one entry; the matching stage carries what liveness measured."""
    submitted = job.submitted
    return StageResult(
        id=submitted.id,
        operator=submitted.operator,
        partition=job.partition,
        offset=job.offset,
        liveness=job.liveness if isinstance(job, MatchingJob) else liveness,
        match=match,
        failure=failure,
        plan=job.plan,
        shadow=shadow,
    )


def _evidence(runtime: Runtime, job: Job, blob: BlobRef | None, kind: str) -> bytes:
    if blob is None:
        raise EvidenceMissing("the registration names none")
    submitted = job.submitted
    return runtime.vault.get(blob, operator=submitted.operator, registration_id=submitted.id, kind=kind)


def _stamped(runtime: Runtime, job: Job, report: _R, start: Start) -> _R:
    """Every report passes here on its way out. Raises NotFinite."""
    stamped = replace(report, waited_s=waited_s(job, start.at), ran_s=runtime.monotonic() - start.since_s)
    _must_be_finite(stamped)
    return stamped


def _must_be_finite(report: LivenessReport | MatchReport) -> None:
    if not is_finite(report):
        raise NotFinite(type(report).__name__)


def waited_s(job: Job, at: datetime) -> float:
    """Never negative: the sender's stamp may be some milliseconds ahead."""
    return max(0.0, (at - job.dispatched_at).total_seconds())


def _now(runtime: Runtime, start: Start) -> datetime:
    """Redis TIME now, without asking again."""
    return start.at + timedelta(seconds=runtime.monotonic() - start.since_s)
