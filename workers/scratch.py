# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# redis-py's commands answer `Awaitable | value` unions of half-known types; here they become values of ours.
"""What a worker keeps in Redis for one registration: its starts, its stored messages, its one result.

All of it is scratch: losing it costs a repeated stage, never a registration. Every call raises Transient where
Redis does not answer or takes nothing now.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from realname.errors import Transient
from realname.redis_lines import Call, Lines, Script
from realname.stages import (
    MARK_TTL_S,
    RESULT_FIELD,
    Job,
    MatchingJob,
    Stage,
    StageResult,
    done_key,
    encode_job,
    marker_key,
    next_key,
    process_key,
    results_key,
    starts_key,
    tries_key,
)
from realname.statuses import WRITE_FORWARDS_LUA, Status, write_arguments
from workers.starts import Begun, stage_of

SOCKET_TIMEOUT_S = 5.0  # a Redis that takes longer does not answer
CONNECT_TIMEOUT_S = 2.0

# KEYS: starts, done, next, marker, own process. ARGV: start token, own process token, TTL s, process TTL ms,
# start of process keys, stage. A start seen as lost is marked `lost`, so that it is counted as new only once, and
# stays lost should its process have been frozen, not dead.
_BEGIN = Script("""
redis.call('SET', KEYS[5], '1', 'PX', ARGV[4])
local lost, fresh = {pool = 0, alone = 0}, 0
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  local token, process = held[i], held[i + 1]
  if process ~= 'lost' and redis.call('EXISTS', ARGV[5] .. process) == 0 then
    redis.call('HSET', KEYS[1], token, 'lost')
    process, fresh = 'lost', fresh + 1
  end
  if process == 'lost' then
    local where = string.match(token, '^(%a+):')
    lost[where] = (lost[where] or 0) + 1
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
local now = redis.call('TIME')
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('HSET', KEYS[4], 'started_at', now[1] .. '.' .. string.sub('000000' .. now[2], -6), 'stage', ARGV[6])
end
return {now[1], now[2], redis.call('GET', KEYS[2]), redis.call('GET', KEYS[3]), lost.pool, lost.alone, fresh}
""")

# KEYS: done, results stream, then what the result makes superfluous. ARGV: entry, TTL s, field.
# The first result stands: of two copies that ran side by side, the second adds the first one's entry again.
_FINISH = Script("""
local entry = redis.call('GET', KEYS[1])
if not entry then
  entry = ARGV[1]
  redis.call('SET', KEYS[1], entry, 'EX', ARGV[2])
end
redis.call('XADD', KEYS[2], '*', ARGV[3], entry)
redis.call('DEL', unpack(KEYS, 3))
""")
_MOVE_STATUS = Script(WRITE_FORWARDS_LUA)


class RedisScratch:
    """The Scratch port over a real Redis. Safe for many threads."""

    def __init__(self, client: redis.Redis, process_token: str, *, process_ttl_s: float) -> None:
        """client: answers bytes, see connect(). process_token: this process's own, random."""
        self._redis: Any = client
        self._lines = Lines(client.connection_pool)
        self._process = process_token
        self._process_ttl_ms = int(process_ttl_s * 1000)

    def refresh_process(self) -> None:
        """Say that this process lives."""
        with _answers():
            self._redis.set(process_key(self._process), "1", px=self._process_ttl_ms)

    def begin(self, job: Job, token: str, *, status: Status) -> Begun:
        """Note a start, and move the status forwards (as far as that works: it is a courtesy).

        token: random; the same at end(). The process's key is refreshed in the same breath, so that
        a start never stands without it, also just after Redis came back empty.
        """
        stage, identity = stage_of(job), job.submitted.id
        keys = [starts_key(identity, stage), done_key(identity), next_key(identity), marker_key(identity)]
        argv = [_where(job, token), self._process, MARK_TTL_S, self._process_ttl_ms, process_key(""), stage.value]
        status_key, status_argv = write_arguments(status)
        with _answers():
            answer, _ = self._lines.run_all(
                Call(_BEGIN, (*keys, process_key(self._process)), argv),
                Call(_MOVE_STATUS, (status_key,), status_argv),
            )
            if isinstance(answer, Exception):
                raise answer
        return _begun(answer)

    def end(self, job: Job, token: str) -> None:
        """This start ended, in whatever way, and was not lost."""
        with _answers():
            self._redis.hdel(starts_key(job.submitted.id, stage_of(job)), _where(job, token))

    def finish(self, entry: StageResult) -> None:
        """In one step: the done mark, the stream entry, and everything that led to it gone."""
        gone = [starts_key(entry.id, stage) for stage in Stage] + [next_key(entry.id), tries_key(entry.id)]
        keys = [done_key(entry.id), results_key(entry.partition), *gone]
        with _answers():
            self._lines.run(_FINISH, keys, (encode_job(entry), MARK_TTL_S, RESULT_FIELD))

    def add_again(self, partition: int, entry: bytes) -> None:
        """A repeated task adds the stored entry again: the dispatcher may have lost sight of the first."""
        with _answers():
            self._redis.xadd(results_key(partition), {RESULT_FIELD: entry})

    def keep_next(self, job: Job, token: str, following: MatchingJob) -> None:
        """Store the matching message, for a repeated liveness task to send again; and end this start."""
        with _answers():
            pipe = self._redis.pipeline(transaction=True)
            pipe.set(next_key(job.submitted.id), encode_job(following), ex=MARK_TTL_S)
            pipe.hdel(starts_key(job.submitted.id, stage_of(job)), _where(job, token))
            pipe.execute()

    def drop_next(self, registration_id: str) -> None:
        """The stored matching message is of no use: its chips do not open."""
        with _answers():
            self._redis.delete(next_key(registration_id))

    def count_try(self, registration_id: str, what: str) -> int:
        """How often `what` has now been tried. what: `<stage>.bugs` or `chips`."""
        with _answers():
            pipe = self._redis.pipeline(transaction=True)
            pipe.hincrby(tries_key(registration_id), what, 1)
            pipe.expire(tries_key(registration_id), MARK_TTL_S)
            return int(pipe.execute()[0])


def connect(url: str, *, answer_within_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """A client with limits: one repetition on a broken connection, at most so long for an answer."""
    return redis.Redis.from_url(
        url,
        socket_timeout=answer_within_s,
        socket_connect_timeout=min(CONNECT_TIMEOUT_S, answer_within_s),
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 1),
    )


def _where(job: Job, token: str) -> str:
    return f"{'alone' if job.alone else 'pool'}:{token}"


def _begun(answer: list[Any]) -> Begun:
    seconds, micros, done, following, pool, alone, fresh = answer
    at = datetime.fromtimestamp(int(seconds), tz=UTC) + timedelta(microseconds=int(micros))
    return Begun(at, done, following, lost_pool=int(pool), lost_alone=int(alone), newly_lost=int(fresh))


@contextmanager
def _answers() -> Generator[None]:
    try:
        yield
    except redis.RedisError as error:
        # Also an answer that is an error: a full or loading Redis passes, and a fault of ours must not lose the message.
        raise Transient(f"Redis does not answer: {type(error).__name__}") from None
