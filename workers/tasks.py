"""The two tasks, from a message to its end: which of its courses a job takes, and what becomes of what is raised.

Where a worker serves both queues, matching follows in liveness's own task (docs/adr/0009).

A task that returns may be acknowledged: what it achieved is stored. One that raises Again comes again.
Every step is safe to repeat, and a repeated one gives the stored answer, never a second one.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from realname.errors import RecordUnreadable, Transient
from realname.stages import (
    BUGS_MAX,
    Job,
    LivenessJob,
    Stage,
    decode_liveness,
    decode_matching,
)
from realname.statuses import Status
from workers.observing import Outcome
from workers.runtime import Runtime
from workers.sealed_chips import without_chips
from workers.stage_runs import Fit, Send, Start, fail, hand_on, judge, match_fit, waited_s
from workers.starts import Begun, course_of, stage_of

_LOG = logging.getLogger(__name__)
_COMES_AGAIN: frozenset[Outcome] = frozenset({"transient", "bug"})
_ENDED: frozenset[Outcome] = frozenset({"next", "result", "bad_recording", "evidence_missing", "deadline", "processing_failed"})


_R = TypeVar("_R")


class Measured(NamedTuple):
    """Liveness is measured, and its clip is to be matched in the same task."""

    job: LivenessJob
    start: Start
    fit: Fit


class Again(Exception):
    """Nothing is lost and nothing is stored: put the message back. Its text is a closed word."""


def perform(runtime: Runtime, send: Send, stage: Stage, payload: bytes) -> None:
    """One task. Raises Again."""
    try:
        job: Job = decode_liveness(payload) if stage is Stage.LIVENESS else decode_matching(payload)
    except RecordUnreadable:
        # Nobody can say whose it is. The dispatcher misses it and sends it again, until its deadline.
        _LOG.error("job_unreadable", extra={"stage": stage.value})
        runtime.observing.ended(stage, "unreadable")
        return
    with runtime.watchdog.watching(stage):
        outcome = _walk(runtime, send, job)
    runtime.observing.ended(stage, outcome)
    if outcome in _COMES_AGAIN:
        runtime.pause(runtime.timing.transient_wait_s)  # else a vault that is away would turn the queue in circles
        raise Again(outcome)


def _walk(runtime: Runtime, send: Send, job: Job) -> Outcome:
    """The outcome of the job's stage. A start that was not lost is ended."""
    token = secrets.token_hex(8)
    with runtime.observing.running(stage_of(job), job.submitted.operator):
        found = _guarded(runtime, job, partial(_course, runtime, send, job, token))
    outcome = _walk_on(runtime, send, *found) if isinstance(found, Measured) else found
    if outcome not in _ENDED:
        _end(runtime, job, token)
    return outcome


def _walk_on(runtime: Runtime, send: Send, job: LivenessJob, start: Start, fit: Fit) -> Outcome:
    """Liveness's outcome, after matching has run in the same task.

    Where matching cannot be ended now it is handed on, as to a worker of its own: what was measured is kept, and
    its tries are counted there. A process that dies before runs both again.
    """
    following = fit.job
    own = Start(start.token, following.dispatched_at, runtime.monotonic(), has_lost=start.has_lost)
    with runtime.observing.running(Stage.MATCHING, job.submitted.operator):
        outcome = _guarded(runtime, following, partial(match_fit, runtime, fit, own))
    runtime.observing.ended(Stage.MATCHING, outcome)
    if outcome not in _COMES_AGAIN:
        return "next"
    return _guarded(runtime, job, partial(hand_on, runtime, send, job, start.token, fit))


def _guarded(runtime: Runtime, job: Job, run: Callable[[], _R]) -> _R | Outcome:
    """The outcome, whatever happens."""
    try:
        return run()
    except Transient as error:
        _LOG.warning("neighbour_silent", extra={"stage": stage_of(job).value, "id": job.submitted.id, "cause": str(error)})
        return "transient"
    except Exception:  # noqa: BLE001 - the one place: a bug must cost one registration, not the worker
        _LOG.exception("stage_failed", extra={"stage": stage_of(job).value, "id": job.submitted.id})
        return _count_bug(runtime, job)


def _course(runtime: Runtime, send: Send, job: Job, token: str) -> Outcome | Measured:
    since_s = runtime.monotonic()
    begun = runtime.scratch.begin(job, token, status=_status_of(runtime, job))
    start = Start(token, begun.at, since_s, has_lost=bool(begun.lost_pool or begun.lost_alone))
    runtime.observing.started(stage_of(job), waited_s=waited_s(job, begun.at), newly_lost=begun.newly_lost)
    match course_of(begun, job):
        case "add_again" | "send_again":
            return _repeat(runtime, send, job, begun)
        case "too_late":
            return fail(runtime, job, "deadline")
        case "give_up":
            return fail(runtime, job, "processing_failed")
        case "move_alone":
            send(replace(job, alone=True))
            return "moved_alone"
        case "judge":
            found = judge(runtime, send, job, start, begun.next)
            if isinstance(found, Fit):
                assert isinstance(job, LivenessJob)
                return Measured(job, start, found)
            return found


def _repeat(runtime: Runtime, send: Send, job: Job, begun: Begun) -> Outcome:
    """What was already achieved, once more: the first time may have been lost on the way."""
    if begun.done is not None:
        runtime.scratch.add_again(job.partition, begun.done)
    elif begun.next is not None:
        send(without_chips(decode_matching(begun.next)))
    return "repeated"


def _count_bug(runtime: Runtime, job: Job) -> Outcome:
    """An unexpected error counts as a failed start; the last one allowed ends the job without a verdict."""
    try:
        if runtime.scratch.count_try(job.submitted.id, f"{stage_of(job).value}.bugs") < BUGS_MAX:
            return "bug"
        return fail(runtime, job, "processing_failed")
    except Transient:
        return "bug"


def _end(runtime: Runtime, job: Job, token: str) -> None:
    try:
        runtime.scratch.end(job, token)
    except Transient:
        # It stands as running while this process lives. At worst it counts as one lost start later.
        _LOG.warning("start_not_ended", extra={"id": job.submitted.id})


def _status_of(runtime: Runtime, job: Job) -> Status:
    submitted, stage = job.submitted, stage_of(job)
    step = "liveness" if stage is Stage.LIVENESS else "matching"
    return Status(id=submitted.id, operator=submitted.operator, store=submitted.store, step=step, at=runtime.clock())
