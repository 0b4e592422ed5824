"""Pure: what is asked of the country's system, and what rate of deciding that takes. Closed forms, no simulation."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from services.planning.day import Rate, Shape

Seconds = Annotated[float, Meta(gt=0)]
HEADROOM_MAX = 0.9


class Demand(Struct, frozen=True, kw_only=True):
    """Rates in registrations a second.

    peak_hz is accepted for peak_s; whoever comes in it waits wait_s_max at most. After an outage of outage_s the backlog is gone
    within drain_s, while sustained_hz goes on. headroom: the share of everything that stays free at the worst of these.
    growth: by how much the load may grow before partitions, which are never changed in place, are too few.
    """

    peak_hz: Rate
    sustained_hz: Rate
    outage_s: Annotated[float, Meta(ge=0)]
    drain_s: Seconds = 1800.0
    peak_s: Seconds = 60.0
    wait_s_max: Seconds = 120.0
    headroom: Annotated[float, Meta(ge=0, le=HEADROOM_MAX)] = 0.3
    growth: Annotated[float, Meta(ge=1)] = 2.0
    shape: Shape = "shops"


def draining_hz(demand: Demand) -> float:
    """The backlog of the outage and the live traffic, within drain_s."""
    return demand.sustained_hz * (1 + demand.outage_s / demand.drain_s)


def peak_deciding_hz(demand: Demand) -> float:
    """First come, first decided: the last of the peak finds (peak_hz - c) peak_s before it, and waits that / c <= wait_s_max.

    Operators share alike while all wait, so the largest waits somewhat longer than this and the smallest less.
    """
    return demand.peak_hz * demand.peak_s / (demand.peak_s + demand.wait_s_max)


def deciding_hz(demand: Demand) -> float:
    """Registrations decided a second at the worst of: sustained traffic, the drain after an outage, the peak."""
    return max(demand.sustained_hz, draining_hz(demand), peak_deciding_hz(demand))


def backlog(demand: Demand) -> float:
    """Registrations accepted and undecided, at the most: at the end of the outage, or of the peak."""
    return max(demand.sustained_hz * demand.outage_s, (demand.peak_hz - deciding_hz(demand)) * demand.peak_s, 0.0)
