"""Pure: who arrives when, settled before the run. A slow stack does not slow its own load down."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from bench.load.profile import Phase

COUNT_MAX = 200_000  # arrivals of one run


class Arrival(NamedTuple):
    """One registration that is due. at_s: from the run's start; phase: its number; draw: chooses whose clip is sent."""

    at_s: float
    phase: int
    operator: str
    draw: int


class TooMany(ValueError):
    """More arrivals than may be: lower --rate-scale or --seconds, or raise --count."""


def arrivals_of(phases: Sequence[Phase], operators: Sequence[str], *, seed: int, count_max: int = COUNT_MAX) -> list[Arrival]:
    """Poisson: exponential gaps with each phase's mean; operators by their weights. In order. Raises TooMany."""
    chance = random.Random(seed)
    found: list[Arrival] = []
    began_s = 0.0
    for number, phase in enumerate(phases):
        weights = [phase.weights.get(operator, 1.0) for operator in operators]
        at_s = began_s + _gap_s(chance, phase.rate_hz)
        while at_s < began_s + phase.seconds:
            if len(found) == count_max:
                raise TooMany(
                    f"more than {count_max} arrivals within {at_s:.0f} s: lower --rate-scale or --seconds, or raise --count"
                )
            found.append(Arrival(at_s, number, chance.choices(operators, weights)[0], chance.getrandbits(16)))
            at_s += _gap_s(chance, phase.rate_hz)
        began_s += phase.seconds
    return found


def spans_of(phases: Sequence[Phase]) -> list[tuple[float, float]]:
    """First and last second of each phase, from the run's start."""
    found: list[tuple[float, float]] = []
    for phase in phases:
        began_s = found[-1][1] if found else 0.0
        found.append((began_s, began_s + phase.seconds))
    return found


def _gap_s(chance: random.Random, rate_hz: float) -> float:
    return chance.expovariate(rate_hz) if rate_hz else float("inf")
