"""The only door to kafka-python's producer: one record, acknowledged by all replicas, or a word for what happened instead."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnusedImport=false, reportCallIssue=false
# pyright: reportUnknownLambdaType=false
# kafka-python has no types (and the stubs that pyright brings are of an old version); they end in this file.

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Literal, Protocol

import crc32c  # noqa: F401  without it kafka-python spends 3-10 times the CPU on checksums: missing, it should be at the start
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from realname.envelope import Record
from realname.topics import MESSAGE_BYTES_MAX, SUBMITTED

Outcome = Literal["acknowledged", "not_sent", "doubtful"]
_Answer = Outcome | Literal["too_large"]

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0  # between looks at the broker; a 503 is right again no later than this
_LOOK_WITHIN_MS = 2_000  # a broker that is frozen keeps its connections: silence this long is "down"
_RECONNECT_MS_MAX = 1_000  # the default of 30 s would outlast a broker's restart
_DOUBTS_MAX = 3  # failures in a row, with the broker answering others, after which the producer is made anew
# The broker said no before it wrote anything.
_REFUSALS = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError, InvalidTopicError)
# So did it here, but of this one record: it says nothing of the next, which may be another operator's.
# kafka-python 3.0 answers every later record of that partition so, too, once the broker has said it: hence a limit of our own.
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class Publisher(Protocol):
    """Where submissions go."""

    @property
    def is_ready(self) -> bool:
        """Whether a publish has a chance now; asked before a body is read."""
        ...

    async def publish(self, record: Record, partition: int) -> Outcome:
        """acknowledged: durable. not_sent: certainly not there. doubtful: may be there, now or later."""
        ...


class KafkaPublisher:
    """`Publisher` on a real broker. `run` must be running: it connects, and looks whether the broker answers."""

    def __init__(self, bootstrap: str, *, within_s: float, topic: str = SUBMITTED) -> None:
        """within_s: an unacknowledged publish is doubtful after it. topic: another name only in tests."""
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # an outage is told once, by `run`
        self._bootstrap = bootstrap
        self._within_s = within_s
        self._topic = topic
        self._producer: KafkaProducer | None = None
        self._admin: KafkaAdminClient | None = None
        self._failures = 0
        self._answers = False
        self._closed = False
        self._clients = threading.Lock()

    @property
    def is_ready(self) -> bool:
        return self._answers and self._producer is not None

    async def publish(self, record: Record, partition: int) -> Outcome:
        producer = self._producer
        if producer is None:
            return "not_sent"
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_Answer] = loop.create_future()

        def settle(outcome: _Answer) -> None:  # on kafka-python's own thread
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_settle, done, outcome)

        try:
            # Does not block: the topic's metadata was fetched when the producer was made.
            sent = producer.send(self._topic, key=record.key, value=record.value, headers=record.headers, partition=partition)
        except _TOO_LARGE:  # by our own limit: the broker never saw it
            _log.error("a record is larger than Kafka takes")  # a bug: every field of a submission has its limit
            return "not_sent"
        except (KafkaError, AssertionError):
            self._doubt()
            return "not_sent"
        sent.add_callback(lambda _: settle("acknowledged"))
        sent.add_errback(lambda error: settle(_answer_of(error)))
        return await self._outcome(done)

    async def _outcome(self, done: asyncio.Future[_Answer]) -> Outcome:
        try:
            async with asyncio.timeout(self._within_s):
                outcome = await done
        except TimeoutError:
            outcome = "doubtful"
        if outcome == "too_large":  # the topic takes less than we believe; Kafka answers, only the producer is spoilt
            _log.error("a record is larger than its topic takes")
            self._failures = _DOUBTS_MAX
            return "not_sent"
        if outcome == "acknowledged":
            self._failures = 0
        else:
            self._doubt()
        return outcome

    def _doubt(self) -> None:
        """The next look decides whether there is a chance again."""
        self._failures += 1
        self._answers = False

    async def run(self) -> None:
        """Look at the broker again and again, until cancelled."""
        while True:
            answers = await asyncio.to_thread(self._look)
            if answers != self._answers:
                _log.info("kafka answers" if answers else "kafka is silent")
            self._answers = answers
            await asyncio.sleep(_LOOK_EVERY_S)

    async def close(self) -> None:
        """Let go, after `run` was cancelled."""
        await asyncio.to_thread(self._let_go)

    def _look(self) -> bool:
        """Whether every partition has its leader, as the broker says now. Makes what is not there."""
        with self._clients:  # a look that was cancelled goes on in its thread: it must not make clients after the last was closed
            return not self._closed and self._has_leaders()

    def _has_leaders(self) -> bool:
        try:
            if self._failures >= _DOUBTS_MAX:
                self._renew_producer()
            if self._admin is None:
                self._admin = self._new_admin()
            topic = self._admin.describe_topics([self._topic])[0]
            if self._producer is None:
                self._producer = self._new_producer()
                self._producer.partitions_for(self._topic)  # fetches the metadata, so that no send has to wait for it
            partitions = topic["partitions"]
            return bool(partitions) and all(entry["leader_id"] >= 0 for entry in partitions)
        except (KafkaError, OSError):
            if self._admin is not None:
                with contextlib.suppress(KafkaError, OSError):
                    self._admin.close()
                self._admin = None
            return False

    def _renew_producer(self) -> None:
        """A producer can be lost to a fatal error of its own (an epoch, a sequence) while the broker is fine."""
        producer, self._producer, self._failures = self._producer, None, 0
        if producer is not None:
            _log.warning("producer made anew")
            producer.close(timeout=0)

    def _new_admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(
            bootstrap_servers=self._bootstrap,
            bootstrap_timeout_ms=_LOOK_WITHIN_MS,
            request_timeout_ms=_LOOK_WITHIN_MS,
            reconnect_backoff_max_ms=_RECONNECT_MS_MAX,
        )

    def _new_producer(self) -> KafkaProducer:
        within_ms = int(self._within_s * 1000)
        return KafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_request_size=MESSAGE_BYTES_MAX,
            max_block_ms=_LOOK_WITHIN_MS,
            request_timeout_ms=within_ms,
            delivery_timeout_ms=2 * within_ms,
            bootstrap_timeout_ms=_LOOK_WITHIN_MS,
            reconnect_backoff_max_ms=_RECONNECT_MS_MAX,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def _let_go(self) -> None:
        self._closed = True
        with self._clients:
            for client in (self._producer, self._admin):
                if client is not None:
                    with contextlib.suppress(KafkaError, OSError):
                        client.close()
            self._producer = self._admin = None


def _answer_of(error: Exception) -> _Answer:
    if isinstance(error, _TOO_LARGE):
        return "too_large"
    return "not_sent" if isinstance(error, _REFUSALS) else "doubtful"


def _settle(done: asyncio.Future[_Answer], outcome: _Answer) -> None:
    if not done.done():
        done.set_result(outcome)
