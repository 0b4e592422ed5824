"""When the media of a decided registration goes. Pure: no vault, no Kafka; time is an argument.

An age is measured from the decision's record timestamp (the broker's, LogAppendTime) to RetentionClock's now. Never from
this process's wall clock: where that jumps ahead, a refused customer's media would go before the objection window ends.

Later issues put their cause here: a ruling ends a review at once, an objection keeps refused media until it is ruled,
a withdrawal deletes at once, and a review that nobody ruled also ends as `retry / review_expired`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from realname.messages import Verdict

JUMP_S = 60.0  # a clock that is told to be further ahead than this has jumped: drift and a slow answer stay below
AGREED_S, AGREED_READINGS = 600.0, 60  # so long and so often a jumped clock must tell the same before it is believed
AGREE_S = 10.0  # readings that differ by less tell the same: far above a slow answer, far below any retention


@dataclass(frozen=True, slots=True)
class Retention:
    """How long media stays after the decision: objection_s where refused, review_s where nobody has ruled."""

    objection_s: int
    review_s: int


def due_at(verdict: Verdict, recorded_at: datetime, retention: Retention) -> datetime | None:
    """The instant from which on the media may go; None: at once, whatever the time is."""
    if verdict == "refused":
        return recorded_at + timedelta(seconds=retention.objection_s)
    if verdict == "review":
        return recorded_at + timedelta(seconds=retention.review_s)
    return None


@dataclass(slots=True)
class _Doubt:
    """Readings in a row that jumped ahead and agree with the first of them. epoch_s: as that one told it."""

    epoch_s: float
    since_s: float
    readings: int = 0


@dataclass(slots=True)
class RetentionClock:
    """Now, as the janitor may use it: Redis TIME, carried on by the monotonic clock between readings.

    Each doubt ends in deleting late, never early. Before the first reading there is no now, and only what goes at once
    is deleted. A reading that is further ahead of the carried time than JUMP_S is not believed; one that is behind is.

    A jump may yet be true: this machine slept, or Redis' clock was behind and was set right. So it is believed once
    AGREED_READINGS readings in a row over AGREED_S agree. A clock that is wrong for a moment is never believed, and one
    that stays wrong leaves AGREED_S for a person to see it. To end the process instead would mend it with less care:
    a process that starts believes its first reading.
    """

    _epoch_s: float | None = None  # what the time was, in seconds since 1970, when the monotonic clock stood at 0
    _doubt: _Doubt | None = None

    def hear(self, told: datetime, at_s: float) -> bool:
        """Take a reading. at_s: monotonic seconds when it arrived. False where it jumped ahead and is not yet believed."""
        heard_s = told.timestamp() - at_s
        if self._epoch_s is not None and heard_s > self._epoch_s + JUMP_S and not self._is_agreed(heard_s, at_s):
            return False
        self._epoch_s, self._doubt = heard_s, None
        return True

    def now(self, at_s: float) -> datetime | None:
        """The time at a monotonic instant; None before the first reading."""
        return None if self._epoch_s is None else datetime.fromtimestamp(self._epoch_s + at_s, tz=UTC)

    def _is_agreed(self, heard_s: float, at_s: float) -> bool:
        """Count one more reading that jumped ahead; whether they now suffice."""
        doubt = self._doubt
        if doubt is None or abs(heard_s - doubt.epoch_s) > AGREE_S:
            doubt = self._doubt = _Doubt(heard_s, at_s)
        doubt.readings += 1
        return doubt.readings >= AGREED_READINGS and at_s - doubt.since_s >= AGREED_S
