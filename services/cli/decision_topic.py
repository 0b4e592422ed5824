"""A topic of decisions, decisions.<operator> as an operator's own system would read it or the internal one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from realname.envelope import open_record
from realname.errors import RealnameError, RecordTooNew, RecordUnreadable
from realname.messages import RegistrationDecided
from services.cli.topic_reader import TopicReader


class DecisionTopic:
    """The decisions of all partitions, by their time."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        """Connects. Raises RealnameError where no broker answers or there is no such topic."""
        self._reader = TopicReader(bootstrap, topic, missing="is that an operator of this stack?")

    def start(self, since: datetime) -> None:
        """From the first record not older than that on."""
        self._reader.start(since)

    def read(self) -> Iterator[RegistrationDecided]:
        """What came, within a fifth of a second. Raises RealnameError for what this version cannot read."""
        for record in sorted(self._reader.records(), key=lambda each: each.timestamp):
            try:
                message = open_record(record.value, record.headers)
            except (RecordTooNew, RecordUnreadable) as error:
                raise RealnameError(f"partition {record.partition}, offset {record.offset}: {error}") from None
            if isinstance(message, RegistrationDecided):
                yield message

    def is_at_end(self) -> bool:
        """Whether all has been read that was there at the start."""
        return self._reader.is_at_end()

    def close(self) -> None:
        """Let go of the connections."""
        self._reader.close()
