"""Pure: what the courses of load runs say of how Kafka's CPU is spread over time. `bench.coefficients` reads it.

Kafka is the only process whose CPU a second moves far beyond what its registrations explain: it compiles, and collects garbage.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec
from msgspec import Struct

from realname.errors import RealnameError
from services.planning.one_run import COLD_S

PROCESS = "kafka"
SECONDS_MIN = 2 * COLD_S - 5  # of a run, so that what comes after the warm-up is long enough to be held against
STEP_S_MIN = 0.5  # looks nearer than this (the last one) say little: CPU is counted in hundredths of a second


class Look(Struct, frozen=True):
    """Of `bench.load.watching.Point`, what is read. cpu_s: by process, since the run began."""

    at_s: float
    cpu_s: dict[str, float]


class Course(Struct, frozen=True):
    """Of a run's `.course.json`, what is read."""

    points: list[Look]


class Span(NamedTuple):
    """Between two looks: when it began, and the cores that Kafka took."""

    at_s: float
    cores: float


def decode_course(content: bytes, name: str) -> Course:
    """Raises RealnameError for another shape, or a run that ends before Kafka is warm."""
    try:
        course = msgspec.json.decode(content, type=Course)
    except msgspec.MsgspecError as error:
        raise RealnameError(f"{name}: {error}") from None
    if course.points and PROCESS not in course.points[-1].cpu_s:
        raise RealnameError(f"{name} has no CPU of {PROCESS}: leave it out (--leave-out)")
    if not course.points or course.points[-1].at_s < SECONDS_MIN:
        raise RealnameError(
            f"{name} ends before {SECONDS_MIN:g} s, too short to tell Kafka's warm-up from what it always costs: "
            "play a minute, or leave it out (--leave-out)"
        )
    return course


def spans_of(course: Course) -> list[Span]:
    """One a second, about."""
    pairs = [(one, other) for one, other in pairwise(course.points) if other.at_s - one.at_s > STEP_S_MIN]
    return [
        Span(one.at_s, (other.cpu_s[PROCESS] - one.cpu_s[PROCESS]) / (other.at_s - one.at_s))
        for one, other in pairs
        if PROCESS in one.cpu_s and PROCESS in other.cpu_s
    ]


def warm_up_s(spans: Sequence[Span]) -> float:
    """CPU that Kafka spent within COLD_S beyond what it spends afterwards, s; 0 where it was warm before."""
    cold, warm = ([span.cores for span in spans if (span.at_s < COLD_S) is is_cold] for is_cold in (True, False))
    return max(0.0, COLD_S * (sum(cold) / len(cold) - sum(warm) / len(warm)))


def unevenness(spans: Sequence[Span], rate_hz: float, cost_s: float) -> float:
    """Variance of Kafka's CPU in a second, s^2, less what Poisson arrivals of that cost explain.

    Half the mean square of the step from one second to the next, which a slow drift such as the warm-up does not move.
    """
    steps = [other.cores - one.cores for one, other in pairwise(spans)]
    return max(0.0, sum(step * step for step in steps) / len(steps) / 2 - rate_hz * cost_s * cost_s)
