"""Pure: what a check cost, step by step. Of this machine and hour, so it stands apart from the report."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from msgspec import Struct

from workers.evaluation.outcomes import Measured


class Step(Struct, frozen=True):
    """One step of the check, in milliseconds. n: presentations in which it ran.

    p50_ms, p95_ms: CPU. waited_*: for a model, a GPU's work included; 0 where the step asks none.
    """

    step: str
    n: int
    p50_ms: float
    p95_ms: float
    waited_p50_ms: float
    waited_p95_ms: float


class Latency(Struct, frozen=True):
    """total: of the whole check; its percentiles are of sums, and no sums of percentiles."""

    steps: tuple[Step, ...] = ()
    total: Step | None = None


def latency_of(measured: Iterable[Measured]) -> Latency:
    """Steps in the order of the check, over the presentations that were judged."""
    known = [one for one in measured if one.cpu_ms]
    names = dict.fromkeys(step for one in known for step in one.cpu_ms)
    steps: list[Step] = []
    for name in names:
        ran = [one for one in known if name in one.cpu_ms]
        steps.append(_step(name, [one.cpu_ms[name] for one in ran], [one.waited_ms.get(name, 0.0) for one in ran]))
    if not known:
        return Latency()
    totals = [sum(one.cpu_ms.values()) for one in known], [sum(one.waited_ms.values()) for one in known]
    return Latency(tuple(steps), _step("the whole check", *totals))


def _step(name: str, spent: list[float], waited: list[float]) -> Step:
    return Step(name, len(spent), *(_percentile(values, share) for values in (spent, waited) for share in (0.5, 0.95)))


def _percentile(values: list[float], share: float) -> float:
    """Nearest rank. Source: NIST/SEMATECH e-Handbook, 7.2.6.2."""
    return round(sorted(values)[max(0, ceil(share * len(values)) - 1)], 2)
