"""The janitor as a process, on a real broker, a real Valkey and a vault in a folder."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.local.kafka import Broker
from deploy.local.topics import commit_first_offsets, create_topics, lag_of
from deploy.local.valkey import Valkey
from realname.ids import partition_of
from realname.topics import DECIDED, DISPATCHER_GROUP, SUBMITTED, all_topics
from tests.builders import a_submission, an_id
from tests.eventually import eventually
from tests.processes import Process
from tests.transactions import Transactions, a_decision, line_of

PARTITIONS = 4
OBJECTION_S = 8
ORPHAN_S = 7200
HOURS_AGO_S = 3 * 3600


class House:
    """Topics, a vault's folder and the janitors started on them."""

    def __init__(self, broker: Broker, valkey: Valkey, folder: Path) -> None:
        self.broker, self.folder = broker, folder
        self.vault = folder / "vault"
        topics = all_topics((), partitions=PARTITIONS)
        create_topics(broker.bootstrap, topics)
        commit_first_offsets(broker.bootstrap, DISPATCHER_GROUP, topics[0])
        self.transactions = Transactions(broker.bootstrap)
        self.settings = {
            "REALNAME_KAFKA": broker.bootstrap,
            "REALNAME_REDIS": valkey.url,
            "REALNAME_PARTITIONS": str(PARTITIONS),
            "REALNAME_VAULT": f"file://{self.vault}",
            "REALNAME_OBJECTION_S": str(OBJECTION_S),
            "REALNAME_ORPHAN_S": str(ORPHAN_S),
            "REALNAME_SWEEP_EVERY_S": "0.5",
        }
        self.started: list[Process] = []

    def start(self) -> Process:
        self.started.append(Process("services.janitor", self.folder / "log", self.settings))
        return self.started[-1]

    def upload(self, identity: str | None = None, *, objects: int = 2, age_s: float = 0.0) -> str:
        identity = identity or an_id()
        place = self.vault / "north" / identity
        place.mkdir(parents=True, exist_ok=True)
        stored_at = time.time() - age_s
        for number in range(objects):
            (place / f"{number:032x}").write_bytes(b"sealed")
            os.utime(place / f"{number:032x}", (stored_at, stored_at))
        return identity

    def decide(self, verdicts: dict[str, str]) -> None:
        decided = [a_decision(identity, verdict=verdict) for identity, verdict in verdicts.items()]
        self.transactions.write(DECIDED, [line_of(each, PARTITIONS) for each in decided])

    def submit(self, identity: str) -> None:
        self.transactions.write(SUBMITTED, [line_of(a_submission(identity), PARTITIONS)])

    def complete_all(self) -> None:
        """As the dispatchers' commit does."""
        client = Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": DISPATCHER_GROUP})
        places = [TopicPartition(SUBMITTED, number) for number in range(PARTITIONS)]
        for place in places:
            place.offset = client.get_watermark_offsets(place, timeout=5)[1]
        client.commit(offsets=places, asynchronous=False)
        client.close()

    def holds(self, identity: str) -> bool:
        return any(files for _, _, files in os.walk(self.vault / "north" / identity))

    def count(self) -> int:
        return sum(len(files) for _, _, files in os.walk(self.vault))  # folders vanish while it walks


@pytest.fixture
def house(own_kafka: Broker, valkey: Valkey, tmp_path: Path) -> Iterator[House]:
    house = House(own_kafka, valkey, tmp_path)
    yield house
    for process in house.started:
        process.end(signal.SIGKILL)


def test_media_goes_when_its_time_has_come_and_not_before(house: House) -> None:
    janitor = house.start()
    eventually(janitor.is_ready, within_s=30)
    approved, refused, review = house.upload(), house.upload(), house.upload()
    house.decide({approved: "approved", refused: "refused", review: "review"})
    decided_at = time.monotonic()
    eventually(lambda: not house.holds(approved))
    assert house.holds(refused)
    eventually(lambda: not house.holds(refused), within_s=OBJECTION_S + 5)
    assert time.monotonic() - decided_at >= OBJECTION_S - 1
    assert house.holds(review)
    for line in (
        'realname_vault_deletions_total{cause="approved"} 2.0',
        'realname_vault_deletions_total{cause="refused"} 2.0',
        "realname_deletions_pending 1.0",
    ):
        eventually(lambda line=line: line in janitor.get("/metrics")[1])
    assert janitor.end() == 0


@pytest.mark.slow
def test_killed_in_the_midst_of_deleting_it_leaves_nothing_behind(house: House) -> None:
    """What is broken? kill -9 at a random point of 600 deletions, three times. What must hold? Nothing is left."""
    verdicts = {house.upload(): "approved" for _ in range(600)}
    objects = house.count()
    kills_midway = 0
    janitor = house.start()
    eventually(janitor.is_ready, within_s=30)
    house.decide(verdicts)
    for left_share in (0.8, 0.5, 0.2):
        eventually(lambda share=left_share: house.count() <= objects * share, within_s=30, every_s=0.001)
        janitor.end(signal.SIGKILL)
        kills_midway += house.count() > 0
        janitor = house.start()
    eventually(lambda: house.count() == 0, within_s=40)
    assert kills_midway >= 2, "the kills came too late to show anything"
    eventually(lambda: all((lag or 0) <= 1 for lag in lag_of(house.broker.bootstrap, "janitor", DECIDED).values()), within_s=15)
    assert janitor.end() == 0


def test_orphans_go_and_the_media_of_an_undecided_registration_never_does(house: House) -> None:
    undecided = house.upload(id_in(0), age_s=HOURS_AGO_S)  # accepted three hours ago; the dispatchers stand still
    house.submit(undecided)
    beside = house.upload(id_in(0), age_s=HOURS_AGO_S)  # no orphan as far as can be shown while its partition stands
    young = house.upload(id_in(1))
    janitor = house.start()
    for _ in range(3):  # each time that one has gone, a whole sweep has been judged
        orphan = house.upload(id_in(1), age_s=HOURS_AGO_S)
        eventually(lambda orphan=orphan: not house.holds(orphan), within_s=30)
    assert house.holds(undecided)
    assert house.holds(beside)

    house.decide({undecided: "refused"})
    house.complete_all()
    eventually(lambda: not house.holds(beside), within_s=15)
    assert house.holds(undecided), "its objection window runs"
    eventually(lambda: not house.holds(undecided), within_s=OBJECTION_S + 10)
    assert house.holds(young)
    assert 'realname_vault_deletions_total{cause="orphan"} 8.0' in janitor.get("/metrics")[1]
    eventually(lambda: 'realname_vault_objects{operator="north"} 2.0' in janitor.get("/metrics")[1])
    assert janitor.end() == 0


def id_in(partition: int) -> str:
    return next(found for found in iter(an_id, "") if partition_of(found, PARTITIONS) == partition)
