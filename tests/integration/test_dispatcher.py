"""The dispatcher as a process: its health, its end, and its refusal to guess."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from deploy.local.kafka import Broker
from deploy.local.ports import free_run
from deploy.local.topics import commit_first_offsets, create_topics, lag_of
from deploy.local.valkey import Valkey
from realname.envelope import seal_record
from realname.ids import partition_of
from realname.topics import DISPATCHER_GROUP, PARTITIONS, SUBMITTED, all_topics
from tests.builders import a_submission
from tests.eventually import eventually

pytestmark = pytest.mark.stack
ROOT = Path(__file__).resolve().parents[2]
TOPICS = all_topics(("north",))


class Processes:
    """Dispatchers that end with the test."""

    def __init__(self, broker: Broker, valkey: Valkey) -> None:
        self.broker, self.valkey = broker, valkey
        self.all: list[subprocess.Popen[bytes]] = []

    def start(self, slot: int, port: int) -> subprocess.Popen[bytes]:
        settings = {
            "REALNAME_KAFKA": self.broker.bootstrap,
            "REALNAME_REDIS": self.valkey.url,
            "REALNAME_OPERATORS": "north",
            "REALNAME_SLOT": str(slot),
            "REALNAME_METRICS_PORT": str(port),
        }
        command = [sys.executable, "-m", "services.dispatcher"]
        self.all.append(subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stderr=subprocess.DEVNULL))
        return self.all[-1]

    def end(self) -> None:
        for process in self.all:
            process.kill()
            process.wait()


@pytest.fixture
def processes(own_kafka: Broker, own_valkey: Valkey) -> Iterator[Processes]:
    started = Processes(own_kafka, own_valkey)
    yield started
    started.end()


def asked(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def submit(broker: Broker, count: int) -> None:
    with KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
        for _ in range(count):
            submitted = a_submission(path="referee", portrait=None, clip=None)
            record = seal_record(submitted, key=submitted.id)
            partition = partition_of(submitted.id, PARTITIONS)
            producer.send(SUBMITTED, record.value, record.key, record.headers, partition=partition).get(10)


def lag(broker: Broker) -> int:
    return sum(lag or 0 for lag in lag_of(broker.bootstrap, DISPATCHER_GROUP, SUBMITTED).values())


def test_it_serves_its_health_and_an_orderly_end_hands_its_partitions_over_at_once(processes: Processes) -> None:
    broker = processes.broker
    create_topics(broker.bootstrap, TOPICS)
    commit_first_offsets(broker.bootstrap, DISPATCHER_GROUP, TOPICS[0])
    first = free_run(2)
    second = first + 1
    leaving = processes.start(0, first)
    eventually(lambda: asked(first, "/readyz")[0] == 200, within_s=30)
    assert asked(first, "/healthz") == (200, "ok\n")
    submit(broker, 30)
    eventually(lambda: lag(broker) == 0, within_s=20)
    metrics = asked(first, "/metrics")[1]
    assert 'realname_decisions_total{operator="north",reason="referee_path",verdict="review"} 30.0' in metrics

    processes.start(1, second)
    eventually(lambda: "realname_partitions_owned 6.0" in asked(second, "/metrics")[1], within_s=30)
    leaving.send_signal(signal.SIGTERM)
    assert leaving.wait(20) == 0
    eventually(lambda: "realname_partitions_owned 12.0" in asked(second, "/metrics")[1], within_s=20)
    submit(broker, 30)
    eventually(lambda: lag(broker) == 0, within_s=20)


def test_it_is_not_ready_without_redis_and_still_decides_what_needs_none(processes: Processes) -> None:
    broker, port = processes.broker, free_run(1)
    create_topics(broker.bootstrap, TOPICS)
    commit_first_offsets(broker.bootstrap, DISPATCHER_GROUP, TOPICS[0])
    processes.valkey.kill9()
    process = processes.start(0, port)
    submit(broker, 5)
    eventually(lambda: asked(port, "/readyz") == (503, "redis\n"), within_s=30)
    eventually(lambda: lag(broker) == 0, within_s=20)
    processes.valkey.start()
    processes.valkey.wait_ready()
    eventually(lambda: asked(port, "/readyz")[0] == 200, within_s=20)
    assert process.poll() is None


def test_it_ends_instead_of_guessing_where_offsets_were_never_committed(processes: Processes) -> None:
    create_topics(processes.broker.bootstrap, TOPICS)
    assert processes.start(0, 0).wait(60) == 3
