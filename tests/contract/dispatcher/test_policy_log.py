"""What the dispatcher may rely on when it reads policies.activated: a real broker."""

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer

from deploy.local.kafka import Broker
from deploy.local.topics import create_topics
from realname.activation import sign
from realname.envelope import Record, seal_record
from realname.topics import Topic
from services.dispatcher.policy_log import PoliciesUnread, PolicyLog
from tests.builders import a_policy_event, a_signer
from tests.eventually import eventually

SIGNER = a_signer()
Write = Callable[[Record], None]


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


def an_event(sequence: int) -> Record:
    return seal_record(sign(a_policy_event(sequence=sequence), SIGNER), key="north")


def test_an_empty_topic_is_whole(log: PolicyLog) -> None:
    assert log.read_whole() == []


def test_a_start_reads_everything_and_then_what_comes(log: PolicyLog, write: Write) -> None:
    write(an_event(1))
    write(an_event(2))
    assert [event.sequence for event in log.read_whole()] == [1, 2]
    write(an_event(3))
    came: list[int] = []

    def third() -> bool:
        came.extend(event.sequence for event in log.read())
        return came == [3]

    eventually(third, within_s=10)


def test_a_record_that_is_no_event_is_passed_over(log: PolicyLog, write: Write) -> None:
    write(Record(b"north", b"noise", [("ce_type", b"something.else.v1")]))
    write(an_event(1))
    assert [event.sequence for event in log.read_whole()] == [1]


@pytest.mark.parametrize("tag", [b"realname.policy.activated.v1", b"realname.policy.activated.v2"])
def test_an_event_that_this_version_does_not_read_stops_it(log: PolicyLog, write: Write, tag: bytes) -> None:
    write(Record(b"north", b'{"type":"realname.policy.activated.v1"}', [("ce_type", tag)]))
    with pytest.raises(PoliciesUnread, match="another version"):
        log.read_whole()


def test_a_topic_that_is_missing_is_named(kafka: Broker, prefix: str) -> None:
    opened = PolicyLog(kafka.bootstrap, f"{prefix}nowhere")
    with pytest.raises(PoliciesUnread, match="nowhere"):
        opened.read_whole()
    opened.close()
