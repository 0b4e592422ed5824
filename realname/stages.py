"""Pure: where dispatcher and workers meet: task, queue and Redis key names, and the messages between stages.

Everything here lives in Redis or in a Celery message, which are scratch: losing them costs time, never a registration.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from realname.errors import RecordUnreadable
from realname.messages import Id, Instant, LivenessReport, MatchReport, Name, RegistrationSubmitted


class Stage(StrEnum):
    """The two stages, in order."""

    LIVENESS = "liveness"
    MATCHING = "matching"


TASK_LIVENESS = "realname.liveness"
TASK_MATCHING = "realname.matching"
TASKS = {Stage.LIVENESS: TASK_LIVENESS, Stage.MATCHING: TASK_MATCHING}
PAYLOAD = "payload"  # the one keyword argument of both tasks: bytes, encode_job() of the job

SOLO_SUFFIX = ".solo"
QUEUES = ("liveness", "matching", "liveness.solo", "matching.solo")

CHIPS_BYTES_MAX = 80_000  # all sealed chips of one matching message
LOST_STARTS_MAX = 2  # lost starts after which a job runs alone
BUGS_MAX = 3  # unexpected errors of one stage of one registration, the last of which ends it
CHIPS_AGAIN_MAX = 2  # times that liveness runs again because its chips did not open
VISIBILITY_TIMEOUT_S = 30
STAGE_DEADLINE_S = 20  # a stage that runs longer is hung: the watchdog ends its process
MARK_TTL_S = 6 * 3600  # scratch keys of one registration; beyond decide_within_s and any redelivery

EPOCH_KEY = "rn:epoch"  # SET NX of a random value; another value than the remembered one = Redis was lost


def queue_of(stage: Stage, *, alone: bool) -> str:
    """The Celery queue of a stage; `alone` is the queue whose process runs one task at a time."""
    return stage.value + SOLO_SUFFIX if alone else stage.value


def task_id_of(registration_id: str, stage: Stage) -> str:
    """The Celery task id: the same for every copy of the same stage of the same registration."""
    return f"{registration_id}:{stage.value}"


def results_key(partition: int) -> str:
    """The Redis stream of one partition: one entry a registration, field `entry`."""
    return f"rn:results:{partition}"


def done_key(registration_id: str) -> str:
    """Holds the same bytes as the stream entry, for a repeated task to add again."""
    return f"rn:done:{registration_id}"


def next_key(registration_id: str) -> str:
    """Holds the matching message with its sealed chips: matching reads them here, a repeated liveness sends it again."""
    return f"rn:next:{registration_id}"


def marker_key(registration_id: str) -> str:
    """The dispatch marker, a hash: state (dispatching | dispatched), at (Redis TIME, s), stage.

    A worker that starts a stage adds `started_at` (Redis TIME, s, of the last start) and `stage`, only to a marker
    that exists.
    """
    return f"rn:mark:{registration_id}"


def starts_key(registration_id: str, stage: Stage) -> str:
    """A hash of unfinished starts: start token -> worker process token. Removed when a start ends in any way."""
    return f"rn:starts:{stage.value}:{registration_id}"


def tries_key(registration_id: str) -> str:
    """A hash of bounded repeats: `<stage>.bugs` (unexpected errors), `chips` (liveness run again for its chips)."""
    return f"rn:tries:{registration_id}"


def process_key(process_token: str) -> str:
    """Present while that worker process lives (TTL, refreshed); a start of an absent process is a lost start."""
    return f"rn:process:{process_token}"


def undecided_key(partition: int) -> str:
    """A hash operator -> undecided records that the partition's dispatcher holds; short TTL; admission reads it."""
    return f"rn:undecided:{partition}"


RESULT_FIELD = "entry"


class LivenessJob(Struct, frozen=True, tag="realname.liveness.job.v1", tag_field="type"):
    """First stage. deadline_at: decide_within's end; a start after it reports nothing and ends the job.

    plan:   what to judge with (activation.encode_plan); None: the worker's own policy and weights.
    shadow: the candidate to measure beside it; None: none.
    """

    submitted: RegistrationSubmitted
    partition: int
    offset: int
    deadline_at: Instant
    dispatched_at: Instant
    alone: bool = False
    traceparent: str | None = None
    plan: bytes | None = None
    shadow: bytes | None = None


class MatchingJob(Struct, frozen=True, tag="realname.matching.job.v1", tag_field="type"):
    """Second stage. chips: each a sealed (see sealing.py) lossless image of an aligned face, best first; then glimpses.

    Glimpses are of all frames, sealed likewise (workers/glimpses.py). Without any nothing is said of copies: a person decides.
    The copy under next_key has them; the one in the queue goes without, since there base64 in JSON costs 0.7 ms more.
    plan, shadow: as in the liveness job. shadow_liveness, shadow_chips: the candidate's own, where there is one and it
    found the clip fit; its chips have a limit of their own, as large.
    """

    submitted: RegistrationSubmitted
    partition: int
    offset: int
    deadline_at: Instant
    dispatched_at: Instant
    liveness: LivenessReport
    chips: tuple[bytes, ...]
    alone: bool = False
    traceparent: str | None = None
    plan: bytes | None = None
    shadow: bytes | None = None
    shadow_liveness: LivenessReport | None = None
    shadow_chips: tuple[bytes, ...] = ()


Failure = Literal["processing_failed", "evidence_missing", "deadline"]


class ShadowMeasured(Struct, frozen=True):
    """What a candidate measured. failure: why it did not, one word; no failure of a candidate ever touches the live part."""

    plan: bytes
    liveness: LivenessReport | None = None
    match: MatchReport | None = None
    failure: str | None = None


class StageResult(Struct, frozen=True, tag="realname.stage.result.v1", tag_field="type"):
    """The one entry of a registration, added by the last stage that ran, carrying all reports.

    failure: no verdict can be drawn; with it the reports may be absent.
    plan:    what it was measured with, as the job had it: it is decided with the same.
    """

    id: Id
    operator: Name
    partition: int
    offset: int
    liveness: LivenessReport | None = None
    match: MatchReport | None = None
    failure: Failure | None = None
    plan: bytes | None = None
    shadow: ShadowMeasured | None = None


Job = LivenessJob | MatchingJob
_T = TypeVar("_T", LivenessJob, MatchingJob, StageResult)


def encode_job(job: Job | StageResult) -> bytes:
    """As msgpack: chips are bytes, which JSON would blow up by a third."""
    return msgspec.msgpack.encode(job)


def decode_liveness(payload: bytes) -> LivenessJob:
    """Raises RecordUnreadable."""
    return _decode(payload, LivenessJob)


def decode_matching(payload: bytes) -> MatchingJob:
    """Raises RecordUnreadable."""
    return _decode(payload, MatchingJob)


def decode_result(payload: bytes) -> StageResult:
    """Raises RecordUnreadable."""
    return _decode(payload, StageResult)


def _decode(payload: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        raise RecordUnreadable("a stage message does not decode") from None
