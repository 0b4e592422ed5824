"""Pure: what a check cost, step by step. Of this machine and hour, so it stands apart from the report."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from msgspec import Struct

from workers.evaluation.outcomes import Measured


class Step(Struct, frozen=True):
    """CPU milliseconds of one step of the check. n: presentations in which it ran."""

    step: str
    n: int
    p50_ms: float
    p95_ms: float


class Latency(Struct, frozen=True):
    """total: of the whole check. A model's share is its waiting time, which other work on the machine lengthens."""

    steps: tuple[Step, ...] = ()
    total: Step | None = None


def latency_of(measured: Iterable[Measured]) -> Latency:
    """Steps in the order of the check."""
    spent: dict[str, list[float]] = {}
    totals: list[float] = []
    for one in measured:
        if one.cpu_ms:
            totals.append(sum(one.cpu_ms.values()))
        for step, ms in one.cpu_ms.items():
            spent.setdefault(step, []).append(ms)
    steps = tuple(_step(name, values) for name, values in spent.items())
    return Latency(steps, _step("the whole check", totals) if totals else None)


def _step(name: str, values: list[float]) -> Step:
    return Step(name, len(values), _percentile(values, 0.5), _percentile(values, 0.95))


def _percentile(values: list[float], share: float) -> float:
    """Nearest rank. Source: NIST/SEMATECH e-Handbook, 7.2.6.2."""
    return round(sorted(values)[max(0, ceil(share * len(values)) - 1)], 2)
