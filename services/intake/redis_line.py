"""One kept connection to Redis. Questions go out as they come and are answered in that order: nobody waits for a free connection.

redis-py connects (addresses, TLS, passwords), packs and parses; its pool, retries and time-outs cost several times as much
as the question itself, and are left out. What breaks or slows the line breaks it for all who have asked.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# redis-py's connections have partial types; they end in this file.

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LineBroken
from redis.exceptions import NoScriptError, RedisError, ResponseError

from realname.clock import monotonic
from realname.redis_lines import Script

_ASKED_MAX = 10_000  # unanswered at once; a Redis that is further behind is as good as away

Word = str | bytes | int


class _Asked(NamedTuple):
    answer: asyncio.Future[Any]
    at_s: float


class RedisLine:
    """Belongs to one event loop. Raises RedisError, OSError, TimeoutError: what Redis answered, or that it did not."""

    def __init__(self, url: str, *, answer_s: float, connect_s: float) -> None:
        """answer_s: an answer that takes longer breaks the line. Does not connect yet."""
        never = Retry(NoBackoff(), 0)
        self._pool = ConnectionPool.from_url(url, socket_timeout=None, socket_connect_timeout=connect_s, retry=never)
        self._answer_s = answer_s
        self._connection: Any = None
        self._connecting: asyncio.Task[None] | None = None
        self._asked: deque[_Asked] = deque()
        self._watching: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, *words: Word) -> Any:
        """The answer to one command, undecoded. Connects where there is no line."""
        connection = await self._line()
        if len(self._asked) >= _ASKED_MAX:
            raise LineBroken("too many have asked")
        loop = asyncio.get_running_loop()
        asked = _Asked(loop.create_future(), monotonic())
        self._asked.append(asked)
        if self._watching is None:
            self._watching = loop.call_later(self._answer_s, self._watch)
        # Nothing is waited for between _line and these bytes, so the order of answers is the order of _asked.
        await connection.send_packed_command(connection.pack_command(*words), check_health=False)
        return await asked.answer

    async def run(self, script: Script, keys: Sequence[Word], args: Sequence[Word]) -> Any:
        """What a script returns."""
        try:
            return await self.ask("EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:
            return await self.ask("EVAL", script.text, len(keys), *keys, *args)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        self._break(LineBroken("closed"))
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _line(self) -> Any:
        """The connection, with its reader.

        One that was cut would connect itself anew when written to, and its asker get an answer of the next line.
        """
        if self._connection is not None and not self._connection.is_connected:
            self._break(LineBroken("cut"))
        if self._connection is None:
            await self._connect()
        if self._connection is None or not self._connection.is_connected:
            raise LineBroken("cut as soon as it was made")
        return self._connection

    async def _connect(self) -> None:
        """One try for all who ask meanwhile."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._open())
            self._connecting.add_done_callback(self._on_opened)
        await asyncio.shield(self._connecting)

    async def _open(self) -> None:
        connection: Any = self._pool.make_connection()
        try:
            async with asyncio.timeout(self._answer_s):
                await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._connection = connection
        self._keep(asyncio.create_task(self._read(connection)))

    def _on_opened(self, opened: asyncio.Task[None]) -> None:
        self._connecting = None
        if not opened.cancelled():
            opened.exception()  # whoever asked has it, unless all of them have gone

    async def _read(self, connection: Any) -> None:
        """Hand each answer to whoever asked, until the line breaks."""
        try:
            while self._connection is connection:
                try:
                    found = await connection.read_response(timeout=math.inf)
                except ResponseError as refused:  # an answer, too
                    found = refused
                if self._connection is connection:
                    self._answer(found)
        except (RedisError, OSError) as error:
            if self._connection is connection:
                self._break(error)
        finally:
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)

    def _answer(self, found: Any) -> None:
        if not self._asked:
            self._break(LineBroken("an answer that nobody asked for"))
            return
        answer = self._asked.popleft().answer
        if answer.done():  # its asker has gone
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def _watch(self) -> None:
        """The oldest question has waited long enough, or is looked at again when it will have."""
        self._watching = None
        if not self._asked:
            return
        left_s = self._asked[0].at_s + self._answer_s - monotonic()
        if left_s <= 0:
            self._break(TimeoutError("Redis is slow"))
        else:
            self._watching = asyncio.get_running_loop().call_later(left_s, self._watch)

    def _break(self, error: Exception) -> None:
        """Nobody is left waiting. The reader lets go of the connection; the next question makes a new one."""
        connection, self._connection = self._connection, None
        asked, self._asked = self._asked, deque()
        for each in asked:
            if not each.answer.done():
                each.answer.set_exception(error)
                each.answer.exception()  # its asker may have gone: then nobody looks at it, which is fine
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if connection is not None:
            self._keep(asyncio.create_task(_let_go(connection)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _let_go(connection: Any) -> None:
    """Ends its reader, too."""
    with contextlib.suppress(RedisError, OSError):
        await connection.disconnect(nowait=True)
