"""Which registration ids a partition has seen. Pure: time is the records' own (LogAppendTime).

A challenge's id is the registration's id, so a further record of an id can come only during the challenge's lifetime;
10 minutes more cover doubtful publishes and brokers' clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SLACK_S = 600  # beyond the challenge's lifetime; source: design, invariant I4


@dataclass(slots=True)
class KnownIds:
    """One partition's ids.

    remember_ms: how long after an id's first record, in record time.
    _first:      id -> (record time in ms, offset of the first record; None where only its decision was seen).
    """

    remember_ms: int
    _first: dict[str, tuple[int, int | None]] = field(default_factory=dict[str, tuple[int, int | None]])

    @classmethod
    def for_lifetime(cls, challenge_lifetime_s: float) -> KnownIds:
        """Remembers as long as a further record can come."""
        return cls(remember_ms=int((challenge_lifetime_s + SLACK_S) * 1000))

    def is_further(self, registration_id: str, offset: int) -> bool:
        """True where this record is not the id's first. The first one itself may be taken again after an abort."""
        found = self._first.get(registration_id)
        return found is not None and found[1] != offset

    def remember(self, registration_id: str, *, offset: int, at_ms: int) -> None:
        """The id's first record was taken. Forgets what is too old beside it."""
        self._first.setdefault(registration_id, (at_ms, offset))
        self._forget_before(at_ms - self.remember_ms)

    def remember_decided(self, registration_id: str, *, at_ms: int) -> None:
        """Its decision is committed, so the offset of its first record is complete and is not taken again."""
        self._first.setdefault(registration_id, (at_ms, None))

    def __len__(self) -> int:
        return len(self._first)

    def _forget_before(self, at_ms: int) -> None:
        """From the front, in the order in which they came: one that came late may stay a little longer."""
        while self._first:
            oldest = next(iter(self._first))
            if self._first[oldest][0] >= at_ms:
                return
            del self._first[oldest]
