"""Publisher and status log: one suite on the fakes and on a real broker. And outages, which only a real one has."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from deploy.local.kafka import Broker
from deploy.local.topics import create_topics
from realname import ids
from realname.envelope import Record, seal_record
from realname.errors import Transient
from realname.messages import RegistrationDecided
from realname.topics import MESSAGE_BYTES_MAX, Topic
from services.intake.publisher import KafkaPublisher, Outcome, Publisher
from services.intake.status_log import KafkaStatusLog, StatusLog
from tests.builders import a_submission, an_id
from tests.fakes.intake import FakePublisher, FakeStatusLog
from tests.transactions import Transactions, a_decision

PARTITIONS = 3
WITHIN_S = 2.0


class Ports(NamedTuple):
    """Both ports on the same ledger. decide: commits (or aborts) a decision."""

    publisher: Publisher
    log: StatusLog
    decide: Callable[[RegistrationDecided, bool], None]


Body = Callable[[Ports], Awaitable[None]]


@pytest.fixture(params=["fake", "real"])
def run(request: pytest.FixtureRequest) -> Callable[[Body], None]:
    """Runs a body on the ports in question."""
    if request.param == "fake":
        return lambda body: asyncio.run(on_fakes(body))
    broker: Broker = request.getfixturevalue("kafka")
    prefix: str = request.getfixturevalue("prefix")
    return lambda body: asyncio.run(on_broker(body, broker, prefix))


async def on_fakes(body: Body) -> None:
    publisher = FakePublisher()
    log = FakeStatusLog(publisher)

    def decide(decided: RegistrationDecided, commits: bool) -> None:  # noqa: FBT001 - as the port has it
        if commits:
            log.decisions[decided.id] = decided

    await body(Ports(publisher, log, decide))


async def on_broker(body: Body, broker: Broker, prefix: str) -> None:
    submitted, decisions = (Topic(prefix + name, PARTITIONS, 86_400_000, log_append_time=True) for name in ("s", "d"))
    create_topics(broker.bootstrap, (submitted, decisions))
    writer = Transactions(broker.bootstrap)

    def decide(decided: RegistrationDecided, commits: bool) -> None:  # noqa: FBT001
        line = (ids.partition_of(decided.id, PARTITIONS), seal_record(decided, key=decided.id))
        writer.write(decisions.name, [line], commits=commits)

    log = KafkaStatusLog(broker.bootstrap, PARTITIONS, accepted_within_s=1200, submitted=submitted.name, decided=decisions.name)
    async with running(broker, submitted.name) as publisher:
        await body(Ports(publisher, log, decide))
    await log.close()


@contextlib.asynccontextmanager
async def running(broker: Broker, topic: str) -> AsyncGenerator[KafkaPublisher]:
    publisher = KafkaPublisher(broker.bootstrap, within_s=WITHIN_S, topic=topic)
    task = asyncio.create_task(publisher.run())
    try:
        await ready(publisher)
        yield publisher
    finally:
        task.cancel()
        await publisher.close()


async def ready(publisher: Publisher, *, wanted: bool = True, within_s: float = 40) -> None:
    async with asyncio.timeout(within_s):
        while publisher.is_ready is not wanted:  # noqa: ASYNC110 - a port's property, with no event
            await asyncio.sleep(0.05)


def now_id(age_s: float = 0) -> str:
    return an_id(datetime.now(UTC) - timedelta(seconds=age_s))


def a_record(identity: str, **changes) -> Record:
    return seal_record(a_submission(identity, **changes), key=identity)


async def publish(publisher: Publisher, identity: str, **changes) -> Outcome:
    return await publisher.publish(a_record(identity, **changes), ids.partition_of(identity, PARTITIONS))


def test_what_was_acknowledged_is_found_by_its_id(run) -> None:
    async def body(ports: Ports) -> None:
        known = [now_id() for _ in range(10)]
        assert await asyncio.gather(*(publish(ports.publisher, identity) for identity in known)) == ["acknowledged"] * 10
        found = await asyncio.gather(*(ports.log.submitted(identity) for identity in known))
        assert [submitted.id for submitted in found if submitted] == known

    run(body)


def test_an_unknown_id_is_not_found_again_and_again(run) -> None:
    async def body(ports: Ports) -> None:
        await publish(ports.publisher, now_id())
        for _ in range(3):
            assert await ports.log.submitted(now_id()) is None
            assert await ports.log.decided(now_id()) is None

    run(body)


def test_the_first_record_of_an_id_is_the_one_that_counts(run) -> None:
    async def body(ports: Ports) -> None:
        identity = now_id()
        await publish(ports.publisher, identity, fingerprint="a" * 64)
        await publish(ports.publisher, identity, fingerprint="b" * 64)
        found = await ports.log.submitted(identity)
        assert found is not None
        assert found.fingerprint == "a" * 64

    run(body)


def test_an_id_is_found_also_when_it_was_handed_in_late(run) -> None:
    async def body(ports: Ports) -> None:
        identity = now_id(age_s=500)
        await publish(ports.publisher, identity)
        found = await ports.log.submitted(identity)
        assert found is not None

    run(body)


def test_a_decision_is_found_once_it_is_committed(run) -> None:
    async def body(ports: Ports) -> None:
        undecided, decided = now_id(), now_id()
        ports.decide(a_decision(undecided), False)
        assert await ports.log.decided(undecided) is None, "an aborted one is none"
        ports.decide(a_decision(decided), True)
        async with asyncio.timeout(20):
            while (found := await ports.log.decided(decided)) is None:  # the marker follows the commit's answer
                pass
        assert (found.id, found.verdict) == (decided, "approved")

    run(body)


def test_many_questions_at_once_are_answered_together(run) -> None:
    async def body(ports: Ports) -> None:
        known = [now_id() for _ in range(30)]
        for identity in known:
            await publish(ports.publisher, identity)
        asked = [*known, *(now_id() for _ in range(30))]
        found = await asyncio.gather(*(ports.log.submitted(identity) for identity in asked))
        assert [submitted is not None for submitted in found] == [True] * 30 + [False] * 30

    run(body)


def test_before_it_has_looked_at_the_broker_nothing_is_sent() -> None:
    publisher = KafkaPublisher("127.0.0.1:1", within_s=WITHIN_S)
    assert not publisher.is_ready
    assert asyncio.run(publish(publisher, now_id())) == "not_sent"


def test_a_record_that_is_too_large_is_refused_and_casts_no_doubt_on_kafka(kafka: Broker, prefix: str) -> None:
    topic = Topic(f"{prefix}large", PARTITIONS, 86_400_000, log_append_time=True)
    create_topics(kafka.bootstrap, (topic,))

    async def body() -> None:
        async with running(kafka, topic.name) as publisher:
            for size_bytes, outcome in ((MESSAGE_BYTES_MAX - 200, "acknowledged"), *[(MESSAGE_BYTES_MAX, "not_sent")] * 4):
                fat = Record(b"k", b"x" * size_bytes, [])
                assert await publisher.publish(fat, partition=0) == outcome
                assert publisher.is_ready, "the others go on"
                assert await publisher.publish(a_record(now_id()), partition=0) == "acknowledged"

    asyncio.run(body())


class _Narrow(Topic):
    """A topic that takes less than it is declared to."""

    @property
    def config(self) -> dict[str, str]:
        return super().config | {"max.message.bytes": "50000"}


def test_a_broker_that_takes_less_than_declared_is_not_silent_for_that(kafka: Broker, prefix: str) -> None:
    topic = _Narrow(f"{prefix}narrow", PARTITIONS, 86_400_000, log_append_time=True)
    create_topics(kafka.bootstrap, (topic,))

    async def body() -> None:
        async with running(kafka, topic.name) as publisher:
            assert await publisher.publish(Record(b"k", b"x" * 100_000, []), partition=0) == "not_sent"
            assert publisher.is_ready, "the others go on"
            async with asyncio.timeout(20):
                while await publisher.publish(a_record(now_id()), partition=0) != "acknowledged":  # noqa: ASYNC110 - no event tells
                    await asyncio.sleep(0.2)

    asyncio.run(body())


def test_a_missing_topic_is_not_ready(kafka: Broker, prefix: str) -> None:
    publisher = KafkaPublisher(kafka.bootstrap, within_s=WITHIN_S, topic=prefix + "missing")
    assert not publisher._look()
    asyncio.run(publisher.close())


def test_where_no_broker_answers_nobody_knows() -> None:
    log = KafkaStatusLog("127.0.0.1:1", PARTITIONS, accepted_within_s=60)
    with pytest.raises(Transient):
        asyncio.run(log.submitted(now_id()))


def test_a_look_that_ends_by_a_bug_leaves_nobody_waiting() -> None:
    async def body() -> None:
        log = KafkaStatusLog("127.0.0.1:1", partitions=0, accepted_within_s=60)  # no partition: the look cannot but break
        async with asyncio.timeout(5):
            for _ in range(2):
                asked = await asyncio.gather(*(log.submitted(now_id()) for _ in range(3)), return_exceptions=True)
                assert [type(answer) for answer in asked] == [Transient] * 3
        await log.close()

    asyncio.run(body())


def test_who_asks_does_not_wait_longer_than_its_bound() -> None:
    async def body(silent: socket.socket) -> float:
        port = silent.getsockname()[1]
        log = KafkaStatusLog(f"127.0.0.1:{port}", PARTITIONS, accepted_within_s=60, answer_within_s=0.2)
        began = asyncio.get_running_loop().time()
        with pytest.raises(Transient):
            await log.submitted(now_id())
        took = asyncio.get_running_loop().time() - began
        await log.close()
        return took

    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        assert asyncio.run(body(silent)) < 1.5, "the look itself gives up after 3 s at the earliest"


def test_a_record_that_this_process_cannot_read_is_there_all_the_same(kafka: Broker, prefix: str) -> None:
    async def body(ports: Ports) -> None:
        identity = now_id()
        record = a_record(identity)
        newer = [(name, b"realname.registration.submitted.v9" if name == "ce_type" else value) for name, value in record.headers]
        await ports.publisher.publish(record._replace(headers=newer), ids.partition_of(identity, PARTITIONS))
        with pytest.raises(Transient):
            await ports.log.submitted(identity)

    asyncio.run(on_broker(body, kafka, prefix))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_broker_that_goes_away_is_noticed_and_used_again_when_it_is_back(own_kafka: Broker, how: str) -> None:
    """What is broken? The broker dies, or keeps its connections and is silent. What must still be true? A publish is
    doubtful within its bound, is_ready says no, and when the broker is back publishing works without a restart of the process,
    on a producer made anew, whose predecessor has left no thread."""
    topic = Topic("outage", PARTITIONS, 86_400_000, log_append_time=True)
    create_topics(own_kafka.bootstrap, (topic,))

    async def body() -> None:
        loop = asyncio.get_running_loop()
        async with running(own_kafka, topic.name) as publisher:
            assert await publish(publisher, now_id()) == "acknowledged"
            await asyncio.to_thread(own_kafka.kill9 if how == "killed" else own_kafka.freeze)
            began = loop.time()
            first = publisher._producer
            assert await asyncio.gather(*(publish(publisher, now_id()) for _ in range(4))) == ["doubtful"] * 4
            assert loop.time() - began < WITHIN_S + 1
            await ready(publisher, wanted=False, within_s=8)
            async with asyncio.timeout(8):
                while publisher._producer is first:  # noqa: ASYNC110 - the look's thread makes it
                    await asyncio.sleep(0.05)
            await asyncio.to_thread(own_kafka.start if how == "killed" else own_kafka.thaw)
            await asyncio.to_thread(own_kafka.wait_ready)
            await ready(publisher)
            outcomes = [await publish(publisher, now_id()) for _ in range(6)]
            assert outcomes[-1] == "acknowledged", outcomes
            assert [each.name for each in threading.enumerate()].count("kafka-reports") == 1
            print(f"{how}: after the broker was back: {outcomes}")

    try:
        asyncio.run(body())
    finally:
        own_kafka.thaw()
