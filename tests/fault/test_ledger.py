"""Short cuts of the fault runs; `make fault` (FAULT=whole) plays them whole. Each prints its seed."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from deploy.local.kafka import Broker
from deploy.local.valkey import Valkey
from tests.fault.kill_dispatchers import INSIDE_MIN, run
from tests.fault.rig import Rig

IS_WHOLE = os.environ.get("FAULT") == "whole"
RECOVER_S = 6.0  # instead of production's 35; the proportions are production's
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
                rig.drive(len(rig.operator_of) + 50, backlog=200)
            own_valkey.wipe()
        while len(rig.operator_of) < total:
            rig.drive(total, backlog=200)
        rig.finish(within_s=90)
        decisions = rig.verify()
        assert {decision.decided.verdict for decision in decisions} == {"approved", "review"}
        assert {decision.decided.reasons[0] for decision in decisions} == {"all_checks_passed", "referee_path"}
        assert rig.restarts == 0, "a lost Redis is no reason to end"


@pytest.mark.timeout(480)
def test_kafka_is_killed_under_load_and_every_registration_is_decided_once(
    own_kafka: Broker, own_valkey: Valkey, tmp_path: Path, seed: int
) -> None:
    # What is broken? The only broker, by kill -9 under load; it is back with its data after some seconds.
    # What must still be true? Exactly one decision each; dispatchers go on or are started again by their supervisor.
    total = 2000 if IS_WHOLE else 500
    with Rig(own_kafka, own_valkey, tmp_path, threads=24, seed=seed) as rig:
        while len(rig.operator_of) < total // 2 or rig.in_celery() < 50:
            rig.drive(len(rig.operator_of) + 50, backlog=200)  # never out of load before enough of it waits
        own_kafka.kill9()
        own_kafka.start()
        own_kafka.wait_ready(within_s=60)
        while len(rig.operator_of) < total:
            rig.drive(total, backlog=200)
        rig.finish(within_s=240)
        rig.verify()
        print(f"restarts {rig.restarts}")


@pytest.mark.timeout(600 if IS_WHOLE else 360)
def test_a_worker_is_killed_mid_task_under_load_and_every_registration_is_decided_once(
    own_kafka: Broker, own_valkey: Valkey, tmp_path: Path, seed: int
) -> None:
    # What is broken? One of two workers, by kill -9 while it runs stages and more wait; its supervisor starts it again.
    # What must still be true? Exactly one decision each, each by its own evidence: what ran is run again.
    total, kills = (3000, 8) if IS_WHOLE else (500, 2)
    with Rig(own_kafka, own_valkey, tmp_path, workers=2, threads=12, recover_s=RECOVER_S, seed=seed) as rig:
        for kill in range(kills):
            victim = rig.workers[kill % 2]
            while (
                len(rig.operator_of) < total * (kill + 1) // (kills + 1)
                or rig.in_celery() < 50
                or (running := victim.running) < 6
            ):
                rig.drive(len(rig.operator_of) + 50, backlog=150)
            victim.child.kill9()
            print(f"worker {kill % 2} killed with {running} stages running, {rig.in_celery()} jobs in Celery")
        while len(rig.operator_of) < total:
            rig.drive(total, backlog=150)
        began = time.monotonic()
        rig.finish(within_s=200, feed_every_s=3.0)
        print(f"the last decision came {time.monotonic() - began:.1f} s after the last of the load")
        decisions = rig.verify()
        print(
            f"decided exactly once {len(decisions)}, lost starts {rig.lost_starts()}, workers started again {rig.worker_restarts}"
        )
        assert {decision.decided.reasons[0] for decision in decisions} == {"all_checks_passed", "referee_path"}
        assert rig.worker_restarts == kills
        assert rig.lost_starts() > 0, "no kill fell into a task"
        assert rig.restarts == 0, "a lost worker is no reason to end"


@pytest.mark.timeout(300)
def test_a_clip_that_kills_every_worker_ends_in_review_and_its_neighbours_in_their_own_verdicts(
    own_kafka: Broker, own_valkey: Valkey, tmp_path: Path, seed: int
) -> None:
    # What is broken? One registration's clip kills each process that looks at it, and what runs beside it dies with it.
    # What must still be true? Exactly one decision each: that one a human's, its 30 neighbours' by their own evidence.
    expected = {"sleep-300": "all_checks_passed", "unreadable": "clip_unreadable", "gone": "evidence_missing"}
    words = ["sleep-300"] * 26 + ["unreadable"] * 2 + ["gone"] * 2
    with Rig(own_kafka, own_valkey, tmp_path, threads=6, recover_s=RECOVER_S, seed=seed) as rig:
        rig.random.shuffle(words)
        neighbours = {rig.submit(word): word for word in words[:10]}
        killer = rig.submit("kill-200")  # so that others run beside it
        neighbours |= {rig.submit(word): word for word in words[10:]}
        began = time.monotonic()
        rig.finish(within_s=180, feed_every_s=3.0)  # 50 s more where a dying worker took a message along
        decisions = {decision.registration_id: decision.decided for decision in rig.verify()}
        print(f"decided exactly once {len(decisions)} in {time.monotonic() - began:.1f} s, worker deaths {rig.worker_restarts}")
        print(f"lost starts that the last workers saw {rig.lost_starts()}")
        assert (decisions[killer].verdict, decisions[killer].reasons) == ("review", ("processing_failed",))
        assert {each: decisions[each].reasons[0] for each in neighbours} == {
            each: expected[word] for each, word in neighbours.items()
        }
        assert rig.worker_restarts >= 3, "twice in the pool, once alone"
        assert rig.restarts == 0, "a lost worker is no reason to end"
