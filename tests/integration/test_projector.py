"""The projector as a process, on a real broker and a real Valkey."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import Broker
from deploy.local.topics import create_topics
from deploy.local.valkey import Valkey
from realname.statuses import decode_status, status_key
from realname.topics import all_topics
from tests.eventually import eventually
from tests.processes import Process
from tests.transactions import Transactions, a_decision, line_of

PARTITIONS = 4
Start = Callable[[str], Process]


@pytest.fixture
def start(own_kafka: Broker, own_valkey: Valkey, tmp_path: Path) -> Iterator[Start]:
    create_topics(own_kafka.bootstrap, all_topics((), partitions=PARTITIONS))
    started: list[Process] = []

    def start_one(module: str) -> Process:
        settings = {
            "REALNAME_KAFKA": own_kafka.bootstrap,
            "REALNAME_REDIS": own_valkey.url,
            "REALNAME_PARTITIONS": str(PARTITIONS),
        }
        started.append(Process(module, tmp_path / "log", settings))
        return started[-1]

    yield start_one
    for process in started:
        process.end(signal.SIGKILL)


def verdict_in(valkey: Valkey, identity: str) -> str | None:
    body = valkey.client().hget(status_key(identity), "status")
    return decode_status(body).verdict if body else None


def test_a_decision_shows_as_a_status_whatever_restarts(start: Start, own_kafka: Broker, own_valkey: Valkey) -> None:
    projector = start("services.projector")
    eventually(projector.is_ready, within_s=30)
    transactions = Transactions(own_kafka.bootstrap)
    first, aborted = a_decision(verdict="approved"), a_decision()
    transactions.write("registrations.decided", [line_of(first, PARTITIONS)])
    transactions.write("registrations.decided", [line_of(aborted, PARTITIONS)], commits=False)
    eventually(lambda: verdict_in(own_valkey, first.id) == "approved")

    own_valkey.wipe()
    eventually(lambda: verdict_in(own_valkey, first.id) == "approved", within_s=20)
    assert verdict_in(own_valkey, aborted.id) is None

    own_kafka.kill9()
    own_kafka.start()
    own_kafka.wait_ready(within_s=60)
    second = a_decision(verdict="review", reasons=("no_cues",))
    Transactions(own_kafka.bootstrap).write("registrations.decided", [line_of(second, PARTITIONS)])
    eventually(lambda: verdict_in(own_valkey, second.id) == "review", within_s=30)
    eventually(projector.is_ready)

    assert 'realname_statuses_written_total{step="decided"} 3.0' in projector.get("/metrics")[1]
    assert projector.get("/healthz")[0] == 200
    assert projector.end() == 0
