"""Pure: the durations that recovery hangs on, as one value, so that a test can shorten them together."""

from __future__ import annotations

from dataclasses import dataclass

from realname.stages import STAGE_DEADLINE_S, VISIBILITY_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Production's values are the defaults. A killed worker's job runs again after at most the first two together.

    visibility_timeout_s: an unacknowledged message older than this is put back by any worker of the broker.
    restore_every_s:      how often a worker looks for such messages.
    process_ttl_s:        a process that has not refreshed its key for so long is dead, and its starts are lost.
    process_refresh_s:    how often it does.
    stage_deadline_s:     a stage that runs longer is hung: the watchdog ends the process.
    transient_wait_s:     how long a thread waits before it puts a job back whose neighbour did not answer.
    """

    visibility_timeout_s: float = VISIBILITY_TIMEOUT_S
    restore_every_s: float = 5.0
    process_ttl_s: float = 10.0
    process_refresh_s: float = 2.0
    stage_deadline_s: float = STAGE_DEADLINE_S
    transient_wait_s: float = 0.5

    def __post_init__(self) -> None:
        """A dead process must be known as dead when its job comes back, and no job may come back while it runs."""
        assert self.process_refresh_s * 2 < self.process_ttl_s < self.visibility_timeout_s, self
        assert self.stage_deadline_s < self.visibility_timeout_s, self
