"""The stages as the dispatcher sees them: dispatch in two steps, results by stream, a Redis that may forget everything."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# redis-py's answers are typed as anything; they end in this file.

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from realname import stages
from realname.errors import RecordUnreadable, Transient
from realname.stages import EPOCH_KEY, QUEUES, RESULT_FIELD, LivenessJob, Stage, StageResult
from services.dispatcher.marks import DispatchMarks
from services.dispatcher.overtaken import Mark
from services.dispatcher.policies import Plans
from services.dispatcher.records import Arrival, InFlight, Place, Taken
from services.dispatcher.sender import ANSWER_S_MAX, task_id_of_queued, task_id_of_unacked

RESULTS_MAX = 500  # entries of one partition in one look
SUBMIT_CHUNK = 16  # jobs marked at once: a death between the two steps repeats at most so many
UNDECIDED_TTL_S = 10  # a dead dispatcher's counts soon count no more
UNACKED_KEY = "unacked"  # kombu's hash of messages that workers hold
QUEUE_CHUNK = 64  # queue entries in one answer: up to 110 kB each


class Collected(NamedTuple):
    """One look at Redis. now: its TIME; lost: it forgot everything since the last look."""

    now: datetime
    lost: bool
    arrivals: list[Arrival]


PlansFor = Callable[[str, str], Plans]  # of an operator and a registration id


class Sender(Protocol):
    """Queues the first stage of jobs."""

    def send(self, jobs: Sequence[LivenessJob]) -> None:
        """Raises Transient: they may or may not be queued."""
        ...


def connect(url: str) -> redis.Redis:
    """A client that answers bytes, waits at most ANSWER_S_MAX and never tries twice: the loop comes round again."""
    never = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_timeout=ANSWER_S_MAX, socket_connect_timeout=1.0, retry=never)


class RedisStages:
    """All methods raise Transient where Redis does not answer; then nothing is certain and the same call is right again."""

    def __init__(self, client: redis.Redis, sender: Sender, *, decide_within_s: float, plans_for: PlansFor) -> None:
        """Does not connect yet. plans_for: what each job is to be judged with, asked when it is sent."""
        self._redis = client
        self._marks = DispatchMarks(client)
        self._sender = sender
        self._decide_within_s = decide_within_s
        self._plans_for = plans_for
        self._epoch: bytes | None = None
        self._cursors: dict[int, str] = {}

    def submit(self, jobs: Sequence[Taken], *, again: bool = False) -> list[InFlight]:
        """Send to the first stage what nobody is known to have sent; all of them are in flight then.

        The marker says `dispatching` before the send and `dispatched` after it, so that the next owner of the partition
        repeats only what may not have been sent. again: send whatever the marker says.
        """
        with _transient():
            chunks = (jobs[first : first + SUBMIT_CHUNK] for first in range(0, len(jobs), SUBMIT_CHUNK))
            return [job for chunk in chunks for job in self._submit(chunk, again=again)]

    def collect(self, partitions: Iterable[int]) -> Collected:
        """What the stages have added since the last look at each partition's stream."""
        streams: dict[Any, Any] = {stages.results_key(each): self._cursors.get(each, "0") for each in partitions}
        with _transient():
            pipe = self._redis.pipeline(transaction=False)
            pipe.time()
            pipe.set(EPOCH_KEY, secrets.token_hex(8), nx=True)
            pipe.get(EPOCH_KEY)
            if streams:
                pipe.xread(streams, count=RESULTS_MAX)
            (seconds, micros), _, epoch, *read = pipe.execute()
        lost = self._epoch not in {None, epoch}
        self._epoch = epoch
        if lost:
            self._cursors.clear()  # an entry of the new server may have a lower number
            read = []
        return Collected(_instant(seconds, micros), lost, list(self._arrivals(read[0] if read else [])))

    def read_again(self, partitions: Iterable[int]) -> None:
        """From the beginning of their streams, after an assignment and after an abort."""
        for partition in partitions:
            self._cursors.pop(partition, None)

    def delete(self, entries: Mapping[int, Sequence[str]], registration_ids: Sequence[str]) -> None:
        """Entries that nobody needs any more, one by one, and the scratch keys of decided registrations."""
        if not (entries or registration_ids):
            return
        try:
            with _transient():
                pipe = self._redis.pipeline(transaction=False)
                for partition, numbers in entries.items():
                    if numbers:
                        pipe.xdel(stages.results_key(partition), *numbers)
                for each in registration_ids:
                    pipe.unlink(*_scratch_keys(each))
                pipe.execute()
        except Transient:
            self._cursors.clear()  # look at all entries again: they are deleted on sight
            raise

    def marks(self, jobs: Sequence[Taken]) -> dict[Place, Mark]:
        """What the dispatch markers say."""
        with _transient():
            found = self._marks.read([each.submitted.id for each in jobs])
        return {each.place: mark for each, mark in zip(jobs, found, strict=True)}

    def held(self, jobs: Sequence[Taken]) -> set[Place]:
        """Those with a stage that is queued, or that a worker has not acknowledged. Reads all queues: a rare look."""
        with _transient():
            unacked: Any = self._redis.hvals(UNACKED_KEY)
            tasks = {task_id_of_unacked(each) for each in unacked}
            for queue in QUEUES:
                tasks |= set(self._queued(queue))
        return {job.place for job in jobs if any(stages.task_id_of(job.submitted.id, stage) in tasks for stage in Stage)}

    def queue_lengths(self) -> tuple[dict[str, int], int]:
        """Waiting, by queue; and held by workers."""
        with _transient():
            pipe = self._redis.pipeline(transaction=False)
            for queue in QUEUES:
                pipe.llen(queue)
            pipe.hlen(UNACKED_KEY)
            *lengths, unacked = pipe.execute()
        return dict(zip(QUEUES, lengths, strict=True)), unacked

    def tell_undecided(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        """For admission: each partition's undecided records by operator."""
        with _transient():
            pipe = self._redis.pipeline(transaction=True)
            for partition, by_operator in counts.items():
                key = stages.undecided_key(partition)
                pipe.delete(key)
                present: dict[Any, Any] = {operator: count for operator, count in by_operator.items() if count > 0}
                if present:
                    pipe.hset(key, mapping=present)
                    pipe.expire(key, UNDECIDED_TTL_S)
            pipe.execute()

    def _submit(self, jobs: Sequence[Taken], *, again: bool) -> list[InFlight]:
        begun = self._marks.begin([each.submitted.id for each in jobs], again=again)
        fresh = [each for each, sent_at_s in zip(jobs, begun.sent_at_s, strict=True) if sent_at_s is None]
        if fresh:
            self._sender.send([self._job(each, begun.now) for each in fresh])
            self._marks.sent([each.submitted.id for each in fresh], begun.at)
        at_s = float(begun.at)
        return [InFlight(each, at_s if sent is None else sent) for each, sent in zip(jobs, begun.sent_at_s, strict=True)]

    def _job(self, taken: Taken, now: datetime) -> LivenessJob:
        plans = self._plans_for(taken.submitted.operator, taken.submitted.id)
        return LivenessJob(
            submitted=taken.submitted,
            partition=taken.partition,
            offset=taken.offset,
            deadline_at=taken.deadline_at(self._decide_within_s),
            dispatched_at=now,
            traceparent=taken.traceparent,
            plan=plans.live,
            shadow=plans.shadow,
        )

    def _arrivals(self, read: Any) -> Generator[Arrival]:
        pairs = read.items() if isinstance(read, dict) else read
        for key, entries in pairs:
            partition = int(key.rsplit(b":", 1)[1])
            for number, fields in _flat(entries):
                self._cursors[partition] = number.decode()
                yield Arrival(partition, number.decode(), _result(fields.get(RESULT_FIELD.encode(), b"")))

    def _queued(self, queue: str) -> Generator[str]:
        first = 0
        while True:
            chunk: Any = self._redis.lrange(queue, first, first + QUEUE_CHUNK - 1)
            yield from map(task_id_of_queued, chunk)
            if len(chunk) < QUEUE_CHUNK:
                return
            first += QUEUE_CHUNK


@contextlib.contextmanager
def _transient() -> Generator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise Transient("Redis does not answer") from error


def _scratch_keys(registration_id: str) -> list[str]:
    starts = [stages.starts_key(registration_id, stage) for stage in Stage]
    own = [stages.marker_key, stages.done_key, stages.next_key, stages.tries_key]
    return [*(key(registration_id) for key in own), *starts]


def _flat(entries: Any) -> Any:
    """redis-py answers XREAD as pairs with RESP2 and as a list in a list with RESP3."""
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _result(entry: bytes) -> StageResult | None:
    try:
        return stages.decode_result(entry)
    except RecordUnreadable:
        return None


def _instant(seconds: int, micros: int) -> datetime:
    return datetime.fromtimestamp(seconds + micros / 1e6, tz=UTC)
