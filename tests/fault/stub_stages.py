"""A real Celery worker whose stages only take time: both tasks, threads pool, the wire contract of realname/stages.py.

Run as `python -m tests.fault.stub_stages REDIS_URL THREADS`. A stage serves exponentially with mean 100 ms, and 1 % of
them take 1.5 s. Each run of a stage is counted in Redis (RUNS_KEY), so that repeats can be told.
"""

from __future__ import annotations

import logging
import random
import sys
import time
from collections.abc import Callable

import redis
from celery import Celery
from celery.exceptions import Reject
from kombu.entity import Queue
from redis.backoff import NoBackoff
from redis.retry import Retry

from realname.messages import LivenessReport, MatchReport
from realname.stages import (
    MARK_TTL_S,
    PAYLOAD,
    QUEUES,
    RESULT_FIELD,
    TASK_LIVENESS,
    TASK_MATCHING,
    MatchingJob,
    Stage,
    StageResult,
    decode_liveness,
    decode_matching,
    done_key,
    encode_job,
    marker_key,
    next_key,
    queue_of,
    results_key,
    task_id_of,
)

MEAN_S = 0.1
STRAGGLER_SHARE, STRAGGLER_S = 0.01, 1.5
RUNS_KEY = "test:runs"  # a hash: stage -> runs

# A start is noted only in a marker that exists.
_STARTED = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'started_at', ARGV[1], 'stage', ARGV[2]) end"


def serve() -> None:
    """Take time, as a GPU stage would."""
    time.sleep(STRAGGLER_S if random.random() < STRAGGLER_SHARE else random.expovariate(1 / MEAN_S))


class Stub:
    def __init__(self, url: str) -> None:
        self.redis = redis.Redis.from_url(url, socket_timeout=5.0, retry=Retry(NoBackoff(), 0))
        self.app = Celery("stub", broker=url, set_as_current=False)
        self.app.conf.update(
            task_serializer="msgpack",
            accept_content=["msgpack"],
            task_ignore_result=True,
            task_acks_late=True,
            worker_prefetch_multiplier=1,
            worker_hijack_root_logger=False,
            broker_connection_retry_on_startup=True,
            task_queues=[Queue(name, routing_key=name) for name in QUEUES],
            task_default_queue="liveness",
            broker_transport_options={
                "visibility_timeout": 30,
                "unacked_restore_interval": 5,
                "unacked_restore_throttle": 1,
                "socket_timeout": 5.0,
            },
        )

        @self.app.task(name=TASK_LIVENESS)
        def liveness(**message: bytes) -> None:
            self.guarded(self.liveness, message[PAYLOAD])

        @self.app.task(name=TASK_MATCHING)
        def matching(**message: bytes) -> None:
            self.guarded(self.matching, message[PAYLOAD])

    def guarded(self, stage: Callable[[bytes], None], payload: bytes) -> None:
        try:
            stage(payload)
        except (redis.RedisError, OSError):
            time.sleep(0.2)
            raise Reject("redis", requeue=True) from None

    def liveness(self, payload: bytes) -> None:
        job = decode_liveness(payload)
        if self.is_repeated(job.submitted.id, job.partition):
            return
        self.begin(job.submitted.id, Stage.LIVENESS)
        serve()
        following = MatchingJob(
            submitted=job.submitted,
            partition=job.partition,
            offset=job.offset,
            deadline_at=job.deadline_at,
            dispatched_at=job.dispatched_at,
            liveness=LivenessReport(pad_live=0.97, pad_frames=7, parallax=0.2, yaw_range_deg=25.0),
            chips=(b"\0" * 2000,),
        )
        body = encode_job(following)
        self.redis.set(next_key(job.submitted.id), body, ex=MARK_TTL_S)
        self.send_matching(job.submitted.id, body)

    def matching(self, payload: bytes) -> None:
        job = decode_matching(payload)
        done = self.redis.get(done_key(job.submitted.id))
        if done is not None:
            self.redis.xadd(results_key(job.partition), {RESULT_FIELD: done})
            return
        self.begin(job.submitted.id, Stage.MATCHING)
        serve()
        result = StageResult(
            id=job.submitted.id,
            operator=job.submitted.operator,
            partition=job.partition,
            offset=job.offset,
            liveness=job.liveness,
            match=MatchReport(similarity=0.7, copy_correlation=0.4),
        )
        entry = encode_job(result)
        pipe = self.redis.pipeline(transaction=True)
        pipe.set(done_key(result.id), entry, ex=MARK_TTL_S)
        pipe.xadd(results_key(result.partition), {RESULT_FIELD: entry})
        pipe.execute()

    def is_repeated(self, registration_id: str, partition: int) -> bool:
        """A repeat adds the stored entry again, or sends the stored matching message again."""
        done, following = self.redis.mget(done_key(registration_id), next_key(registration_id))
        if done is not None:
            self.redis.xadd(results_key(partition), {RESULT_FIELD: done})
        elif following is not None:
            self.send_matching(registration_id, following)
        return done is not None or following is not None

    def begin(self, registration_id: str, stage: Stage) -> None:
        seconds, micros = self.redis.time()
        pipe = self.redis.pipeline(transaction=False)
        pipe.eval(_STARTED, 1, marker_key(registration_id), f"{seconds}.{micros:06}", stage.value)
        pipe.hincrby(RUNS_KEY, stage.value, 1)
        pipe.execute()

    def send_matching(self, registration_id: str, body: bytes) -> None:
        stage = Stage.MATCHING
        self.app.send_task(
            TASK_MATCHING, kwargs={PAYLOAD: body}, queue=queue_of(stage, alone=False), task_id=task_id_of(registration_id, stage)
        )


if __name__ == "__main__":
    logging.basicConfig(level="WARNING")
    address, threads = sys.argv[1:]
    options = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
    Stub(address).app.worker_main(
        ["worker", "--pool=threads", f"--concurrency={threads}", f"--queues={','.join(QUEUES)}", *options]
    )
