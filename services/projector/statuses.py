"""Statuses in Redis, written only forwards: this package's only door to redis."""

# pyright: reportUnknownMemberType=false
# redis-py's own types are partial; they end in this file.
from __future__ import annotations

import contextlib
import secrets
from collections.abc import Generator, Sequence

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from realname.errors import Transient
from realname.stages import EPOCH_KEY
from realname.statuses import WRITE_FORWARDS_LUA, Status, write_arguments
from services.projector.loop import Written

ANSWER_S = 5.0
CONNECT_S = 1.0


class RedisStatuses:
    """`Statuses` on a real server."""

    def __init__(self, url: str) -> None:
        """Does not connect yet. It never tries twice by itself: the loop does, and knows of it."""
        self._redis = redis.Redis.from_url(
            url, socket_timeout=ANSWER_S, socket_connect_timeout=CONNECT_S, retry=Retry(NoBackoff(), 0)
        )
        self._script = ""

    def epoch(self) -> str:
        with _transient(), self._redis.pipeline(transaction=True) as pipe:
            pipe.set(EPOCH_KEY, secrets.token_hex(8), nx=True)
            pipe.get(EPOCH_KEY)
            return _text(pipe.execute()[1])

    def write(self, statuses: Sequence[Status]) -> Written:
        """One round trip. The epoch is read in the same MULTI, so it is the epoch of the store that took the statuses."""
        with _transient():
            try:
                return self._write(statuses)
            except NoScriptError:  # a new store does not know it yet; what was written is not written twice
                self._script = str(self._redis.script_load(WRITE_FORWARDS_LUA))
                return self._write(statuses)

    def close(self) -> None:
        """Let go of the connection."""
        self._redis.close()

    def _write(self, statuses: Sequence[Status]) -> Written:
        if not self._script:
            self._script = str(self._redis.script_load(WRITE_FORWARDS_LUA))
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.get(EPOCH_KEY)
            for status in statuses:
                key, argv = write_arguments(status)
                pipe.evalsha(self._script, 1, key, *argv)
            epoch, *moved = pipe.execute()
        return Written(_text(epoch), sum(int(each) for each in moved))


def _text(epoch: bytes | None) -> str:
    return (epoch or b"").decode()


@contextlib.contextmanager
def _transient() -> Generator[None]:
    try:
        yield
    except (RedisError, OSError):
        raise Transient("redis_silent") from None
