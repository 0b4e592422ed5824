"""Pure: a steady run by the names that the capacity planner reads (docs/capacity.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.load.profile import Phase
from bench.load.stack import Shape
from bench.load.summary import Latency, Use, kind_of
from services.planning.coefficients import PROCESSES

REAL_THREADS = 4  # of a real worker; source: Worker.threads of realname/settings.py


def planned_of(
    phases: Sequence[Phase], shape: Shape, uses: Mapping[str, Use], latency: Latency | None, *, cores: int
) -> dict[str, float]:
    """Empty where the run is not steady: several phases, or a part of the stack away.

    uses: by process; those of one kind (`worker-1`, `dispatcher-0`) are counted together. cores: of the machine.
    """
    if len(phases) != 1 or phases[0].away or latency is None:
        return {}
    figures = {"rate_hz": phases[0].rate_hz, "seconds": phases[0].seconds, "cores": float(cores)}
    figures |= {"dispatchers": float(shape.dispatchers), "workers": float(shape.processes)}
    figures |= {"threads": float(shape.threads if shape.workers == "simulated" else REAL_THREADS)}
    figures |= {"simulated": float(shape.workers == "simulated")}
    figures |= {"p50_s": latency.p50_s, "p95_s": latency.p95_s, "p99_s": latency.p99_s}
    for process in PROCESSES:
        own = [use for name, use in uses.items() if kind_of(name) == process]
        if own:
            figures[f"cpu_ms_{process}"] = sum(use.ms for use in own)
            figures[f"memory_bytes_{process}"] = float(sum(use.resident_bytes for use in own))
    return figures | {"machine_cpu_share": sum(use.share for use in uses.values()) / cores}
