"""Who waits for a status and goes away, and a subscription that breaks meanwhile: nothing stays behind, nobody has an error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from anyio import create_task_group

from deploy.local.valkey import Valkey
from realname.statuses import moved_channel
from services.intake.auth import Caller
from services.intake.problems import Problem
from services.intake.scratch import RedisScratch
from services.intake.seats import Seats
from services.intake.status import Statuses, status_of_submitted
from tests.builders import NOON, a_submission, an_id
from tests.fakes.intake import FakePublisher, FakeStatusLog


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not check():  # noqa: ASYNC110 - it is the server's to say
            await asyncio.sleep(0.02)


def test_callers_who_hang_up_all_at_once_leave_nothing_subscribed(valkey: Valkey) -> None:
    async def body() -> None:
        scratch, watched = RedisScratch(valkey.url), valkey.client()
        statuses = Statuses(scratch, FakeStatusLog(FakePublisher()), clock=lambda: NOON, seats=Seats(50))
        identities = [an_id() for _ in range(50)]
        channels = {moved_channel(each).encode() for each in identities}

        async def stream(identity: str) -> None:
            await scratch.write(status_of_submitted(a_submission(identity)))
            events = await statuses.events(Caller("north", "till", "*"), identity, 0)
            assert not isinstance(events, Problem)
            async for _ in events:
                pass

        running = asyncio.create_task(statuses.run())
        async with create_task_group() as callers:  # as Litestar streams: cancelled anew wherever it waits
            for each in identities:
                callers.start_soon(stream, each)
            await until(lambda: channels <= set(watched.pubsub_channels()))
            callers.cancel_scope.cancel()
        await until(lambda: not channels & set(watched.pubsub_channels()))
        running.cancel()
        await asyncio.wait({running})
        await scratch.close()

    asyncio.run(body())


def test_who_comes_or_goes_while_the_subscription_breaks_has_no_error_and_what_is_followed_then_is_heard(
    own_valkey: Valkey,
) -> None:
    async def body() -> None:
        scratch, server = RedisScratch(own_valkey.url), own_valkey.client()
        errors: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        statuses = Statuses(scratch, FakeStatusLog(FakePublisher()), clock=lambda: NOON, seats=Seats(50))
        running = asyncio.create_task(statuses.run())
        followed: list[str] = []
        for _ in range(4):
            await until(lambda: bool(server.pubsub_channels()))
            gone = [an_id() for _ in range(40)]
            for each in gone:
                scratch.follow(each)
            await asyncio.sleep(0.02)
            server.client_kill_filter(_type="pubsub")
            for each in gone:
                scratch.unfollow(each)
                followed.append(an_id())
                scratch.follow(followed[-1])
                await asyncio.sleep(0)
        await until(lambda: set(server.pubsub_channels("rn:moved:*")) == {moved_channel(each).encode() for each in followed})
        running.cancel()
        await asyncio.wait({running})
        await scratch.close()
        assert errors == []

    asyncio.run(body())
