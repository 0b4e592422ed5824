# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# redis-py's connections answer anything.
"""Scripts over kept connections to Redis, one a thread: redis-py's client around each command is about half of what one costs.

The one door of this package to redis: workers and services must not import each other, and both talk to it in this way.

An EVALSHA through the client takes 0.09 ms of CPU, over a kept connection 0.05 (redis-py 8.1 with hiredis, a SET of 2.5 kB; 0.14
and 0.07 without hiredis; python -m bench.hops shows it in the whole): the client takes a connection from its pool, looks
whether it is broken, and gives it back, each time.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, NamedTuple

import redis
from redis.exceptions import NoScriptError, ResponseError


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script. Redis knows it by its digest after its first run."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        """SHA-1 is what Redis names scripts by."""
        object.__setattr__(self, "sha", sha1(self.text.encode(), usedforsecurity=False).hexdigest())


class Call(NamedTuple):
    """One run of a script."""

    script: Script
    keys: Sequence[str]
    args: Sequence[Any]

    @property
    def words(self) -> tuple[Any, ...]:
        """By its digest."""
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.args)


class Command(NamedTuple):
    """Any other command."""

    words: tuple[Any, ...]


BROKEN = (redis.ConnectionError, redis.TimeoutError, OSError)
CUT = (redis.ConnectionError,)  # not what is slow: whoever comes round again by themselves wait once


class Lines:
    """Safe for many threads: each has a connection of its own, which stays open as long as the pool."""

    def __init__(self, pool: redis.ConnectionPool, *, again_after: tuple[type[Exception], ...] = BROKEN) -> None:
        """Does not connect yet. pool: of clients that answer bytes; its timeouts hold here too. again_after: see run_all."""
        self._pool: Any = pool
        self._again_after = again_after
        self._own = threading.local()

    def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Its answer. Raises redis.RedisError, also for an answer that is an error; see run_all."""
        [answer] = self.ask_all(Call(script, keys, args))
        return answer

    def ask_all(self, *calls: Call | Command) -> list[Any]:
        """As run_all, but the first answer that is an error is raised."""
        answers = self.run_all(*calls) if calls else []
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def run_all(self, *calls: Call | Command) -> list[Any]:
        """The answers, in order, in one round trip; an answer that is an error is in its place, not raised.

        A script that Redis does not know yet runs after the other calls, so none may rely on it.
        After an error of `again_after` they are made once more, since the connection may be to a server that went away long
        ago: so each call must be safe to repeat. Raises redis.ConnectionError, redis.TimeoutError.
        """
        line = self._line()
        try:
            return self._run(line, calls)
        except self._again_after:
            return self._run(line, calls)

    def _line(self) -> Any:
        line = getattr(self._own, "line", None)
        if line is None:
            line = self._own.line = self._pool.get_connection()
        return line

    def _run(self, line: Any, calls: Sequence[Call | Command]) -> list[Any]:
        try:
            answers = _exchange(line, [call.words for call in calls])
            for place, answer in enumerate(answers):
                call = calls[place]
                if isinstance(answer, NoScriptError) and isinstance(call, Call):
                    [answers[place]] = _exchange(line, [("EVAL", call.script.text, len(call.keys), *call.keys, *call.args)])
        except BaseException:
            with suppress(Exception):
                line.disconnect()  # what it answers later would be taken for another call's answer
            raise
        return answers


def _exchange(line: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    line.send_packed_command(line.pack_commands(commands))
    return [_answer(line) for _ in commands]


def _answer(line: Any) -> Any:
    try:
        return line.read_response()
    except ResponseError as error:
        return error
