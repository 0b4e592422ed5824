"""The two tasks, from a message to its end: the only place where a stage meets vault, Redis and metrics.

A task that returns may be acknowledged: what it achieved is stored. One that raises Again comes again.
Every step is safe to repeat, and a repeated one gives the stored answer, never a second one.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from realname.errors import BadRecording, EvidenceMissing, RecordUnreadable, Transient
from realname.finite import is_finite
from realname.messages import BlobRef, LivenessReport, MatchReport
from realname.stages import (
    BUGS_MAX,
    CHIPS_AGAIN_MAX,
    Failure,
    Job,
    LivenessJob,
    MatchingJob,
    Stage,
    StageResult,
    decode_liveness,
    decode_matching,
)
from realname.statuses import Status
from workers.observing import Outcome
from workers.runtime import Runtime
from workers.sealed_chips import open_chips, seal_chips, with_chips, without_chips
from workers.starts import Begun, course_of, stage_of

Send = Callable[[Job], None]  # sends the task of a job; raises Transient

_R = TypeVar("_R", LivenessReport, MatchReport)

_LOG = logging.getLogger(__name__)
_COMES_AGAIN: frozenset[Outcome] = frozenset({"transient", "bug"})
_ENDED: frozenset[Outcome] = frozenset({"next", "result", "bad_recording", "evidence_missing", "deadline", "processing_failed"})


class Again(Exception):
    """Nothing is lost and nothing is stored: put the message back. Its text is a closed word."""


class NotFinite(ArithmeticError):
    """A bug: a report holds NaN or infinity, which pass thresholds and do not encode. Its text names no number."""


class _Start(NamedTuple):
    """One start of one job. at: Redis TIME; since_s: the same instant on our monotonic clock."""

    token: str
    at: datetime
    since_s: float


def perform(runtime: Runtime, send: Send, stage: Stage, payload: bytes) -> None:
    """One task. Raises Again."""
    try:
        job: Job = decode_liveness(payload) if stage is Stage.LIVENESS else decode_matching(payload)
    except RecordUnreadable:
        # Nobody can say whose it is. The dispatcher misses it and sends it again, until its deadline.
        _LOG.error("job_unreadable", extra={"stage": stage.value})
        runtime.observing.ended(stage, "unreadable")
        return
    with runtime.observing.running(stage, job.submitted.operator), runtime.watchdog.watching(stage):
        outcome = _guarded(runtime, send, job)
    runtime.observing.ended(stage, outcome)
    if outcome in _COMES_AGAIN:
        runtime.pause(runtime.timing.transient_wait_s)  # else a vault that is away would turn the queue in circles
        raise Again(outcome)


def _guarded(runtime: Runtime, send: Send, job: Job) -> Outcome:
    """The job's outcome, whatever happens. A start that was not lost is ended."""
    token = secrets.token_hex(8)
    try:
        outcome = _course(runtime, send, job, token)
    except Transient as error:
        _LOG.warning("neighbour_silent", extra={"stage": stage_of(job).value, "id": job.submitted.id, "cause": str(error)})
        outcome = "transient"
    except Exception:  # noqa: BLE001 - the one place: a bug must cost one registration, not the worker
        _LOG.exception("stage_failed", extra={"stage": stage_of(job).value, "id": job.submitted.id})
        outcome = _count_bug(runtime, job)
    if outcome not in _ENDED:
        _end(runtime, job, token)
    return outcome


def _course(runtime: Runtime, send: Send, job: Job, token: str) -> Outcome:
    since_s = runtime.monotonic()
    begun = runtime.scratch.begin(job, token, status=_status_of(runtime, job))
    start = _Start(token, begun.at, since_s)
    runtime.observing.started(stage_of(job), waited_s=_waited_s(job, begun.at), newly_lost=begun.newly_lost)
    match course_of(begun, job):
        case "add_again" | "send_again":
            return _repeat(runtime, send, job, begun)
        case "too_late":
            return _fail(runtime, job, "deadline")
        case "give_up":
            return _fail(runtime, job, "processing_failed")
        case "move_alone":
            send(replace(job, alone=True))
            return "moved_alone"
        case "judge":
            return _judge(runtime, send, job, start, begun.next)


def _judge(runtime: Runtime, send: Send, job: Job, start: _Start, stored: bytes | None) -> Outcome:
    """stored: the matching message with its chips, where there is one."""
    try:
        if isinstance(job, LivenessJob):
            return _judge_liveness(runtime, send, job, start)
        return _judge_matching(runtime, send, with_chips(job, stored), start)
    except EvidenceMissing:
        return _fail(runtime, job, "evidence_missing")


def _judge_liveness(runtime: Runtime, send: Send, job: LivenessJob, start: _Start) -> Outcome:
    submitted = job.submitted
    clip_bytes = _evidence(runtime, job, submitted.clip, "clip")
    try:
        clip = runtime.decoder.decode_clip(clip_bytes, runtime.process_hz)
        judged = runtime.judges.liveness(clip, submitted.challenge)
    except BadRecording as bad:
        runtime.scratch.finish(_entry(job, liveness=_stamped(runtime, job, LivenessReport(capture=(bad.reason,)), start)))
        return "bad_recording"
    report = _stamped(runtime, job, judged.report, start)
    runtime.observing.liveness(report)
    if report.capture or not judged.chips:
        runtime.scratch.finish(_entry(job, liveness=report))
        return "bad_recording" if report.capture else "result"
    following = MatchingJob(
        submitted=submitted,
        partition=job.partition,
        offset=job.offset,
        deadline_at=job.deadline_at,
        dispatched_at=_now(runtime, start),
        liveness=report,
        chips=seal_chips(judged.chips, job, runtime.keys),
        traceparent=job.traceparent,
    )
    runtime.scratch.keep_next(job, start.token, following)
    send(without_chips(following))
    return "next"


def _judge_matching(runtime: Runtime, send: Send, job: MatchingJob, start: _Start) -> Outcome:
    _must_be_finite(job.liveness)
    try:
        chips = open_chips(job, runtime.keys)
    except EvidenceMissing:
        return _chips_again(runtime, send, job, start)
    portrait_bytes = _evidence(runtime, job, job.submitted.portrait, "portrait")
    outcome: Outcome = "result"
    try:
        portrait = runtime.decoder.decode_portrait(portrait_bytes)
        report = runtime.judges.match(portrait, chips)
    except BadRecording as bad:
        report, outcome = MatchReport(portrait=(bad.reason,)), "bad_recording"
    report = _stamped(runtime, job, report, start)
    runtime.observing.match(report)
    runtime.scratch.finish(_entry(job, match=report))
    return outcome


def _repeat(runtime: Runtime, send: Send, job: Job, begun: Begun) -> Outcome:
    """What was already achieved, once more: the first time may have been lost on the way."""
    if begun.done is not None:
        runtime.scratch.add_again(job.partition, begun.done)
    elif begun.next is not None:
        send(without_chips(decode_matching(begun.next)))
    return "repeated"


def _chips_again(runtime: Runtime, send: Send, job: MatchingJob, start: _Start) -> Outcome:
    """Liveness makes new chips. Bounded: chips that never open are a fault of ours, and no verdict."""
    if runtime.scratch.count_try(job.submitted.id, "chips") > CHIPS_AGAIN_MAX:
        return _fail(runtime, job, "processing_failed")
    runtime.scratch.drop_next(job.submitted.id)  # else liveness would only send these chips again
    send(
        LivenessJob(
            submitted=job.submitted,
            partition=job.partition,
            offset=job.offset,
            deadline_at=job.deadline_at,
            dispatched_at=_now(runtime, start),
            traceparent=job.traceparent,
        )
    )
    return "chips_again"


def _count_bug(runtime: Runtime, job: Job) -> Outcome:
    """An unexpected error counts as a failed start; the last one allowed ends the job without a verdict."""
    try:
        if runtime.scratch.count_try(job.submitted.id, f"{stage_of(job).value}.bugs") < BUGS_MAX:
            return "bug"
        return _fail(runtime, job, "processing_failed")
    except Transient:
        return "bug"


def _fail(runtime: Runtime, job: Job, failure: Failure) -> Outcome:
    """The entry says why, beside what liveness measured: where that is no measurement, alone."""
    entry = _entry(job, failure=failure)
    if entry.liveness is not None and not is_finite(entry.liveness):
        entry = replace(entry, liveness=None)
    runtime.scratch.finish(entry)
    return failure


def _end(runtime: Runtime, job: Job, token: str) -> None:
    try:
        runtime.scratch.end(job, token)
    except Transient:
        # It stands as running while this process lives. At worst it counts as one lost start later.
        _LOG.warning("start_not_ended", extra={"id": job.submitted.id})


def _entry(
    job: Job, *, liveness: LivenessReport | None = None, match: MatchReport | None = None, failure: Failure | None = None
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
    )


def _evidence(runtime: Runtime, job: Job, blob: BlobRef | None, kind: str) -> bytes:
    if blob is None:
        raise EvidenceMissing("the registration names none")
    submitted = job.submitted
    return runtime.vault.get(blob, operator=submitted.operator, registration_id=submitted.id, kind=kind)


def _status_of(runtime: Runtime, job: Job) -> Status:
    submitted, stage = job.submitted, stage_of(job)
    step = "liveness" if stage is Stage.LIVENESS else "matching"
    return Status(id=submitted.id, operator=submitted.operator, store=submitted.store, step=step, at=runtime.clock())


def _stamped(runtime: Runtime, job: Job, report: _R, start: _Start) -> _R:
    """Every report passes here on its way out. Raises NotFinite."""
    stamped = replace(report, waited_s=_waited_s(job, start.at), ran_s=runtime.monotonic() - start.since_s)
    _must_be_finite(stamped)
    return stamped


def _must_be_finite(report: LivenessReport | MatchReport) -> None:
    if not is_finite(report):
        raise NotFinite(type(report).__name__)


def _waited_s(job: Job, at: datetime) -> float:
    """Never negative: the sender's stamp may be some milliseconds ahead."""
    return max(0.0, (at - job.dispatched_at).total_seconds())


def _now(runtime: Runtime, start: _Start) -> datetime:
    """Redis TIME now, without asking again."""
    return start.at + timedelta(seconds=runtime.monotonic() - start.since_s)
