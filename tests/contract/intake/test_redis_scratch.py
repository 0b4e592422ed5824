"""Scratch: one suite on the fake and on a real Valkey. And what only a real one can do: be away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest

from deploy.local.valkey import Valkey
from realname.stages import undecided_key
from realname.statuses import Status
from services.intake.known import Seen
from services.intake.scratch import AWAY, RedisScratch, Scratch
from services.intake.status import status_of_submitted
from tests.builders import NOON, a_submission, an_id
from tests.fakes.intake_scratch import FakeScratch

Body = Callable[[Scratch], Awaitable[None]]
DATABASE = "/7"  # counts of partitions are shared names: a database of our own


@pytest.fixture(params=["fake", "real"])
def run(request: pytest.FixtureRequest) -> Callable[[Body], None]:
    """Runs a body on the scratch in question."""
    if request.param == "fake":
        return lambda body: asyncio.run(body(FakeScratch()))  # type: ignore[arg-type]
    valkey: Valkey = request.getfixturevalue("valkey")

    async def on_real(body: Body) -> None:
        scratch = RedisScratch(valkey.url.removesuffix("/0") + DATABASE)
        try:
            await body(scratch)
        finally:
            await scratch.close()

    return lambda body: asyncio.run(on_real(body))


def a_status(registration_id: str, **changes) -> Status:
    first = status_of_submitted(a_submission(registration_id, fingerprint="a" * 64))
    return msgspec.structs.replace(first, **changes)


def test_the_first_claim_holds_and_the_second_sees_it(run) -> None:
    async def body(scratch: Scratch) -> None:
        identity = an_id()
        await scratch.remember_issued(identity, 60)
        assert await scratch.claim(identity, "first") == Seen(None, False, None, True)
        assert await scratch.claim(identity, "second") == Seen("first", False, None, True)
        assert await scratch.claim(identity, "first") == Seen("first", False, None, True)

    run(body)


def test_of_claims_at_once_exactly_one_is_the_first(run) -> None:
    async def body(scratch: Scratch) -> None:
        identity = an_id()
        seen = await asyncio.gather(*(scratch.claim(identity, f"print-{number}") for number in range(20)))
        assert sum(isinstance(each, Seen) and each.claimed_by is None for each in seen) == 1

    run(body)


def test_an_id_that_was_not_issued_since_redis_lost_its_data_is_not_remembered(run) -> None:
    async def body(scratch: Scratch) -> None:
        assert await scratch.claim(an_id(), "print") == Seen(None, False, None, False)

    run(body)


def test_a_claim_is_released_by_its_own_fingerprint_alone(run) -> None:
    async def body(scratch: Scratch) -> None:
        identity = an_id()
        await scratch.claim(identity, "first")
        await scratch.release(identity, "second")
        assert await scratch.claim(identity, "second") == Seen("first", False, None, False)
        await scratch.release(identity, "first")
        assert await scratch.claim(identity, "second") == Seen(None, False, None, False)

    run(body)


def test_a_status_moves_forwards_only_and_its_fingerprint_stays(run) -> None:
    async def body(scratch: Scratch) -> None:
        identity = an_id()
        assert await scratch.status(identity) is None
        await scratch.write(a_status(identity, step="matching", fingerprint=None))
        await scratch.write(a_status(identity))
        found = await scratch.status(identity)
        assert isinstance(found, Status)
        assert found.step == "matching", "submitted came late"
        await scratch.write(a_status(identity, step="decided", verdict="approved", at=NOON + timedelta(seconds=9)))
        found = await scratch.status(identity)
        assert isinstance(found, Status)
        assert (found.step, found.verdict) == ("decided", "approved")
        assert await scratch.claim(identity, "b") == Seen(None, True, "a" * 64, False)

    run(body)


def test_a_status_without_fingerprint_says_that_it_was_accepted_and_not_as_what(run) -> None:
    async def body(scratch: Scratch) -> None:
        identity = an_id()
        await scratch.write(a_status(identity, step="decided", fingerprint=None))
        assert await scratch.claim(identity, "b") == Seen(None, True, None, False)

    run(body)


def test_who_follows_an_id_hears_of_it_once_at_first_and_then_each_time_it_moves_forwards(run) -> None:
    async def body(scratch: Scratch) -> None:
        followed, last = an_id(), an_id()
        async with hearing(scratch) as heard:
            scratch.follow(followed)
            assert await heard.get() == followed, "a look from now on misses nothing"
            scratch.follow(last)
            assert await heard.get() == last
            for step in ("submitted", "matching", "liveness", "decided"):
                await scratch.write(a_status(followed, step=step))
            await scratch.write(a_status(last))
            assert [await heard.get() for _ in range(4)] == [followed] * 3 + [last], "a step back is no move"

    run(body)


def test_of_what_nobody_follows_nobody_hears(run) -> None:
    async def body(scratch: Scratch) -> None:
        followed, left, other = an_id(), an_id(), an_id()
        async with hearing(scratch) as heard:
            scratch.follow(left)
            assert await heard.get() == left
            scratch.unfollow(left)
            scratch.follow(followed)
            assert await heard.get() == followed
            for each in (left, other, followed):
                await scratch.write(a_status(each))
            assert await heard.get() == followed

    run(body)


def test_what_was_followed_before_anybody_listened_is_heard(run) -> None:
    async def body(scratch: Scratch) -> None:
        early = an_id()
        scratch.follow(early)
        async with hearing(scratch) as heard:
            assert await heard.get() == early
            await scratch.write(a_status(early))
            assert await heard.get() == early

    run(body)


def test_of_two_wishes_for_one_id_the_last_counts(run) -> None:
    async def body(scratch: Scratch) -> None:
        identity, last = an_id(), an_id()
        async with hearing(scratch) as heard:
            scratch.follow(last)
            assert await heard.get() == last
            for wish in (scratch.follow, scratch.unfollow, scratch.follow):
                wish(identity)
            assert await heard.get() == identity
            await scratch.write(a_status(identity))
            await scratch.write(a_status(last))
            told = [await heard.get()]
            while told[-1] != last:
                told.append(await heard.get())
            assert told[-2] == identity

    run(body)


@contextlib.asynccontextmanager
async def hearing(scratch: Scratch) -> AsyncGenerator[asyncio.Queue[str]]:
    """What `moved` tells, as it comes; within ten seconds."""
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def listen() -> None:
        async for registration_id in scratch.moved():
            await heard.put(registration_id)

    listening = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(10):
            yield heard
    finally:
        listening.cancel()
        await asyncio.wait({listening})


def test_counts_are_summed_over_partitions(valkey: Valkey) -> None:
    client = valkey.client()
    client.select(7)
    for partition, counts in enumerate(({"north": 3, "harbor": 1}, {"north": 4}, {})):
        client.delete(undecided_key(partition))
        if counts:
            client.hset(undecided_key(partition), mapping=counts)

    async def read() -> object:
        scratch = RedisScratch(valkey.url.removesuffix("/0") + DATABASE)
        try:
            return await scratch.undecided(3)
        finally:
            await scratch.close()

    assert asyncio.run(read()) == {"north": 7, "harbor": 1}


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_redis_that_is_away_is_an_answer_and_soon_no_wait(own_valkey: Valkey, how: str) -> None:
    async def body() -> list[float]:
        scratch = RedisScratch(own_valkey.url)
        loop = asyncio.get_running_loop()
        assert await scratch.status(an_id()) is None
        if how == "killed":
            own_valkey.kill9()
        else:
            own_valkey.freeze()
        took: list[float] = []
        for _ in range(5):
            began = loop.time()
            assert await scratch.status(an_id()) is AWAY
            assert await scratch.claim(an_id(), "x") is AWAY
            await scratch.write(a_status(an_id()))
            took.append(loop.time() - began)
        await scratch.close()
        return took

    took = asyncio.run(body())
    own_valkey.thaw()
    assert sorted(took)[2] < 0.1, "after the first nobody queues for it"


def test_marks_of_before_a_gap_are_not_relied_on(own_valkey: Valkey) -> None:
    """What is broken? Redis is silent for a while and comes back with all its keys. What must still be true? A challenge
    that was issued before is asked of Kafka (somebody may have been accepted meanwhile), one of after it is not."""

    async def body() -> None:
        scratch = RedisScratch(own_valkey.url)
        before, after = an_id(), an_id()
        await scratch.remember_issued(before, 60)
        own_valkey.freeze()
        assert await scratch.claim(before, "first") is AWAY
        own_valkey.thaw()
        async with asyncio.timeout(10):
            while await scratch.status(before) is AWAY:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await scratch.remember_issued(after, 60)
        for registration_id, remembered in ((before, False), (after, True)):
            seen = await scratch.claim(registration_id, "second")
            assert isinstance(seen, Seen)
            assert seen.remembered is remembered
        await scratch.close()

    try:
        asyncio.run(body())
    finally:
        own_valkey.thaw()


def test_a_process_that_has_just_started_relies_on_no_mark_of_before(valkey: Valkey) -> None:
    async def body() -> None:
        first, second = RedisScratch(valkey.url), RedisScratch(valkey.url)
        before, after = an_id(), an_id()
        await first.remember_issued(before, 60)
        await second.remember_issued(an_id(), 60)
        await first.remember_issued(after, 60)
        seen = [await second.claim(registration_id, "print") for registration_id in (before, after)]
        assert seen == [Seen(None, False, None, False), Seen(None, False, None, True)]
        await first.close()
        await second.close()

    asyncio.run(body())


def test_a_subscription_that_breaks_is_a_gap_and_one_that_is_quiet_is_none(own_valkey: Valkey) -> None:
    async def body() -> None:
        scratch = RedisScratch(own_valkey.url)
        identity = an_id()
        await scratch.remember_issued(identity, 60)
        listening = asyncio.create_task(anext(scratch.moved(), None))
        await asyncio.wait({listening}, timeout=2.5)
        assert not listening.done()
        assert await scratch.claim(identity, "print") == Seen(None, False, None, True)
        own_valkey.client().client_kill_filter(_type="pubsub")
        assert await listening is None
        seen = await scratch.claim(identity, "print")
        assert seen == Seen("print", False, None, False)
        await scratch.close()

    asyncio.run(body())


def test_a_redis_that_comes_back_is_used_again(own_valkey: Valkey) -> None:
    async def body() -> None:
        scratch = RedisScratch(own_valkey.url)
        own_valkey.kill9()
        assert await scratch.status(an_id()) is AWAY
        own_valkey.start()
        own_valkey.wait_ready()
        async with asyncio.timeout(10):
            while await scratch.status(an_id()) is AWAY:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await scratch.close()

    asyncio.run(body())
