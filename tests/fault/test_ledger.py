"""Short cuts of the fault runs; `make fault` (FAULT=whole) plays them whole. Each prints its seed."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from deploy.local.kafka import Broker
from deploy.local.valkey import Valkey
from tests.fault.kill_dispatchers import INSIDE_MIN, run
from tests.fault.rig import Rig

IS_WHOLE = os.environ.get("FAULT") == "whole"
pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.stack]


@pytest.fixture
def seed() -> int:
    chosen = random.randrange(10_000)
    print(f"seed {chosen}")
    return chosen


@pytest.mark.timeout(1200 if IS_WHOLE else 240)
def test_dispatchers_are_killed_and_every_registration_is_decided_once(
    own_kafka: Broker, own_valkey: Valkey, tmp_path: Path, seed: int
) -> None:
    # What is broken? Dispatchers, by kill -9 at random points, some inside an open transaction.
    # What must still be true? Exactly one decision each, as an independent read_committed reader sees it.
    registrations, kills, inside = (5000, 20, INSIDE_MIN) if IS_WHOLE else (600, 3, 1)
    outcome = run(own_kafka, own_valkey, tmp_path, registrations=registrations, kills=kills, inside=inside, seed=seed)
    print("\n".join(outcome.lines()))
    assert len(outcome.kills) == kills


@pytest.mark.timeout(240)
def test_valkey_is_wiped_under_load_and_every_registration_is_decided_once(
    own_kafka: Broker, own_valkey: Valkey, tmp_path: Path, seed: int
) -> None:
    # What is broken? Valkey, killed and back empty, twice, while jobs are queued and running.
    # What must still be true? Exactly one decision each, none of them for lack of time.
    total = 2000 if IS_WHOLE else 500
    with Rig(own_kafka, own_valkey, tmp_path, threads=24, seed=seed) as rig:
        for share in (3, 2):
            while len(rig.operator_of) < total // share or rig.in_celery() < 50:
                rig.drive(total, backlog=200)
            own_valkey.wipe()
        while len(rig.operator_of) < total:
            rig.drive(total, backlog=200)
        rig.finish(within_s=90)
        decisions = rig.verify()
        assert {decision.decided.verdict for decision in decisions} == {"approved", "review"}
        assert {decision.decided.reasons[0] for decision in decisions} == {"all_checks_passed", "referee_path"}
        assert rig.restarts == 0, "a lost Redis is no reason to end"


@pytest.mark.timeout(300)
def test_kafka_is_killed_under_load_and_every_registration_is_decided_once(
    own_kafka: Broker, own_valkey: Valkey, tmp_path: Path, seed: int
) -> None:
    # What is broken? The only broker, by kill -9 under load; it is back with its data after some seconds.
    # What must still be true? Exactly one decision each; dispatchers go on or are started again by their supervisor.
    total = 2000 if IS_WHOLE else 500
    with Rig(own_kafka, own_valkey, tmp_path, threads=24, seed=seed) as rig:
        while len(rig.operator_of) < total // 2 or rig.in_celery() < 50:
            rig.drive(total // 2 + 100, backlog=200)
        own_kafka.kill9()
        own_kafka.start()
        own_kafka.wait_ready(within_s=60)
        while len(rig.operator_of) < total:
            rig.drive(total, backlog=200)
        rig.finish(within_s=120)
        rig.verify()
        print(f"restarts {rig.restarts}")
