"""Pure: percentiles of a run by phase and operator, and its CPU by process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from bench.load.accounting import Decisions, Sent
from bench.load.profile import Phase

ALL = "all"
# Whose CPU is not the pipeline's: inference and decoding (real workers), the JVM, the loader.
LOADER = "load generator"
STAND_IN = "simulated inference"
NOT_PIPELINE = frozenset({"kafka", LOADER, "loader", STAND_IN})

_KINDS = {LOADER: "loader", STAND_IN: "stand_in"}


class Latency(Struct, frozen=True):
    """Scheduled arrival to the decision being read, seconds. Nearest rank: each is one that somebody had."""

    count: int
    p50_s: float
    p95_s: float
    p99_s: float
    max_s: float


class Row(Struct, frozen=True):
    """One phase and operator (ALL: of all). latency None: nothing was decided."""

    phase: str
    operator: str
    due: int
    accepted: int
    decided: int
    shed: int
    other: int
    latency: Latency | None


def kind_of(process: str) -> str:
    """Worker and dispatcher processes each count as one; otherwise as the planner names them (services/planning)."""
    if process in _KINDS:
        return _KINDS[process]
    return next((kind for kind in ("worker", "dispatcher") if process.startswith(kind)), process)


class Use(NamedTuple):
    """Of one process over the run: CPU ms a decided registration, its share of one core, and its largest resident memory."""

    ms: float
    share: float
    resident_bytes: int


def latency_of(values: Sequence[float]) -> Latency | None:
    """values: in any order."""
    if not values:
        return None
    ordered = sorted(values)
    return Latency(len(ordered), *(_nearest(ordered, share) for share in (0.50, 0.95, 0.99, 1.0)))


def rows_of(phases: Sequence[Phase], operators: Sequence[str], sent: Sequence[Sent], seen: Decisions) -> list[Row]:
    """Each phase with each operator and with all, then the whole run."""
    found: list[Row] = []
    for number, phase in enumerate(phases):
        own = [each for each in sent if each.arrival.phase == number]
        found += [_row(phase.name, operator, own, seen) for operator in (ALL, *operators)]
    return [*found, *(_row(ALL, operator, sent, seen) for operator in (ALL, *operators))]


def uses_of(spent_s: Mapping[str, float], resident_bytes: Mapping[str, int], *, decided: int, length_s: float) -> dict[str, Use]:
    """The dearest first. spent_s: CPU over the run, by process."""
    ordered = sorted(spent_s.items(), key=lambda each: -each[1])
    return {name: Use(cpu_s * 1000 / max(1, decided), cpu_s / length_s, resident_bytes.get(name, 0)) for name, cpu_s in ordered}


def apart(spent_s: Mapping[str, float], stood_in_s: Mapping[str, float]) -> dict[str, float]:
    """CPU by process, with what workers do in the place of inference taken out of them and named by itself."""
    found = {name: max(0.0, cpu_s - stood_in_s.get(name, 0.0)) for name, cpu_s in spent_s.items()}
    return found | ({STAND_IN: total_s} if (total_s := sum(stood_in_s.values())) else {})


def pipeline_ms(uses: Mapping[str, Use], *, simulated: bool) -> float:
    """CPU a registration of everything but inference, loader and JVM; without its workers where they really infer."""
    counted = (name for name in uses if name not in NOT_PIPELINE and (simulated or not name.startswith("worker")))
    return sum(uses[name].ms for name in counted)


def _row(phase: str, operator: str, sent: Sequence[Sent], seen: Decisions) -> Row:
    own = [each for each in sent if operator in {ALL, each.arrival.operator}]
    accepted = [each for each in own if each.outcome == "accepted"]
    waits = [seen.read_s[each.id] - each.arrival.at_s for each in accepted if each.id in seen.read_s]
    shed = sum(each.outcome == "shed" for each in own)
    other = len(own) - len(accepted) - shed
    return Row(phase, operator, len(own), len(accepted), len(waits), shed, other, latency_of(waits))


def _nearest(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
