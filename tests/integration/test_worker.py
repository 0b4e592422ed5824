"""Real worker processes on a real Valkey, with stub stages: message in, one entry out, whatever dies."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery import Celery

from deploy.local.child import Child
from deploy.local.ports import free_run
from deploy.local.valkey import Valkey
from realname.stages import (
    QUEUES,
    RESULT_FIELD,
    LivenessJob,
    Stage,
    StageResult,
    decode_result,
    done_key,
    results_key,
    starts_key,
)
from tests.builders import a_blob, a_submission, an_id
from workers.app import sender

ROOT = Path(__file__).resolve().parents[2]
PARTITION = 5
RECOVER_S = 4.0  # instead of production's 35; the proportions are production's


class Workers:
    """Worker processes on one Valkey; a killed one can be started again."""

    def __init__(self, valkey: Valkey, folder: Path) -> None:
        self.valkey = valkey
        self.client = valkey.client()
        self._folder = folder
        self._undo = ExitStack()
        app = Celery("tests", broker=valkey.url, set_as_current=False)
        app.conf.update(task_serializer="msgpack", accept_content=["msgpack"], task_ignore_result=True)
        self._send = sender(app)
        self.jobs: dict[str, LivenessJob] = {}

    def start(
        self, name: str = "worker", *, queues: str = "liveness,matching", threads: int = 4, port: int = 0, asked=()
    ) -> Child:
        environment = {
            "REALNAME_REDIS": self.valkey.url,
            "REALNAME_QUEUES": queues,
            "REALNAME_THREADS": str(threads),
            "REALNAME_METRICS_PORT": str(port),
        }
        argv = [sys.executable, "-m", "bench.stub_worker", "--recover-s", str(RECOVER_S), *asked]
        settings = [f"{key}={value}" for key, value in environment.items()]
        child = Child(["/usr/bin/env", "-C", str(ROOT), *settings, *argv], self._folder / f"{name}.log")
        self._undo.callback(child.kill9)
        child.start()
        return child

    def start_solo(self) -> Child:
        return self.start("solo", queues="liveness.solo,matching.solo", threads=1)

    def send(self, word: str = "clip", *, portrait: str | None = None, deadline_s: float = 3600) -> str:
        """One liveness job; word: what its clip does to the stub, see bench/stub_runtime.py."""
        identity, now = an_id(), datetime.now(tz=UTC)
        submitted = a_submission(identity, clip=a_blob(word, identity), portrait=a_blob(portrait or "portrait", identity))
        job = LivenessJob(
            submitted=submitted,
            partition=PARTITION,
            offset=1,
            deadline_at=now + timedelta(seconds=deadline_s),
            dispatched_at=now,
        )
        self.jobs[identity] = job
        self._send(job)
        return identity

    def send_lost_ones_again(self) -> None:
        """The dispatcher's part. A worker killed between Redis giving a message up and noting it takes it along."""
        waiting = self.client.hlen("unacked") + sum(self.client.llen(queue) for queue in QUEUES)
        if not waiting:
            for identity in self.jobs.keys() - {entry.id for entry in self.entries()}:
                self._send(self.jobs[identity])

    def entries(self) -> list[StageResult]:
        return [decode_result(fields[RESULT_FIELD.encode()]) for _, fields in self.client.xrange(results_key(PARTITION))]

    def entry_of(self, identity: str) -> StageResult | None:
        return next((entry for entry in self.entries() if entry.id == identity), None)

    def is_running(self, identity: str, stage: Stage = Stage.LIVENESS) -> bool:
        return self.client.hlen(starts_key(identity, stage)) > 0

    def get(self, port: int, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except urllib.error.URLError as problem:  # not up yet, or 503: the caller asks again
            return str(problem)

    def close(self) -> None:
        self._undo.close()


@pytest.fixture
def workers(own_valkey: Valkey, tmp_path: Path) -> Iterator[Workers]:
    stage = Workers(own_valkey, tmp_path)
    yield stage
    stage.close()


def eventually(check: Callable[[], object], *, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline, "not within time"
        time.sleep(0.02)


def test_a_message_becomes_one_entry_in_its_partitions_stream(workers):
    workers.start()
    identity = workers.send()
    eventually(lambda: workers.entry_of(identity))
    (entry,) = workers.entries()
    assert entry.liveness.pad_live == 0.97
    assert entry.match.similarity == 0.7
    assert entry.failure is None


def test_liveness_and_matching_may_be_served_by_two_workers(workers):
    workers.start("liveness", queues="liveness")
    identity = workers.send()
    eventually(lambda: workers.client.llen("matching") == 1)
    assert workers.entries() == []
    workers.start("matching", queues="matching")
    eventually(lambda: workers.entry_of(identity))
    assert workers.entry_of(identity).match.similarity == 0.7
    assert workers.entry_of(identity).liveness.pad_live == 0.97


def test_a_worker_of_both_queues_sends_itself_no_matching_job(workers):
    workers.start()
    sent = [workers.send() for _ in range(20)]
    eventually(lambda: all(workers.entry_of(each) for each in sent))
    commands = workers.client.info("commandstats")
    assert commands["cmdstat_lpush"]["calls"] == len(sent), "one message a registration: the dispatcher's"


def test_what_is_asked_of_the_worker_is_served_over_http(workers):
    workers.start(port=(port := free_run(1)))
    identity = workers.send()
    eventually(lambda: workers.entry_of(identity))
    eventually(lambda: workers.get(port, "/readyz") == "ok\n")
    assert workers.get(port, "/healthz") == "ok\n"
    assert 'realname_stage_outcomes_total{outcome="result",stage="matching"} 1.0' in workers.get(port, "/metrics")


def test_bad_recordings_missing_evidence_and_bugs_end_in_their_entries(workers):
    workers.start()
    sent = {word: workers.send(word) for word in ("unreadable", "gone", "bug")}
    late = workers.send(deadline_s=-1)
    no_portrait = workers.send(portrait="gone")
    eventually(lambda: len(workers.entries()) == 5)
    assert workers.entry_of(sent["unreadable"]).liveness.capture[0] == "clip_unreadable"
    assert workers.entry_of(sent["gone"]).failure == "evidence_missing"
    assert workers.entry_of(sent["bug"]).failure == "processing_failed"
    assert workers.entry_of(late).failure == "deadline"
    assert workers.entry_of(no_portrait).failure == "evidence_missing"
    eventually(lambda: workers.client.hlen("unacked") == 0)


def test_a_killed_workers_job_runs_again_elsewhere_and_has_one_result(workers):
    """What is broken? A worker is killed in the middle of a stage. What must still be true? One result, soon."""
    first = workers.start("first")
    identity = workers.send("sleep-1500")
    eventually(lambda: workers.is_running(identity))
    first.kill9()
    killed_at = time.monotonic()
    workers.start("second")
    eventually(lambda: workers.entry_of(identity), within_s=30)
    assert time.monotonic() - killed_at < 4 * RECOVER_S + 8
    assert len(workers.entries()) == 1
    assert workers.client.exists(done_key(identity))
    assert workers.entry_of(identity).failure is None


def test_a_clip_that_kills_its_process_ends_alone_and_its_neighbours_end_normally(workers):
    """What is broken? One clip kills every process that looks at it. What must still be true? Only it is convicted."""
    killer = workers.send("kill")
    neighbours = [workers.send("sleep-300") for _ in range(6)]
    kept = {"pool": workers.start("pool"), "solo": workers.start_solo()}
    deaths = Counter()

    def supervise() -> bool:
        for name, child in kept.items():
            if not child.is_alive:
                deaths[name] += 1
                kept[name] = workers.start_solo() if name == "solo" else workers.start(name)
        workers.send_lost_ones_again()
        return len({entry.id for entry in workers.entries()}) == 7

    eventually(supervise, within_s=90)
    assert workers.entry_of(killer).failure == "processing_failed"
    assert [workers.entry_of(each).failure for each in neighbours] == [None] * 6
    assert deaths["solo"] >= 1


def test_a_stage_that_hangs_ends_its_process(workers):
    child = workers.start("hanging", asked=("--stage-deadline-s", "1"))
    workers.send("hang")
    eventually(lambda: not child.is_alive, within_s=15)
    assert "stage_hung" in child.last_lines()


def test_a_worker_survives_a_redis_that_comes_back_empty(workers):
    """What is broken? Redis loses everything, twice. What must still be true? The same worker takes what comes then."""
    child = workers.start(port=(port := free_run(1)))
    for _ in range(2):
        identity = workers.send()
        eventually(lambda identity=identity: workers.entry_of(identity))
        workers.valkey.wipe()
    identity = workers.send()
    eventually(lambda: workers.entry_of(identity))
    assert child.is_alive
    eventually(lambda: workers.get(port, "/readyz") == "ok\n")


def test_a_job_that_redis_lost_while_it_ran_leaves_its_result_behind(workers):
    workers.start()
    identity = workers.send("sleep-1000")
    eventually(lambda: workers.is_running(identity))
    workers.valkey.wipe()
    eventually(lambda: workers.entry_of(identity))


def test_sigterm_finishes_what_runs_and_leaves_the_rest_queued(workers):
    child = workers.start(threads=1)
    running = workers.send("sleep-1000")
    eventually(lambda: workers.is_running(running))
    waiting = workers.send()
    os.kill(child.pid, signal.SIGTERM)
    eventually(lambda: not child.is_alive)
    assert not workers.is_running(running)
    assert workers.entry_of(running).match.similarity == 0.7
    assert (workers.client.llen("liveness"), workers.client.llen("matching"), workers.client.hlen("unacked")) == (1, 0, 0)
    workers.start("next")
    eventually(lambda: workers.entry_of(waiting))


def test_nothing_of_a_message_is_logged(workers):
    child = workers.start()
    for word in ("clip", "silent", "bug", "unreadable", "gone"):
        workers.send(word)
    Celery("x", broker=workers.valkey.url).send_task("realname.unknown", kwargs={"payload": b"MARKED"}, queue="liveness")
    Celery("x", broker=workers.valkey.url).send_task("realname.liveness", kwargs={"payload": "MARKED"}, queue="liveness")
    eventually(lambda: len(workers.entries()) == 4)
    log = child.log.read_text()
    assert "MARKED" not in log
    assert "fingerprint" not in log
    assert "f" * 64 not in log
