"""The ledger under attack: a real broker, a real Valkey, real dispatcher processes, worker processes with stub stages.

The rig feeds registrations, keeps its processes running like a supervisor, watches decisions as they come, and in the end
counts them with a reader of another make than the writer: kafka-python, read_committed, from the first to the last offset.
"""

from __future__ import annotations

import math
import os
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from deploy.local.child import Child
from deploy.local.kafka import Broker
from deploy.local.topics import commit_first_offsets, create_topics, lag_of
from deploy.local.valkey import Valkey
from realname.envelope import seal_record
from realname.ids import mint, partition_of
from realname.messages import RegistrationDecided
from realname.stages import QUEUES, results_key
from realname.topics import DECIDED, DISPATCHER_GROUP, PARTITIONS, SUBMITTED, all_topics, decisions_of
from tests.builders import a_blob, a_submission
from tests.eventually import eventually
from tests.fault.stub_workers import SOLO, stub_worker

OPERATORS = ("north", "harbor", "summit")
FURTHER_SHARE = 0.02  # of the records: the same id once more
REFEREE_SHARE = 0.02  # of the registrations: decided without a stage


class Decision(NamedTuple):
    """One record of a decision topic."""

    topic: str
    partition: int
    registration_id: str
    at_ms: int  # LogAppendTime on registrations.decided
    decided: RegistrationDecided


class Rig:
    """Use as a context manager; the servers are the caller's and stay."""

    def __init__(
        self,
        broker: Broker,
        valkey: Valkey,
        folder: Path,
        *,
        dispatchers: int = 2,
        workers: int = 1,
        threads: int = 64,
        recover_s: float | None = None,
        seed: int = 1,
    ) -> None:
        """threads: of each worker. recover_s: after it a killed worker's jobs are back; None is production's 35 s."""
        self.broker, self.valkey = broker, valkey
        self.random = random.Random(seed)
        self.operator_of: dict[str, str] = {}  # of every registration that was fed
        self.decided_live: set[str] = set()
        self.further = 0
        self.restarts = 0  # of dispatchers
        self.worker_restarts = 0
        self.dispatchers = [Child(self._dispatcher(slot), folder / f"dispatcher-{slot}.log") for slot in range(dispatchers)]
        self.workers = [
            stub_worker(valkey.url, folder / f"worker-{number}.log", threads=threads, recover_s=recover_s)
            for number in range(workers)
        ]
        self.solo = stub_worker(valkey.url, folder / "worker-solo.log", queues=SOLO, threads=1, recover_s=recover_s)
        self._records = []
        self._unsure = []  # sent, not yet acknowledged: (record, its future)

    def __enter__(self) -> Self:
        topics = all_topics(OPERATORS)
        create_topics(self.broker.bootstrap, topics)
        commit_first_offsets(self.broker.bootstrap, DISPATCHER_GROUP, next(each for each in topics if each.name == SUBMITTED))
        self._producer = self._new_producer()
        self._watcher = self._reader([DECIDED])
        for child in (*self._worker_children, *self.dispatchers):
            child.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in (*self.dispatchers, *self._worker_children):
            child.kill9()
        self._watcher.close()
        self._producer.close(timeout=1)

    @property
    def undecided(self) -> int:
        """Fed, and not yet seen decided."""
        return len(self.operator_of) - len(self.decided_live)

    def feed(self, count: int) -> None:
        """So many new registrations, with some further records of ids that were fed lately."""
        for _ in range(count):
            self.submit(path="referee" if self.random.random() < REFEREE_SHARE else "face")
            if self.random.random() < FURTHER_SHARE:
                self._send(self.random.choice(self._records))
                self.further += 1

    def submit(self, word: str = "clip", *, path: str = "face") -> str:
        """One new registration, its id. word: what its clip does to the stub, see bench/stub_runtime.py."""
        registration_id = mint(datetime.now(UTC), os.urandom(10))
        operator = self.random.choice(OPERATORS)
        clip = a_blob(word, registration_id, operator)
        record = seal_record(a_submission(registration_id, operator=operator, path=path, clip=clip), key=registration_id)
        self.operator_of[registration_id] = operator
        self._records = [*self._records[-200:], record]
        self._send(record)
        return registration_id

    def watch(self, within_s: float = 0.05) -> None:
        """Note the decisions that have come."""
        for records in self._watcher.poll(timeout_ms=int(within_s * 1000), max_records=2000).values():
            self.decided_live |= {record.key.decode() for record in records}

    def supervise(self) -> None:
        """Start what has ended, send again what did not arrive: a store system would do both."""
        lost = [record for record, future in self._unsure if future.is_done and future.failed()]
        self._unsure = [(record, future) for record, future in self._unsure if not future.is_done]
        if lost:  # by a broker that died; an idempotent producer does not get over every such loss
            self._producer.close(timeout=0)
            self._producer = self._new_producer()
        for record in lost:
            self._send(record)
        for child in self.dispatchers:
            if not child.is_alive:
                child.start()
                self.restarts += 1
        for child in self._worker_children:
            if not child.is_alive:
                child.start()
                self.worker_restarts += 1

    def drive(self, total: int, *, backlog: int) -> None:
        """One turn: feed while fewer than `backlog` are undecided, watch, supervise."""
        missing = min(total - len(self.operator_of), backlog - self.undecided, 50)
        self.feed(max(0, missing))
        self.watch()
        self.supervise()

    def in_celery(self) -> int:
        """Jobs queued or held by the workers."""
        client = self.valkey.client()
        waiting = sum(client.llen(queue) for queue in QUEUES)
        return waiting + client.hlen("unacked")

    def finish(self, within_s: float, *, feed_every_s: float = math.inf) -> None:
        """Until everything that was fed is decided, and every dispatcher has left.

        feed_every_s: one more so often: a job that a killed worker took along is missed when later ones are done.
        """
        deadline = time.monotonic() + within_s
        next_s = time.monotonic() + feed_every_s
        while self.undecided and time.monotonic() < deadline:
            self.watch()
            self.supervise()
            if time.monotonic() > next_s:
                self.feed(1)
                next_s += feed_every_s
        assert not self.undecided, f"{self.undecided} undecided after {within_s:.0f} s"
        eventually(lambda: self.lag() == 0, within_s=20)
        for child in self.dispatchers:
            child.stop()

    def lag(self) -> int:
        """Records at or above the committed watermarks."""
        return sum(lag or 0 for lag in lag_of(self.broker.bootstrap, DISPATCHER_GROUP, SUBMITTED).values())

    def repeated_runs(self) -> int:
        """Runs of a stage, to its end, beyond one for each registration. Only while no worker was started anew."""
        assert self.worker_restarts == 0, "their counts are gone"
        ran = sum(
            worker.measured("realname_stage_outcomes_total", outcome=outcome)
            for worker in (*self.workers, self.solo)
            for outcome in ("next", "result")
        )
        return int(ran) - 2 * sum(decision.decided.match is not None for decision in self.read([DECIDED]))

    def lost_starts(self) -> int:
        """Stage runs that died with their process, as far as the workers that run now have seen them."""
        return int(sum(worker.measured("realname_lost_starts_total") for worker in (*self.workers, self.solo)))

    def left_in_streams(self) -> int:
        """Entries of results that nobody deleted."""
        client = self.valkey.client()
        return sum(client.xlen(results_key(partition)) for partition in range(PARTITIONS))

    def read(self, topics: list[str]) -> list[Decision]:
        """Everything in these topics from the first to the last offset, as a read_committed reader sees it."""
        reader = self._reader(topics)
        places = list(reader.assignment())
        ends = reader.end_offsets(places)
        found: list[Decision] = []
        deadline = time.monotonic() + 60
        while any(reader.position(place) < ends[place] for place in places):
            assert time.monotonic() < deadline, "the reader does not reach the end: an open transaction"
            for records in reader.poll(timeout_ms=200, max_records=5000).values():
                found += [
                    Decision(
                        r.topic, r.partition, r.key.decode(), r.timestamp, msgspec.json.decode(r.value, type=RegistrationDecided)
                    )
                    for r in records
                ]
        reader.close()
        return found

    def verify(self) -> list[Decision]:
        """Every registration has exactly one decision, in both topics, in its submission's partition; nothing else has."""
        internal = self.read([DECIDED])
        counts = Counter(decision.registration_id for decision in internal)
        assert {each: count for each, count in counts.items() if count != 1} == {}, "duplicates"
        assert set(self.operator_of) - set(counts) == set(), "missing"
        assert set(counts) - set(self.operator_of) == set(), "unknown"
        own = self.read([decisions_of(operator) for operator in OPERATORS])
        seen = Counter((each.topic, each.registration_id) for each in own)
        due = Counter((decisions_of(operator), registration_id) for registration_id, operator in self.operator_of.items())
        assert dict(due - seen) == {}, "missing on the operators' topics"
        assert dict(seen - due) == {}, "more on the operators' topics than there should be"
        for decision in (*internal, *own):
            assert decision.partition == partition_of(decision.registration_id, PARTITIONS)
        assert self.lag() == 0
        return internal

    @property
    def _worker_children(self) -> list[Child]:
        return [worker.child for worker in (*self.workers, self.solo)]

    def _reader(self, topics: list[str]) -> KafkaConsumer:
        reader = KafkaConsumer(
            bootstrap_servers=self.broker.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest", group_id=None
        )
        reader.assign([TopicPartition(topic, partition) for topic in topics for partition in range(PARTITIONS)])
        return reader

    def _send(self, record) -> None:
        partition = partition_of(record.key.decode(), PARTITIONS)
        future = self._producer.send(SUBMITTED, record.value, record.key, record.headers, partition=partition)
        self._unsure.append((record, future))

    def _new_producer(self) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self.broker.bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            request_timeout_ms=10_000,
            delivery_timeout_ms=20_000,
        )

    def _dispatcher(self, slot: int) -> list[str]:
        settings = {
            "REALNAME_KAFKA": self.broker.bootstrap,
            "REALNAME_REDIS": self.valkey.url,
            "REALNAME_OPERATORS": ",".join(OPERATORS),
            "REALNAME_POLICY": "development",
            "REALNAME_SLOT": str(slot),
        }
        return [
            "/usr/bin/env",
            *(f"{name}={value}" for name, value in settings.items()),
            sys.executable,
            "-m",
            "services.dispatcher",
        ]
