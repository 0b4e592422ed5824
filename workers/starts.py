"""Pure: what to do with a job that starts, from what Redis remembers of it.

A *lost start* is one whose process died before the stage ended. One clip can kill its process, and then its
neighbours lose their starts with it; so a job with LOST_STARTS_MAX of them runs alone, and only a start lost there
convicts it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from realname.stages import LOST_STARTS_MAX, Job, LivenessJob, Stage

Course = Literal["add_again", "send_again", "give_up", "move_alone", "too_late", "judge"]


class Begun(NamedTuple):
    """A noted start, and what Redis knew.

    at:          Redis TIME.
    done:        the stored entry, where a result exists.
    next:        the stored matching message, where liveness had come to it.
    lost_pool:   starts lost in the pool.
    lost_alone:  starts lost in the solo queue.
    newly_lost:  of both, those that this start was the first to see.
    """

    at: datetime
    done: bytes | None = None
    next: bytes | None = None
    lost_pool: int = 0
    lost_alone: int = 0
    newly_lost: int = 0


def course_of(begun: Begun, job: Job) -> Course:
    """The one thing to do. What was already achieved comes first: it is never measured a second time."""
    if begun.done is not None:
        return "add_again"
    if begun.next is not None and isinstance(job, LivenessJob):
        return "send_again"
    if begun.at >= job.deadline_at:
        return "too_late"
    if begun.lost_alone:
        return "give_up"
    if begun.lost_pool >= LOST_STARTS_MAX and not job.alone:
        return "move_alone"
    return "judge"


def stage_of(job: Job) -> Stage:
    """The stage that a job's message asks for."""
    return Stage.LIVENESS if isinstance(job, LivenessJob) else Stage.MATCHING
