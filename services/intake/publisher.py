"""Where submissions go to Kafka: one record, acknowledged by all replicas, or a word for what happened instead.

librdkafka, whose threads are not Python's: kafka-python's sender loops several times a record, at up to 2 ms of CPU where
records come one by one (docs/adr/0010). What intake reads back (status_log.py) is read by the other implementation.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Literal, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from realname.envelope import Record
from realname.topics import MESSAGE_BYTES_MAX, SUBMITTED

Outcome = Literal["acknowledged", "not_sent", "doubtful"]
_Answer = Outcome | Literal["too_large"]

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0  # between looks at the broker; a 503 is right again no later than this
_LOOK_WITHIN_S = 2.0  # a broker that is frozen keeps its connections: silence this long is "down"
_RECONNECT_MS_MAX = 1_000  # the default of 10 s would outlast a broker's restart
_DOUBTS_MAX = 3  # failures in a row, an outage's too, after which the next look makes the producer anew
_REPORTS_S = 0.5  # one wait for delivery reports; the end of the process waits no longer for its thread
_BATCH_BYTES = 200_000  # below the topic's max.message.bytes, which limits a batch; librdkafka's own 1 MB is never split
# The broker said no before it wrote anything.
_REFUSALS = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TOPIC_EXCEPTION)
# So did it here, but of this one record: it says nothing of the next, which may be another operator's.
_TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)


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
        self._bootstrap = bootstrap
        self._within_s = within_s
        self._topic = topic
        self._producer: Producer | None = None
        self._reports: _Reports | None = None
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

        def settle(error: KafkaError | None, _: Message) -> None:  # on the thread of reports
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_settle, done, _answer_of(error))

        try:
            # Does not block: it is queued, whether the topic's leaders are known yet or not.
            headers: list[tuple[str, str | bytes | None]] = [*record.headers]
            producer.produce(self._topic, record.value, record.key, partition, on_delivery=settle, headers=headers)
        except KafkaException as error:
            if error.args[0].code() in _TOO_LARGE:  # by our own limit: the broker never saw it
                _log.error("a record is larger than Kafka takes")  # a bug: every field of a submission has its limit
            else:
                self._doubt()
            return "not_sent"
        except BufferError:  # its queue is full: nothing has gone out for long
            self._doubt()
            return "not_sent"
        return await self._outcome(done)

    async def _outcome(self, done: asyncio.Future[_Answer]) -> Outcome:
        try:
            async with asyncio.timeout(self._within_s):
                outcome = await done
        except TimeoutError:
            outcome = "doubtful"
        if outcome == "too_large":  # the topic takes less than we believe; Kafka answers, and the next record may be smaller
            _log.error("a record is larger than its topic takes")
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
            if self._producer is None:
                self._producer = self._new_producer()
                self._reports = _Reports(self._producer)
            topic = self._producer.list_topics(self._topic, timeout=_LOOK_WITHIN_S).topics[self._topic]
        except KafkaException:
            return False
        return topic.error is None and bool(topic.partitions) and all(each.leader >= 0 for each in topic.partitions.values())

    def _renew_producer(self) -> None:
        """A producer can be lost to a fatal error of its own (an epoch, a sequence) while the broker is fine."""
        _log.warning("producer made anew")
        self._end_producer()
        self._failures = 0

    def _end_producer(self) -> None:
        """What it still holds is doubtful to whoever waits for it."""
        producer, self._producer = self._producer, None
        reports, self._reports = self._reports, None
        if producer is not None:
            producer.purge()
        if reports is not None:
            reports.close()

    def _new_producer(self) -> Producer:
        quiet = logging.getLogger("kafka")  # an outage is told once, by `run`
        quiet.setLevel(logging.CRITICAL)
        within_ms = int(self._within_s * 1000)
        return Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
                "batch.size": _BATCH_BYTES,
                "message.max.bytes": MESSAGE_BYTES_MAX,
                "request.timeout.ms": within_ms,
                "delivery.timeout.ms": 2 * within_ms,
                "retry.backoff.ms": 20,
                "reconnect.backoff.max.ms": _RECONNECT_MS_MAX,
                "allow.auto.create.topics": False,
                "logger": quiet,
            }
        )

    def _let_go(self) -> None:
        self._closed = True
        with self._clients:
            if self._producer is not None:
                self._producer.flush(self._within_s)
            self._end_producer()


class _Reports:
    """The thread on which a producer's delivery reports are served."""

    def __init__(self, producer: Producer) -> None:
        """Starts it."""
        self._producer = producer
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="kafka-reports", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve what is there, then end."""
        self._is_over.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._is_over.is_set():
            self._producer.poll(_REPORTS_S)
        self._producer.poll(0)


def _answer_of(error: KafkaError | None) -> _Answer:
    if error is None:
        return "acknowledged"
    if error.code() in _TOO_LARGE:
        return "too_large"
    return "not_sent" if error.code() in _REFUSALS else "doubtful"


def _settle(done: asyncio.Future[_Answer], outcome: _Answer) -> None:
    if not done.done():
        done.set_result(outcome)
