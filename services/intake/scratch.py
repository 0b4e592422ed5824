"""Redis as intake uses it: marks of issued challenges, claims, statuses, counts. Scratch: away, it costs a look into Kafka."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# redis-py's commands have partial types; they end in this file.

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from realname.clock import monotonic
from realname.redis_lines import Script
from realname.stages import undecided_key
from realname.statuses import TTL_S, WRITE_FORWARDS_LUA, Status, decode_status, moved_channel, status_key, write_arguments
from services.intake.known import Seen, Sight
from services.intake.redis_line import RedisLine

_ANSWER_S = 1.0  # a Redis that needs longer is away
_CONNECT_S = 0.5
_AWAY_S = 1.0  # after a failure nobody waits for it for so long
_CONNECTIONS_MAX = 1  # the look at the counts; what a request asks goes over the one line, and the subscription has its own


class Away:
    """Redis does not answer: whoever asked must do without."""


AWAY: Final = Away()

_WATCH = "rn:watch"
_MAY_HAVE_MOVED = (b"subscribe", b"message")
# Redis' own time in microseconds.
_NOW_LUA = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
"""
# KEYS: issued mark. ARGV: TTL s. The mark is its own time.
_ISSUED = Script(f"""
{_NOW_LUA}
redis.call('SET', KEYS[1], string.format('%.0f', now), 'EX', ARGV[1])
return now
""")
# KEYS: claim, status hash, issued mark. ARGV: fingerprint, TTL s. One look and one step: whoever comes second sees the first.
_CLAIM = Script(f"""
{_NOW_LUA}
local held = redis.call('GET', KEYS[1])
if not held then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
local status = redis.call('HMGET', KEYS[2], 'rank', 'fingerprint')
return {{held or '', status[1] or '', status[2] or '', redis.call('GET', KEYS[3]) or '', now}}
""")
# KEYS: claim. ARGV: fingerprint. Removes only our own.
_RELEASE = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")
_WRITE = Script(WRITE_FORWARDS_LUA)


class Scratch(Protocol):
    """What intake keeps for a while. Nothing raises: AWAY is an answer."""

    async def remember_issued(self, registration_id: str, ttl_s: int) -> None:
        """Leave the mark by which a later claim knows that nothing was lost since."""
        ...

    async def claim(self, registration_id: str, fingerprint: str) -> Seen | Away:
        """Claim the id for this request, if nobody has; what was seen in that moment."""
        ...

    async def release(self, registration_id: str, fingerprint: str) -> None:
        """Take this request's claim back: it was refused."""
        ...

    async def write(self, status: Status) -> None:
        """Forwards only."""
        ...

    async def status(self, registration_id: str) -> Status | Away | None:
        """None: Redis knows no such id."""
        ...

    async def undecided(self, partitions: int) -> Mapping[str, int] | Away:
        """Undecided records by operator, over all partitions, as the dispatchers last said."""
        ...

    def follow(self, registration_id: str) -> None:
        """From now on `moved` has it. Also comes while nobody iterates: it counts from when somebody does."""
        ...

    def unfollow(self, registration_id: str) -> None:
        """Hear of it no more."""
        ...

    def moved(self) -> AsyncIterator[str]:
        """Followed ids whose status may have moved: each once when it is heard of from then on, then as it moves.

        Whoever looks at the status after the first misses no move. Ends where Redis goes away.
        """
        ...


class RedisScratch:
    """`Scratch` on a real Redis."""

    def __init__(self, url: str) -> None:
        """Does not connect yet."""
        self._redis: Redis = Redis(
            connection_pool=BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS_MAX,
                timeout=_ANSWER_S,
                socket_timeout=_ANSWER_S,
                socket_connect_timeout=_CONNECT_S,
                retry=Retry(NoBackoff(), 0),
            )
        )
        self._line = RedisLine(url, answer_s=_ANSWER_S, connect_s=_CONNECT_S)
        self._away_until_s = 0.0
        self._sight = Sight()
        self._subscription: Any = None
        self._followed: set[str] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self._following = asyncio.Lock()  # SUBSCRIBE and UNSUBSCRIBE of one id go out as they were asked for

    async def remember_issued(self, registration_id: str, ttl_s: int) -> None:
        gaps = self._sight.gaps
        now_us = await self._ask(lambda: self._line.run(_ISSUED, [_issued_key(registration_id)], [ttl_s]))
        if not isinstance(now_us, Away):
            self._sight.gain(now_us, gaps=gaps)

    async def claim(self, registration_id: str, fingerprint: str) -> Seen | Away:
        keys = [_claim_key(registration_id), status_key(registration_id), _issued_key(registration_id)]
        gaps = self._sight.gaps
        answer = await self._ask(lambda: self._line.run(_CLAIM, keys, [fingerprint, TTL_S]))
        if isinstance(answer, Away):
            return answer
        held, rank, accepted_as, issued_us, now_us = answer
        self._sight.gain(now_us, gaps=gaps)
        return Seen(
            claimed_by=held.decode() or None,
            accepted=bool(rank),
            accepted_as=accepted_as.decode() or None,
            remembered=self._sight.covers(int(issued_us) if issued_us else None),
        )

    async def release(self, registration_id: str, fingerprint: str) -> None:
        await self._ask(lambda: self._line.run(_RELEASE, [_claim_key(registration_id)], [fingerprint]))

    async def write(self, status: Status) -> None:
        key, argv = write_arguments(status)
        await self._ask(lambda: self._line.run(_WRITE, [key], argv))

    async def status(self, registration_id: str) -> Status | Away | None:
        body = await self._ask(lambda: self._line.ask("HGET", status_key(registration_id), "status"))
        return body if body is None or isinstance(body, Away) else decode_status(body)

    async def undecided(self, partitions: int) -> Mapping[str, int] | Away:
        pipeline = self._redis.pipeline(transaction=False)
        for partition in range(partitions):
            pipeline.hgetall(undecided_key(partition))
        answers = await self._ask(pipeline.execute)
        if isinstance(answers, Away):
            return answers
        total: Counter[str] = Counter()
        for held in answers:
            total.update({operator.decode(): int(count) for operator, count in held.items()})
        return total

    def follow(self, registration_id: str) -> None:
        self._followed.add(registration_id)
        self._tell(registration_id)

    def unfollow(self, registration_id: str) -> None:
        self._followed.discard(registration_id)
        self._tell(registration_id)

    async def moved(self) -> AsyncIterator[str]:
        # Not redis-py's PubSub: who writes to its broken connection makes it anew, and so does who reads it, side by side.
        subscription: Any = self._redis.connection_pool.make_connection()
        try:
            await subscription.connect()
            # _WATCH is told nothing: its connection stays while nobody is followed, and so shows when Redis goes away.
            known = frozenset(self._followed)
            await _say(subscription, "SUBSCRIBE", _WATCH, *map(moved_channel, known))
            self._subscription = subscription
            for registration_id in known ^ self._followed:  # who came or went meanwhile
                await self._tell_followed(registration_id)
            while True:
                told = await subscription.read_response(timeout=math.inf, push_request=True, disconnect_on_error=False)
                if told and told[0] in _MAY_HAVE_MOVED and told[1] != _WATCH.encode():
                    yield told[1].decode("ascii", "replace").removeprefix(moved_channel(""))
        except (RedisError, OSError):
            self._sight.lose()
            return
        finally:
            async with self._following:  # not under the hands of who is telling it something
                self._subscription = None
                with contextlib.suppress(RedisError, OSError):
                    await subscription.disconnect(nowait=True)

    def _tell(self, registration_id: str) -> None:
        """In a task of its own: whose caller hangs up is cancelled wherever it waits, and then nobody would unsubscribe."""
        if self._subscription is not None:
            telling = asyncio.create_task(self._tell_followed(registration_id))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    async def _tell_followed(self, registration_id: str) -> None:
        """As it stands now: of several wishes for one id the last one counts. What cannot be told, `moved` finds out."""
        async with self._following:
            subscription = self._subscription
            if subscription is None or not subscription.is_connected:  # written to, it would connect itself anew
                return
            word = "SUBSCRIBE" if registration_id in self._followed else "UNSUBSCRIBE"
            with contextlib.suppress(RedisError, OSError):
                await _say(subscription, word, moved_channel(registration_id))

    async def close(self) -> None:
        """Let go of the connections."""
        if self._telling:
            await asyncio.wait(self._telling)
        await self._line.close()
        await self._redis.aclose()

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        """The answer, or AWAY; for a second after a failure at once, so that no request queues for a dead Redis."""
        if monotonic() < self._away_until_s:
            return AWAY
        try:
            return await question()
        except (RedisError, OSError, TimeoutError):
            self._away_until_s = monotonic() + _AWAY_S
            self._sight.lose()
            return AWAY


async def _say(subscription: Any, *words: str) -> None:
    await subscription.send_packed_command(subscription.pack_command(*words), check_health=False)


def _claim_key(registration_id: str) -> str:
    return f"rn:claim:{registration_id}"


def _issued_key(registration_id: str) -> str:
    return f"rn:issued:{registration_id}"
