"""What Kafka holds of one id, when Redis cannot say: intake's only door to kafka-python's consumer.

A record is looked for in the id's own partition, from the id's own time on. Questions that come while one look runs are
answered together by the next. assign(), never a group join: its join race leaves a member without partitions.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportUnusedImport=false
# pyright: reportUnknownParameterType=false
# kafka-python has no types (and the stubs that pyright brings are of an old version); they end in this file.

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import crc32c  # noqa: F401  see publisher.py
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from realname import ids
from realname.clock import monotonic
from realname.envelope import AnyMessage, open_record
from realname.errors import RecordTooNew, RecordUnreadable, Transient
from realname.messages import RegistrationDecided, RegistrationSubmitted
from realname.topics import DECIDED, SUBMITTED

_CALL_MS = 3_000  # one question to the broker
_LOOK_WITHIN_S = 10.0  # a whole look; then the answer is 503, never 404
_ANSWER_WITHIN_S = 30.0  # who asks: the look that runs and the next one, each with its connecting
_POLL_MS = 250
_SKEW_MS = 60_000  # broker clock behind ours, at most
_RECONNECT_MS_MAX = 1_000
_RECORDS = 2_000  # a poll
_log = logging.getLogger(__name__)


class StatusLog(Protocol):
    """What was accepted and decided, from the ledger itself."""

    async def submitted(self, registration_id: str) -> RegistrationSubmitted | None:
        """The first record of that id; None where there is none. Raises Transient: then nobody knows."""
        ...

    async def decided(self, registration_id: str) -> RegistrationDecided | None:
        """Its decision; None while there is none. Raises Transient."""
        ...


class _Question(NamedTuple):
    topic: str
    registration_id: str
    until_ms: int | None  # a record of it cannot be younger (broker time); None: read to the end


class KafkaStatusLog:
    """`StatusLog` on a real broker. Belongs to one event loop; the reading is done in a thread, one look at a time."""

    def __init__(
        self,
        bootstrap: str,
        partitions: int,
        *,
        accepted_within_s: int,
        answer_within_s: float = _ANSWER_WITHIN_S,
        submitted: str = SUBMITTED,
        decided: str = DECIDED,
    ) -> None:
        """accepted_within_s: a submission is recorded no later than this after its id was minted.

        answer_within_s: after it, who asks hears Transient, whatever the look does. Does not connect yet.
        """
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._accepted_within_ms = accepted_within_s * 1000
        self._answer_within_s = answer_within_s
        self._submitted = submitted
        self._decided = decided
        self._consumer: KafkaConsumer | None = None
        self._waiting: dict[_Question, asyncio.Future[AnyMessage | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def submitted(self, registration_id: str) -> RegistrationSubmitted | None:
        until_ms = _minted_ms(registration_id) + self._accepted_within_ms + _SKEW_MS
        found = await self._ask(_Question(self._submitted, registration_id, until_ms))
        return found if isinstance(found, RegistrationSubmitted) else None

    async def decided(self, registration_id: str) -> RegistrationDecided | None:
        found = await self._ask(_Question(self._decided, registration_id, None))
        return found if isinstance(found, RegistrationDecided) else None

    async def close(self) -> None:
        """Let go of the connection."""
        if self._looking is not None:
            await asyncio.wait({self._looking})
        await asyncio.to_thread(self._let_go)

    async def _ask(self, question: _Question) -> AnyMessage | None:
        answer = self._waiting.get(question)
        if answer is None:
            answer = self._waiting[question] = asyncio.get_running_loop().create_future()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_asked())
            self._looking.add_done_callback(_tell_of_bug)
        try:
            async with asyncio.timeout(self._answer_within_s):
                return await asyncio.shield(answer)
        except TimeoutError:
            raise Transient("kafka_slow") from None

    async def _look_while_asked(self) -> None:
        """However it ends, nobody is left waiting: each asker holds a place of uploads_max."""
        asked: dict[_Question, asyncio.Future[AnyMessage | None]] = {}
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                try:
                    found = await asyncio.to_thread(self._look, tuple(asked))
                except Transient as error:
                    _fail(asked.values(), error)
                else:
                    for question, answer in asked.items():
                        answer.set_result(found.get(question))
        finally:  # a bug, or the end of the loop
            left, self._waiting = [*asked.values(), *self._waiting.values()], {}
            _fail(left, Transient("look_broken"))

    def _look(self, questions: tuple[_Question, ...]) -> dict[_Question, AnyMessage]:
        places: dict[TopicPartition, list[_Question]] = defaultdict(list)
        for question in questions:
            partition = ids.partition_of(question.registration_id, self._partitions)
            places[TopicPartition(question.topic, partition)].append(question)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._let_go)  # a consumer that did not read to its end is in no known state
            try:
                found = _Look(self._connected(), places).read()
            except (KafkaError, OSError, AssertionError):
                raise Transient("kafka_silent") from None
            on_failure.pop_all()
        return found

    def _connected(self) -> KafkaConsumer:
        if self._consumer is None:
            logging.getLogger("kafka").setLevel(logging.CRITICAL)
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._bootstrap,
                bootstrap_timeout_ms=_CALL_MS,
                request_timeout_ms=_CALL_MS,
                reconnect_backoff_max_ms=_RECONNECT_MS_MAX,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                metrics_enabled=False,
            )
        return self._consumer

    def _let_go(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaError, OSError):
                consumer.close(autocommit=False, timeout_ms=_CALL_MS)


class _Look:
    """One pass over the partitions in question, from the oldest id's time to the end as it is now."""

    def __init__(self, consumer: KafkaConsumer, places: dict[TopicPartition, list[_Question]]) -> None:
        self._consumer = consumer
        self._open = {
            place: {question.registration_id.encode(): question for question in questions} for place, questions in places.items()
        }
        self._ends: dict[TopicPartition, int] = {}
        self._found: dict[_Question, AnyMessage] = {}

    def read(self) -> dict[_Question, AnyMessage]:
        """Raises KafkaError, Transient."""
        self._seek()
        deadline = monotonic() + _LOOK_WITHIN_S
        while self._open:
            if monotonic() > deadline:
                raise Transient("kafka_slow")
            for place, records in self._consumer.poll(timeout_ms=_POLL_MS, max_records=_RECORDS).items():
                for record in records:
                    self._take(place, record)
            self._finish_read_places()
        return self._found

    def _seek(self) -> None:
        consumer, places = self._consumer, list(self._open)
        consumer.assign(places)
        consumer.resume(*places)  # assigning the same places again keeps them paused as the last look left them
        since = {place: min(map(_minted_of, self._open[place])) - _SKEW_MS for place in places}
        starts = consumer.offsets_for_times(since, timeout_ms=_CALL_MS)
        self._ends = consumer.end_offsets(places, timeout_ms=_CALL_MS)
        for place in places:
            start = starts.get(place)
            if start is None or start.offset >= self._ends[place]:
                self._close(place)  # nothing there is as young as the id
            else:
                consumer.seek(place, start.offset)

    def _take(self, place: TopicPartition, record: Any) -> None:
        wanted = self._open.get(place)
        if wanted is None:
            return
        question = wanted.pop(record.key, None)
        if question is not None:
            self._found[question] = _message(record)
        # Broker time only grows (LogAppendTime): what is too old to be found is not there.
        for key in [key for key, each in wanted.items() if each.until_ms is not None and record.timestamp > each.until_ms]:
            del wanted[key]
        if not wanted:
            self._close(place)

    def _finish_read_places(self) -> None:
        for place in list(self._open):
            position = self._consumer.position(place, timeout_ms=_CALL_MS)
            if position is not None and position >= self._ends[place]:
                self._close(place)

    def _close(self, place: TopicPartition) -> None:
        self._open.pop(place, None)
        self._consumer.pause(place)


def _fail(answers: Iterable[asyncio.Future[AnyMessage | None]], error: Transient) -> None:
    """Those that have no answer yet get this one."""
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)
            answer.exception()  # its asker may have gone: then nobody looks at it, which is fine


def _tell_of_bug(looking: asyncio.Task[None]) -> None:
    if not looking.cancelled() and (bug := looking.exception()) is not None:
        _log.error("a look into Kafka ended by a bug", exc_info=bug)


def _message(record: Any) -> AnyMessage:
    """A record that this process cannot read is still there: nobody may answer 404 for it."""
    try:
        return open_record(record.value, record.headers)
    except (RecordUnreadable, RecordTooNew):
        raise Transient("record_unreadable") from None


def _minted_of(key: bytes) -> int:
    return _minted_ms(key.decode())


def _minted_ms(registration_id: str) -> int:
    return int(ids.minted_at(registration_id).timestamp() * 1000)
