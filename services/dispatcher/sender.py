"""Sends jobs to their first stage as Celery tasks, by name, many in one step.

A message is what Celery 5 puts into a Redis list: its protocol 2 in kombu's envelope, as JSON. It is written here, since
Celery's own way to the same bytes costs 1 ms of CPU a message and a round trip each; a test holds both side by side.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# redis-py's answers are typed as anything; none is looked at here.

from __future__ import annotations

import secrets
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Any

import msgspec
import redis
from msgspec import Struct, field
from redis.exceptions import RedisError

from realname.errors import Transient
from realname.redis_lines import CUT, Command, Lines
from realname.stages import PAYLOAD, TASKS, LivenessJob, Stage, encode_job, queue_of, task_id_of

ANSWER_S_MAX = 5.0  # a Redis that answers slower is down for us
_NOBODY = "-"  # instead of what would quote the payload, and of who sends


class CelerySender:
    """Puts messages where Celery workers take them from."""

    def __init__(self, client: redis.Redis) -> None:
        """Does not connect yet."""
        self._lines = Lines(client.connection_pool, again_after=CUT)

    def send(self, jobs: Sequence[LivenessJob]) -> None:
        """Queue the first stage of each, in order; all of one queue or none. Raises Transient: they may or may not be queued.

        Over a connection that was cut they may be queued twice, under the same tags: measured once more for nothing.
        """
        by_queue: dict[str, list[bytes]] = {}
        for job in jobs:
            by_queue.setdefault(queue_of(Stage.LIVENESS, alone=job.alone), []).append(message_of(job))
        try:
            for queue, messages in by_queue.items():
                self._lines.ask_all(Command(("LPUSH", queue, *messages)))
        except (RedisError, OSError) as error:
            raise Transient("the stage queue does not answer") from error


class _Headers(Struct):
    """Celery's, of a task without countdown, result, parent or group. argsrepr, kwargsrepr: else logs would quote the payload."""

    id: str = ""
    root_id: str = ""
    task: str = ""
    lang: str = "py"
    argsrepr: str = _NOBODY
    kwargsrepr: str = _NOBODY
    origin: str = _NOBODY
    shadow: None = None
    eta: None = None
    expires: None = None
    group: None = None
    group_index: None = None
    retries: int = 0
    timelimit: tuple[None, None] = (None, None)
    parent_id: None = None
    ignore_result: bool = True
    replaced_task_nesting: int = 0
    stamped_headers: None = None
    stamps: dict[str, str] = {}


class _DeliveryInfo(Struct):
    exchange: str
    routing_key: str


class _Properties(Struct):
    correlation_id: str
    delivery_tag: str  # unique: by it a worker holds the message and acknowledges it
    delivery_info: _DeliveryInfo
    reply_to: str = _NOBODY
    argsrepr: str = _NOBODY
    kwargsrepr: str = _NOBODY
    delivery_mode: int = 2
    priority: int = 0
    body_encoding: str = "base64"


class _Message(Struct):
    body: str
    headers: _Headers
    properties: _Properties
    encoding: str = field(default="binary", name="content-encoding")
    type: str = field(default="application/x-msgpack", name="content-type")


_NOTHING_FOLLOWS: dict[str, None] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def message_of(job: LivenessJob) -> bytes:
    """As it lies in its queue's list."""
    stage = Stage.LIVENESS
    task_id, queue = task_id_of(job.submitted.id, stage), queue_of(stage, alone=job.alone)
    call = msgspec.msgpack.encode(((), {PAYLOAD: encode_job(job)}, _NOTHING_FOLLOWS))
    return msgspec.json.encode(
        _Message(
            body=b2a_base64(call, newline=False).decode("ascii"),
            headers=_Headers(id=task_id, root_id=task_id, task=TASKS[stage]),
            properties=_Properties(
                correlation_id=task_id,
                delivery_tag=secrets.token_hex(16),
                delivery_info=_DeliveryInfo(exchange="", routing_key=queue),
            ),
        )
    )


class _Id(Struct):
    id: str = ""


class _Envelope(Struct):
    headers: _Id


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
