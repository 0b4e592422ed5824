"""Sends a job to its first stage as a Celery task, by name: this package's only door to Celery and kombu."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# Celery and kombu have no types; they end in this file.

from __future__ import annotations

from typing import Any

import msgspec
from celery import Celery
from kombu.exceptions import OperationalError
from msgspec import Struct
from redis.exceptions import RedisError

from realname.errors import Transient
from realname.stages import PAYLOAD, TASKS, VISIBILITY_TIMEOUT_S, LivenessJob, Stage, encode_job, queue_of, task_id_of

ANSWER_S_MAX = 5.0  # a Redis that answers slower is down for us


class CelerySender:
    """A Celery application that only sends."""

    def __init__(self, redis_url: str) -> None:
        """Does not connect yet."""
        self._app = Celery("realname-dispatcher", broker=redis_url, set_as_current=False)
        self._app.conf.update(
            task_serializer="msgpack",
            accept_content=["msgpack"],  # pickle never: a message would be code
            task_ignore_result=True,
            task_send_sent_event=False,
            worker_send_task_events=False,
            broker_transport_options={
                "visibility_timeout": VISIBILITY_TIMEOUT_S,
                "unacked_restore_interval": 5,
                "unacked_restore_throttle": 1,
                "socket_timeout": ANSWER_S_MAX,
                "socket_connect_timeout": 1.0,
            },
        )

    def send(self, job: LivenessJob) -> None:
        """Queue the first stage. Raises Transient: it may or may not be queued."""
        stage = Stage.LIVENESS
        try:
            self._app.send_task(
                TASKS[stage],
                kwargs={PAYLOAD: encode_job(job)},
                queue=queue_of(stage, alone=job.alone),
                task_id=task_id_of(job.submitted.id, stage),
                argsrepr="-",  # else the header quotes the payload's first kilobyte
                kwargsrepr="-",
                retry=True,
                retry_policy={"max_retries": 1, "interval_start": 0.0},  # a pooled connection may be an old server's
            )
        except (OperationalError, RedisError, OSError) as error:
            raise Transient("the stage queue does not answer") from error

    def close(self) -> None:
        """Close its connections."""
        self._app.close()


class _Headers(Struct):
    id: str = ""


class _Envelope(Struct):
    headers: _Headers


_queued = msgspec.json.Decoder(_Envelope)
_unacked = msgspec.json.Decoder(tuple[_Envelope, Any, Any])


def task_id_of_queued(message: bytes) -> str:
    """The task id in an entry of a kombu queue; "" where it is none of ours."""
    try:
        return _queued.decode(message).headers.id
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        return ""


def task_id_of_unacked(entry: bytes) -> str:
    """The task id in an entry of kombu's `unacked` hash (message, exchange, routing key)."""
    try:
        return _unacked.decode(entry)[0].headers.id
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        return ""
