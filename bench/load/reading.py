"""Reads every decision topic as an operator's system does: read_committed, by another implementation than the writer's."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from threading import Event, Thread

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from bench.load.accounting import Decisions
from realname.topics import DECIDED, decisions_of

CATCH_UP_S = 180.0  # some 100,000 records on each of two topics, on a busy machine
_POLL_MS = 200  # records end it sooner
_AWAY_S = 0.5


class Reader:
    """A thread of its own. seen.read_s holds instants of our monotonic clock while it runs; seen.own is filled at the end."""

    def __init__(self, bootstrap: str, operators: Sequence[str], partitions: int, *, from_start: bool) -> None:
        """from_start: everything that is on the topics; else only what comes."""
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # a broker that is away on purpose is not news
        self.seen = Decisions(own={operator: Counter() for operator in operators})
        self.caught_up = False
        self._operator_of = {decisions_of(operator): operator for operator in operators}
        self._stop = Event()
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False, reconnect_backoff_max_ms=1000
        )
        self._places = [TopicPartition(topic, each) for topic in (DECIDED, *self._operator_of) for each in range(partitions)]
        self._consumer.assign(self._places)
        (self._consumer.seek_to_beginning if from_start else self._consumer.seek_to_end)(*self._places)
        for place in self._places:
            self._consumer.position(place)
        # The operators' own topics are read after the run: fetching 36 further partitions would cost the loader and the broker.
        self._own = [place for place in self._places if place.topic != DECIDED]
        self._consumer.pause(*self._own)
        self._thread = Thread(target=self._follow, name="reads-decisions", daemon=True)
        self._thread.start()

    def close(self) -> Decisions:
        """Read on to what is the end now, then stop. caught_up says whether the end was reached."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()
        return self.seen

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._poll()
        deadline = time.monotonic() + CATCH_UP_S
        try:
            self._consumer.resume(*self._own)
            ends = self._consumer.end_offsets(self._places)
            while not self.caught_up and time.monotonic() < deadline:
                self._poll()
                self.caught_up = all(self._consumer.position(place) >= ends[place] for place in self._places)
        except KafkaError:
            return  # caught_up stays false, and the run says so

    def _poll(self) -> None:
        try:
            polled = self._consumer.poll(timeout_ms=_POLL_MS, max_records=2000)
        except KafkaError:
            self._stop.wait(_AWAY_S)
            return
        now = time.monotonic()
        for place, records in polled.items():
            for record in records:
                if place.topic == DECIDED:
                    self.seen.read_internal(record.key.decode(), now)
                else:
                    self.seen.read_own(self._operator_of[place.topic], record.key.decode())
