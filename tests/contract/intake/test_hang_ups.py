"""Who waits for a status and goes away: nothing stays behind in a real Valkey."""

from __future__ import annotations

import asyncio

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

        async def until(count: int) -> None:
            async with asyncio.timeout(10):
                while len(channels & set(watched.pubsub_channels())) != count:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

        running = asyncio.create_task(statuses.run())
        async with create_task_group() as callers:  # as Litestar streams: cancelled anew wherever it waits
            for each in identities:
                callers.start_soon(stream, each)
            await until(len(identities))
            callers.cancel_scope.cancel()
        await until(0)
        running.cancel()
        await asyncio.wait({running})
        await scratch.close()

    asyncio.run(body())
