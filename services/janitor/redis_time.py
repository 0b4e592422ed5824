"""Redis TIME: this package's only door to redis."""
# pyright: reportUnknownMemberType=false
# redis-py's own types are partial; they end in this file.

from __future__ import annotations

from datetime import UTC, datetime

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from realname.errors import Transient

ANSWER_S = 1.0


class RedisTime:
    """Asks once and does not try again by itself."""

    def __init__(self, url: str) -> None:
        """Does not connect yet."""
        self._redis = redis.Redis.from_url(
            url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=Retry(NoBackoff(), 0)
        )

    def __call__(self) -> datetime:
        """The server's time. Raises Transient."""
        try:
            seconds, microseconds = self._redis.time()
        except (RedisError, OSError):
            raise Transient("redis_silent") from None
        return datetime.fromtimestamp(seconds + microseconds / 1e6, tz=UTC)
