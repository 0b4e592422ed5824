"""The one line to Redis, on a real Valkey: everybody gets their own answer, and nobody is left waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from redis.exceptions import RedisError, ResponseError

from deploy.local.valkey import Valkey
from realname.redis_lines import Script
from services.intake.redis_line import RedisLine

ECHO = Script("return ARGV[1]")


def on_line(valkey: Valkey, body: Callable[[RedisLine], Awaitable[None]], *, answer_s: float = 5.0) -> None:
    async def run() -> None:
        line = RedisLine(valkey.url, answer_s=answer_s, connect_s=1.0)
        try:
            async with asyncio.timeout(30):
                await body(line)
        finally:
            await line.close()

    asyncio.run(run())


def test_of_many_who_ask_at_once_each_gets_its_own_answer(valkey: Valkey) -> None:
    async def body(line: RedisLine) -> None:
        words = [f"{number}-".encode() * number for number in range(300)]
        assert await asyncio.gather(*(line.ask("ECHO", word) for word in words)) == words

    on_line(valkey, body)


def test_a_question_that_redis_refuses_is_refused_alone(valkey: Valkey) -> None:
    async def body(line: RedisLine) -> None:
        answers = await asyncio.gather(line.ask("ECHO", "a"), line.ask("NONSENSE"), line.ask("ECHO", "b"), return_exceptions=True)
        assert answers[0::2] == [b"a", b"b"]
        assert isinstance(answers[1], ResponseError)

    on_line(valkey, body)


def test_a_script_that_the_server_has_forgotten_runs_all_the_same(own_valkey: Valkey) -> None:
    async def body(line: RedisLine) -> None:
        assert await line.run(ECHO, [], ["first"]) == b"first"
        own_valkey.client().script_flush()
        assert await asyncio.gather(*(line.run(ECHO, [], [str(number)]) for number in range(5))) == [b"0", b"1", b"2", b"3", b"4"]

    on_line(own_valkey, body)


def test_who_goes_away_leaves_everybody_elses_answer_as_it_is(valkey: Valkey) -> None:
    async def body(line: RedisLine) -> None:
        await line.ask("PING")
        asked = [asyncio.create_task(line.ask("ECHO", str(number))) for number in range(20)]
        await asyncio.sleep(0)
        for task in asked[::3]:
            task.cancel()
        left = [task for place, task in enumerate(asked) if place % 3]
        assert await asyncio.gather(*left) == [str(place).encode() for place in range(20) if place % 3]
        assert await line.ask("ECHO", "after") == b"after"

    on_line(valkey, body)


def test_a_line_that_is_cut_is_an_error_to_all_who_wait_and_a_new_one_to_the_next(own_valkey: Valkey) -> None:
    async def body(line: RedisLine) -> None:
        await line.ask("PING")
        waiting = [asyncio.create_task(line.ask("BLPOP", "nothing", 0)) for _ in range(3)]
        client = own_valkey.client()
        while client.info("clients")["blocked_clients"] == 0:  # noqa: ASYNC110 - another process's count
            await asyncio.sleep(0.01)
        client.client_kill_filter(_type="normal", skipme=True)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(answer, RedisError) for answer in answers), answers
        assert await line.ask("ECHO", "again") == b"again"

    on_line(own_valkey, body)


def test_a_line_that_was_cut_while_nobody_asked_is_made_again(own_valkey: Valkey) -> None:
    async def body(line: RedisLine) -> None:
        client = own_valkey.client()
        await line.ask("PING")
        client.client_kill_filter(_type="normal", skipme=True)
        while line._connection is not None:  # noqa: ASYNC110 - until it has heard of it
            await asyncio.sleep(0.01)
        assert await line.ask("ECHO", "again") == b"again"

    on_line(own_valkey, body)


def test_no_more_wait_for_an_answer_than_the_bound(own_valkey: Valkey) -> None:
    async def body(line: RedisLine) -> None:
        await line.ask("PING")
        own_valkey.freeze()
        asked = [asyncio.create_task(line.ask("PING")) for _ in range(10_000)]
        await asyncio.sleep(0)
        with pytest.raises(RedisError, match="too many"):
            await line.ask("PING")
        own_valkey.thaw()
        assert set(await asyncio.gather(*asked)) == {b"PONG"}

    try:
        on_line(own_valkey, body, answer_s=20.0)
    finally:
        own_valkey.thaw()


def test_a_server_that_is_silent_is_waited_for_no_longer_than_the_bound(own_valkey: Valkey) -> None:
    async def body(line: RedisLine) -> None:
        loop = asyncio.get_running_loop()
        await line.ask("PING")
        own_valkey.freeze()
        began = loop.time()
        answers = await asyncio.gather(*(line.ask("PING") for _ in range(5)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [TimeoutError] * 5
        with pytest.raises(TimeoutError):
            await line.ask("PING")  # connects anew: the system takes the connection, the server is silent
        assert loop.time() - began < 3.0
        own_valkey.thaw()
        assert await line.ask("ECHO", "back") == b"back"

    try:
        on_line(own_valkey, body, answer_s=0.4)
    finally:
        own_valkey.thaw()


async def cut_first_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lines: list[int]) -> None:
    """A server that echoes. It lets go of its first line with the last word of the handshake, as behind a proxy one may."""
    lines.append(len(lines))
    is_first = len(lines) == 1
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while count := await reader.readline():
            words = [await word_of(reader) for _ in range(int(count[1:]))]
            writer.write(b"$%d\r\n%b\r\n" % (len(words[1]), words[1]) if words[0] == b"ECHO" else b"+OK\r\n")
            if is_first and b"LIB-VER" in words:
                break
    writer.close()


async def word_of(reader: asyncio.StreamReader) -> bytes:
    size_bytes = int((await reader.readline())[1:])
    return (await reader.readexactly(size_bytes + 2))[:-2]


def test_a_line_that_is_cut_as_soon_as_it_is_made_gives_nobody_the_answer_of_another() -> None:
    """A connection of redis-py that was cut connects itself anew when it is written to, and nobody reads there."""

    async def body() -> None:
        lines: list[int] = []
        server = await asyncio.start_server(lambda reader, writer: cut_first_line(reader, writer, lines), "127.0.0.1", 0)
        line = RedisLine(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0?protocol=2", answer_s=1.0, connect_s=1.0)
        words = [str(number).encode() for number in range(8)]
        asked: list[asyncio.Task[bytes]] = []
        for word in words:
            asked.append(asyncio.create_task(line.ask("ECHO", word)))
            await asyncio.sleep(0.02)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(answer, Exception) or answer == word for word, answer in zip(words, answers, strict=True)), answers
        assert isinstance(answers[0], RedisError), "the test has cut nothing"
        assert await line.ask("ECHO", "after") == b"after"
        assert len(lines) == 2, "one line at a time"
        await line.close()
        server.close()

    asyncio.run(asyncio.wait_for(body(), 10))


def test_where_there_is_no_server_all_who_ask_hear_it_at_once() -> None:
    async def body() -> None:
        line = RedisLine("redis://127.0.0.1:1/0", answer_s=5.0, connect_s=1.0)
        answers = await asyncio.gather(*(line.ask("PING") for _ in range(5)), return_exceptions=True)
        assert all(isinstance(answer, RedisError | OSError) for answer in answers), answers
        await line.close()

    asyncio.run(asyncio.wait_for(body(), 5))
