"""Pure: who may come in now. A token bucket an operator, and a share of the undecided records. No clock, no Redis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.intake.problem_names import Name
from services.intake.problems import Problem

BACKLOG_RETRY_S = 5  # the dispatcher needs seconds, not milliseconds, to work a share off


@dataclass(slots=True)
class Bucket:
    """Tokens of one operator: `rate_per_s` flow in up to `burst`; a request takes one.

    tokens_at_s: the monotonic instant that `tokens` stands for.
    """

    rate_per_s: float
    burst: float
    tokens: float
    tokens_at_s: float

    def take(self, now_s: float) -> float:
        """0.0 where a token was taken, else the seconds until one is there. Time that goes back refills nothing."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now_s - self.tokens_at_s) * self.rate_per_s)
        self.tokens_at_s = max(self.tokens_at_s, now_s)
        if self.tokens >= 1.0:
            self.tokens -= 1.0
            return 0.0
        return (1.0 - self.tokens) / self.rate_per_s


def shares(weights: Mapping[str, float], *, lookahead_max: int, partitions: int) -> dict[str, int]:
    """The undecided records that each operator may have: its part of all weights x half of the look-ahead of all partitions.

    lookahead_max: records a partition, as the dispatcher has it. The counts that a share is held against are sums over
    all partitions (ids spread evenly), so the share is one as well.
    Half: so that one at its share leaves room to the others in every window. Each has room for one at least.
    """
    total = sum(weights.values())
    return {operator: max(1, int(lookahead_max * partitions / 2 * weight / total)) for operator, weight in weights.items()}


@dataclass(slots=True)
class Admission:
    """The door of one process.

    share:     operator -> undecided records that it may have (see `shares`).
    undecided: operator -> undecided records, as last heard; kept while Redis is away.
    """

    share: dict[str, int]
    rate_per_s: float
    burst: float
    undecided: dict[str, int] = field(default_factory=dict[str, int])
    buckets: dict[str, Bucket] = field(default_factory=dict[str, Bucket])

    def admit(self, operator: str, now_s: float) -> Problem | None:
        """None, or a 429 with the seconds to wait. now_s: monotonic."""
        if self.undecided.get(operator, 0) >= self.share.get(operator, 1):
            return Problem(Name.BACKLOG_SHARE_USED, retry_after_s=BACKLOG_RETRY_S)
        bucket = self.buckets.setdefault(operator, Bucket(self.rate_per_s, self.burst, self.burst, now_s))
        wait_s = bucket.take(now_s)
        return Problem(Name.RATE_LIMITED, retry_after_s=max(1, math.ceil(wait_s))) if wait_s else None

    def hear(self, undecided: Mapping[str, int]) -> None:
        """New counts, summed over all partitions. An operator that is not in them has none."""
        self.undecided = dict(undecided)
