"""The real Kafka and Valkey, as the local stack and the fault tests use them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from deploy.local.errors import StackError
from deploy.local.kafka import Broker
from deploy.local.ports import free_run, is_free
from deploy.local.topics import admin_of, answers_metadata, commit_first_offsets, create_topics, lag_of
from deploy.local.valkey import Valkey, answers_ping
from realname.topics import Topic
from tests.eventually import eventually

DAY_MS = 86_400_000


def test_a_broker_killed_with_its_data_has_it_again_at_the_next_start(own_kafka: Broker, prefix: str) -> None:
    topic = Topic(prefix + "kept", 3, DAY_MS)
    create_topics(own_kafka.bootstrap, [topic])
    commit_first_offsets(own_kafka.bootstrap, prefix + "group", topic)
    write(own_kafka, topic.name, [b"one", b"two"])

    own_kafka.kill9()
    assert not answers_metadata(own_kafka.bootstrap)
    own_kafka.start()
    own_kafka.wait_ready(within_s=60)

    assert read(own_kafka, topic.name, count=2) == [b"one", b"two"]
    assert create_topics(own_kafka.bootstrap, [topic]) == ()
    assert lag_of(own_kafka.bootstrap, prefix + "group", topic.name) == {0: 2, 1: 0, 2: 0}


def test_first_offsets_are_committed_once_and_never_over_records(kafka: Broker, prefix: str) -> None:
    topic = Topic(prefix + "first", 2, DAY_MS)
    group = prefix + "group"
    create_topics(kafka.bootstrap, [topic])
    write(kafka, topic.name, [b"before any offset"])

    commit_first_offsets(kafka.bootstrap, group, topic)

    # partition 0 holds a record that nobody has an offset for: a person has to look at it
    assert lag_of(kafka.bootstrap, group, topic.name) == {0: None, 1: 0}


def test_a_topic_with_another_number_of_partitions_is_refused(kafka: Broker, prefix: str) -> None:
    create_topics(kafka.bootstrap, [Topic(prefix + "counted", 2, DAY_MS)])
    with pytest.raises(StackError, match="2 partitions, declared are 3"):
        create_topics(kafka.bootstrap, [Topic(prefix + "counted", 3, DAY_MS)])


def test_topics_carry_their_declared_settings(kafka: Broker, prefix: str) -> None:
    topic = Topic(prefix + "stamped", 1, DAY_MS, log_append_time=True)
    create_topics(kafka.bootstrap, [topic])
    before_ms = time.time() * 1000
    with producer_of(kafka) as producer:
        # the record claims 1970; the broker's own time counts
        written = producer.send(topic.name, b"x", partition=0, timestamp_ms=1000).get(10)
    assert written.timestamp >= before_ms - 1000


def test_a_misspelt_topic_is_not_created(kafka: Broker, prefix: str) -> None:
    with admin_of(kafka.bootstrap) as admin:
        assert prefix + "never" not in admin.list_topics()
    with producer_of(kafka) as producer, pytest.raises(Exception, match=r"(?i)metadata|topic"):
        producer.send(prefix + "never", b"x").get(5)


def test_a_wiped_valkey_is_empty_and_answers_on_the_same_port(own_valkey: Valkey) -> None:
    client = own_valkey.client()
    client.set("kept", "no")
    before = own_valkey.pid
    own_valkey.wipe()
    assert own_valkey.pid != before
    assert own_valkey.client().get("kept") is None


def test_a_frozen_valkey_answers_again_once_thawed(own_valkey: Valkey) -> None:
    own_valkey.client().set("kept", "yes")
    own_valkey.freeze()
    assert not answers_ping(own_valkey.port)
    own_valkey.thaw()
    eventually(lambda: own_valkey.client().get("kept") == b"yes", within_s=5)


def test_servers_end_with_the_process_that_started_them_however_it_ends(tmp_path: Path) -> None:
    script = """
import sys, pathlib
from deploy.local.valkey import Valkey
server = Valkey(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
server.start(); server.wait_ready()
print(server.pid, flush=True)
sys.stdin.read()
"""
    port = free_run(1)
    command = [sys.executable, "-c", script, str(tmp_path), str(port)]
    owner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert int(owner.stdout.readline()) > 0
    assert answers_ping(port)
    owner.kill()
    owner.wait()
    eventually(lambda: is_free(port), within_s=5)


def test_a_full_valkey_refuses_writes_and_drops_nothing(own_valkey: Valkey) -> None:
    client = own_valkey.client()
    client.set("first", "kept")
    client.config_set("maxmemory", "3mb")
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        fill(client, size_bytes=50_000_000)
    assert client.get("first") == b"kept"


def fill(client: redis.Redis, *, size_bytes: int) -> None:
    for number in range(size_bytes // 100_000):
        client.set(f"filler {number}", b"x" * 100_000)


def producer_of(broker: Broker) -> KafkaProducer:
    """A producer that gives up on a missing topic after 2 s."""
    return KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", max_block_ms=2000)


def write(broker: Broker, topic: str, values: list[bytes]) -> None:
    """All to partition 0, acknowledged."""
    with producer_of(broker) as producer:
        for value in values:
            producer.send(topic, value, partition=0).get(10)


def read(broker: Broker, topic: str, *, count: int) -> list[bytes]:
    """The first `count` values of partition 0, within 10 s."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", isolation_level="read_committed")
    consumer.assign([TopicPartition(topic, 0)])
    values: list[bytes] = []
    deadline = time.monotonic() + 10
    while len(values) < count and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=200).values():
            values.extend(record.value for record in records)
    consumer.close()
    return values
