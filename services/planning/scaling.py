"""Pure: how KEDA and the HPA behind it scale workers: by what waits and runs for each worker. No clock: instants come in.

The scaled figure is the registrations accepted and undecided (Kafka's lag and what is in flight), not the length of a Redis list:
what a worker holds has left the list, so the list alone scales down below running work.
"""

from __future__ import annotations

from collections import deque
from math import ceil

from msgspec import Struct

# The HPA's own defaults, which nobody has to set; source: Kubernetes, HorizontalPodAutoscaler, default behaviour.
UP_SHARE_MAX = 1.0  # of the replicas there are, added at one decision, or
UP_PODS_MAX = 4  # so many, whichever is more
DOWN_AFTER_S = 300.0  # the highest wish of so long counts: down slowly


class Scaling(Struct, frozen=True, kw_only=True):
    """poll_s: between decisions (KEDA's default). target: undecided registrations for each worker. start_s: until one works."""

    replicas_min: int
    replicas_max: int
    target: float
    start_s: float
    poll_s: float = 30.0


class Scaler:
    """One ScaledObject: what it wants, given what waits."""

    def __init__(self, scaling: Scaling) -> None:
        """Begins at replicas_min."""
        assert 0 < scaling.replicas_min <= scaling.replicas_max, scaling
        self.scaling = scaling
        self.replicas = scaling.replicas_min
        self._wishes: deque[tuple[float, int]] = deque()

    def decide(self, at_s: float, undecided: float) -> int:
        """Replicas wanted from now on. at_s never goes back."""
        wish = min(self.scaling.replicas_max, max(self.scaling.replicas_min, ceil(undecided / self.scaling.target)))
        self._wishes.append((at_s, wish))
        while self._wishes[0][0] <= at_s - DOWN_AFTER_S:
            self._wishes.popleft()
        calm = max(wished for _, wished in self._wishes)
        fastest = self.replicas + max(UP_PODS_MAX, int(self.replicas * UP_SHARE_MAX))
        self.replicas = min(calm, fastest) if calm > self.replicas else calm
        return self.replicas
