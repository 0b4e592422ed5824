"""Pure: a national day: how many registrations a second, by operator and second of the day."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

DAY_S = 86_400
HOUR_S = 3600

Shape = Literal["shops", "flat"]
Rate = Annotated[float, Meta(gt=0)]

# Share of the sustained rate by hour. ASSUMED: shops open at nine, are fullest before noon and towards evening, and a few
# self-service terminals stay on at night. No operator has given us theirs.
SHOPS = (
    *(0.02, 0.01, 0.01, 0.01, 0.01, 0.02, 0.04, 0.10, 0.35),  # 0-8
    *(0.90, 1.00, 1.00, 0.80, 0.75, 0.85, 0.95, 1.00, 1.00),  # 9-17
    *(0.90, 0.70, 0.45, 0.20, 0.08, 0.04),  # 18-23
)
FLAT = (1.0,) * 24  # the upper bound: a plan by it is never short
SHAPES: dict[Shape, tuple[float, ...]] = {"shops": SHOPS, "flat": FLAT}
# ASSUMED: three nationwide operators of unlike size.
OPERATORS: dict[str, float] = {"operator A": 0.5, "operator B": 0.3, "operator C": 0.2}


class Day(Struct, frozen=True, kw_only=True):
    """One day. Rates in registrations a second over all operators; instants in seconds from midnight.

    peak_hz lasts peak_s from peak_at_s on (the shops open). From outage_at_s on nothing is decided for outage_s, and
    everything is still accepted. operators: each one's share of the arrivals.
    """

    sustained_hz: Rate
    peak_hz: Rate
    peak_s: float = 60.0
    peak_at_s: float = 9.0 * HOUR_S
    outage_s: float = 0.0
    outage_at_s: float = 15.0 * HOUR_S
    shape: Shape = "shops"
    operators: dict[str, float] = field(default_factory=lambda: dict(OPERATORS))

    def rate_hz(self, at_s: float) -> float:
        """Arrivals a second at an instant, all operators together."""
        if self.peak_at_s <= at_s < self.peak_at_s + self.peak_s:
            return self.peak_hz
        return self.sustained_hz * SHAPES[self.shape][int(at_s // HOUR_S) % 24]

    def is_out(self, at_s: float) -> bool:
        """Whether nothing is decided at that instant."""
        return self.outage_at_s <= at_s < self.outage_at_s + self.outage_s

    @property
    def registrations(self) -> float:
        """Arrivals of the whole day, on average."""
        hour = int(self.peak_at_s // HOUR_S)
        usual = self.sustained_hz * sum(SHAPES[self.shape]) * HOUR_S
        return usual + (self.peak_hz - self.sustained_hz * SHAPES[self.shape][hour % 24]) * self.peak_s
