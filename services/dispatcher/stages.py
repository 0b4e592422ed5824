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
from realname.redis_lines import CUT, Call, Command, Lines, Script
from realname.stages import EPOCH_KEY, QUEUES, RESULT_FIELD, LivenessJob, Stage, StageResult
from services.dispatcher.marks import DispatchMarks
from services.dispatcher.overtaken import Mark
from services.dispatcher.policies import Plans
from services.dispatcher.records import Arrival, InFlight, Place, Spent, Taken
from services.dispatcher.sender import ANSWER_S_MAX, task_id_of_queued, task_id_of_unacked

RESULTS_MAX = 500  # entries of one partition in one look
SUBMIT_CHUNK = 16  # jobs marked at once: a death between the two steps repeats at most so many
UNDECIDED_TTL_S = 10  # a dead dispatcher's counts soon count no more
UNACKED_KEY = "unacked"  # kombu's hash of messages that workers hold
QUEUE_CHUNK = 64  # queue entries in one answer: up to 110 kB each


UNLINK_CHUNK = 100  # registrations whose scratch keys go in one command

# KEYS: epoch, streams. ARGV: the epoch where there is none, entries of a stream at most, each stream's cursor.
_COLLECT = Script("""
local now, epoch = redis.call('TIME'), redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
end
if #KEYS == 1 then return {now[1], now[2], epoch, {}} end
local words = {'COUNT', ARGV[2], 'STREAMS', unpack(KEYS, 2)}
for i = 3, #ARGV do words[#words + 1] = ARGV[i] end
return {now[1], now[2], epoch, redis.call('XREAD', unpack(words)) or {}}
""")

# KEYS: counts. ARGV: TTL s, then for each key how many words follow, and those: operator, count...
_TELL = Script("""
local at = 2
for i = 1, #KEYS do
  local first, last = at + 1, at + tonumber(ARGV[at])
  redis.call('DEL', KEYS[i])
  if last >= first then
    redis.call('HSET', KEYS[i], unpack(ARGV, first, last))
    redis.call('EXPIRE', KEYS[i], ARGV[1])
  end
  at = last + 1
end
""")


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
    """A client that answers bytes, waits at most ANSWER_S_MAX and never tries twice: the loop comes round again.

    What goes over `Lines` is tried twice where the connection was cut: a kept one shows only then that its server has gone.
    """
    never = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_timeout=ANSWER_S_MAX, socket_connect_timeout=1.0, retry=never)


class RedisStages:
    """All methods raise Transient where Redis does not answer; then nothing is certain and the same call is right again."""

    def __init__(self, client: redis.Redis, sender: Sender, *, decide_within_s: float, plans_for: PlansFor) -> None:
        """Does not connect yet. plans_for: what each job is to be judged with, asked when it is sent."""
        self._redis = client
        self._lines = Lines(client.connection_pool, again_after=CUT)
        self._marks = DispatchMarks(self._lines)
        self._sender = sender
        self._decide_within_s = decide_within_s
        self._plans_for = plans_for
        self._epoch: bytes | None = None
        self._cursors: dict[int, str] = {}
        self._told_none: set[int] = set()  # partitions of which admission was told that nothing is undecided

    def submit(self, jobs: Sequence[Taken], *, again: bool = False) -> list[InFlight]:
        """Send to the first stage what nobody is known to have sent; all of them are in flight then.

        The marker says `dispatching` before the send and `dispatched` after it, so that the next owner of the partition
        repeats only what may not have been sent. again: send whatever the marker says.
        """
        with _transient():
            chunks = (jobs[first : first + SUBMIT_CHUNK] for first in range(0, len(jobs), SUBMIT_CHUNK))
            return [job for chunk in chunks for job in self._submit(chunk, again=again)]

    def collect(self, partitions: Iterable[int], spent: Spent) -> Collected:
        """What the stages have added since the last look at each partition's stream. What is spent is deleted, as by delete()."""
        streams = {stages.results_key(each): self._cursors.get(each, "0") for each in partitions}
        keys, args = (EPOCH_KEY, *streams), (secrets.token_hex(8), RESULTS_MAX, *streams.values())
        *_, (seconds, micros, epoch, read) = self._delete(spent, Call(_COLLECT, keys, args))
        lost = self._epoch not in {None, epoch}
        self._epoch = epoch
        if lost:
            self._cursors.clear()  # an entry of the new server may have a lower number
            read = []
        return Collected(_instant(int(seconds), int(micros)), lost, list(self._arrivals(read)))

    def read_again(self, partitions: Iterable[int]) -> None:
        """From the beginning of their streams, after an assignment and after an abort."""
        for partition in partitions:
            self._cursors.pop(partition, None)
            self._told_none.discard(partition)  # it may have been another's meanwhile

    def delete(self, spent: Spent) -> None:
        """Entries that nobody needs any more, one by one, and the scratch keys of decided registrations."""
        self._delete(spent)

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
            lens = [Command(("LLEN", queue)) for queue in QUEUES]
            *lengths, unacked = self._lines.ask_all(*lens, Command(("HLEN", UNACKED_KEY)))
        return dict(zip(QUEUES, lengths, strict=True)), unacked

    def tell_undecided(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        """For admission: each partition's undecided records by operator. One that had none the last time is not told again."""
        keys: list[str] = []
        args: list[Any] = [UNDECIDED_TTL_S]
        for partition, by_operator in counts.items():
            present = [word for operator, count in by_operator.items() if count > 0 for word in (operator, count)]
            if present or partition not in self._told_none:
                keys.append(stages.undecided_key(partition))
                args += (len(present), *present)
        none = {partition for partition, by_operator in counts.items() if not any(by_operator.values())}
        self._told_none = set()
        if keys:
            with _transient():
                self._lines.run(_TELL, keys, args)
        self._told_none = none

    def _delete(self, spent: Spent, *calls: Call) -> list[Any]:
        """Delete, and make these calls in the same round trip. The answers."""
        ids = spent.registration_ids
        chunks = (ids[first : first + UNLINK_CHUNK] for first in range(0, len(ids), UNLINK_CHUNK))
        xdels = [Command(("XDEL", stages.results_key(each), *numbers)) for each, numbers in spent.entries.items()]
        unlinks = [Command(("UNLINK", *(key for each in chunk for key in _scratch_keys(each)))) for chunk in chunks]
        try:
            with _transient():
                return self._lines.ask_all(*xdels, *unlinks, *calls)
        except Transient:
            if spent:
                self._cursors.clear()  # look at all entries again: they are deleted on sight
            raise

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
        for key, entries in read:
            partition = int(key.rsplit(b":", 1)[1])
            for number, fields in entries:
                entry = number.decode()
                self._cursors[partition] = entry
                yield Arrival(partition, entry, _result(fields))

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


def _result(fields: Sequence[bytes]) -> StageResult | None:
    """fields: names and values in turn."""
    names = fields[::2]
    field = RESULT_FIELD.encode()
    try:
        return stages.decode_result(fields[2 * names.index(field) + 1] if field in names else b"")
    except RecordUnreadable:
        return None


def _instant(seconds: int, micros: int) -> datetime:
    return datetime.fromtimestamp(seconds + micros / 1e6, tz=UTC)
