"""Pure but for its clock: is this worker alive, is it ready.

Alive: its consumer's loop turns. Redis being away is no reason to end a worker: it waits and comes back by itself.
Only one whose loop stands although Redis has been answering for a while is beyond help.
"""

from __future__ import annotations

from realname.clock import Monotonic, monotonic

LOOP_STANDS_S = 30.0  # reconnecting takes a few seconds once Redis answers; kombu's own checks of a dead line up to 26 s
REDIS_SILENT_S = 7.0  # longer than one refresh and one socket timeout


class Vitals:
    """What the consumer's loop and the presence thread last said. Single attribute writes: safe for many threads."""

    def __init__(self, *, clock: Monotonic = monotonic) -> None:
        """Nothing has answered yet."""
        self._clock = clock
        self._looped_at = clock()
        self._answered_at: float | None = None
        self._answers_since = clock()
        self._consuming = False

    def loop_turned(self) -> None:
        """The consumer is connected and its loop turns."""
        self._looped_at = self._clock()
        self._consuming = True

    def redis_answered(self) -> None:
        """Redis took our refresh."""
        now = self._clock()
        if not self._redis_answers(now):
            self._answers_since = now
        self._answered_at = now

    def alive(self) -> str | None:
        """None, or `consumer_stands`."""
        now = self._clock()
        stands_s = now - max(self._looped_at, self._answers_since)
        return "consumer_stands" if self._redis_answers(now) and stands_s > LOOP_STANDS_S else None

    def ready(self) -> str | None:
        """None, `redis_silent` or `not_consuming`."""
        now = self._clock()
        if not self._redis_answers(now):
            return "redis_silent"
        return None if self._consuming and now - self._looped_at <= LOOP_STANDS_S else "not_consuming"

    def _redis_answers(self, now: float) -> bool:
        return self._answered_at is not None and now - self._answered_at <= REDIS_SILENT_S
