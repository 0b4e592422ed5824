"""What the dispatcher may rely on when it reads policies.activated: a real broker."""

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer

from deploy.local.kafka import Broker
from deploy.local.topics import create_topics
from realname.envelope import Record, open_record, seal_record
from realname.topics import Topic
from services.dispatcher.policy_log import PoliciesUnread, PolicyLog
from tests.builders import a_signer, an_activation, signed_in_order
from tests.eventually import eventually

SIGNER = a_signer()
Write = Callable[[Record], None]


def digests(records: list[Record]) -> list[str]:
    return [opened.digest for opened in (open_record(each.value, each.headers) for each in records)]


@pytest.fixture
def topic(kafka: Broker, prefix: str) -> str:
    name = f"{prefix}policies"
    create_topics(kafka.bootstrap, [Topic(name, 1, -1)])
    return name


@pytest.fixture
def write(kafka: Broker, topic: str) -> Iterator[Write]:
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        yield lambda record: producer.send(topic, record.value, record.key, record.headers).get(10)


@pytest.fixture
def log(kafka: Broker, topic: str) -> Iterator[PolicyLog]:
    opened = PolicyLog(kafka.bootstrap, topic)
    yield opened
    opened.close()


EVENTS = [seal_record(event, key="north") for event in signed_in_order(SIGNER, *[an_activation()] * 3)]


def test_an_empty_topic_is_whole(log: PolicyLog) -> None:
    assert log.read_whole() == []


def test_a_start_reads_everything_and_then_what_comes(log: PolicyLog, write: Write) -> None:
    write(EVENTS[0])
    write(EVENTS[1])
    assert [event.digest for event in log.read_whole()] == digests(EVENTS[:2])
    write(EVENTS[2])
    came: list[str] = []

    def third() -> bool:
        came.extend(event.digest for event in log.read())
        return came == digests(EVENTS[2:])

    eventually(third, within_s=10)


@pytest.mark.parametrize("tag", [b"something.else.v1", b"realname.policy.activated.v1", b"realname.policy.activated.v2"])
def test_whoever_can_write_there_cannot_stop_a_dispatcher(log: PolicyLog, write: Write, tag: bytes) -> None:
    write(Record(b"north", b"noise", [("ce_type", tag)]))
    write(EVENTS[0])
    assert [event.digest for event in log.read_whole()] == digests(EVENTS[:1])


def test_a_log_that_reads_is_not_stale(log: PolicyLog) -> None:
    log.read_whole()
    assert not log.is_stale()


def test_a_topic_that_is_missing_is_named(kafka: Broker, prefix: str) -> None:
    opened = PolicyLog(kafka.bootstrap, f"{prefix}nowhere")
    with pytest.raises(PoliciesUnread, match="nowhere"):
        opened.read_whole()
    opened.close()
