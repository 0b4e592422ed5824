"""The options of `realname plan`, and how it reads a duration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from realname.errors import RealnameError
from services.planning.day import DAY_S, Shape
from services.planning.demand import HEADROOM_MAX
from services.planning.pools import Device

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}

PeakOption = Annotated[float, typer.Option("--peak", min=0.1, help="Registrations a second that are accepted for a short time.")]
SustainedOption = Annotated[float, typer.Option("--sustained", min=0.1, help="Registrations a second of the fullest hours.")]
OutageOption = Annotated[str, typer.Option("--outage", metavar="30m", help="For so long nothing is decided; all is accepted.")]
DrainOption = Annotated[
    str, typer.Option("--drain", metavar="30m", help="After it, the backlog is gone within; live traffic goes on.")
]
PeakLengthOption = Annotated[str, typer.Option("--peak-length", metavar="60s", help="How long the peak lasts.")]
WaitOption = Annotated[str, typer.Option("--wait", metavar="120s", help="The longest wait of who comes in the peak.")]
HeadroomOption = Annotated[
    float, typer.Option("--headroom", min=0, max=HEADROOM_MAX, help="Share of all that stays free at the worst.")
]
GrowthOption = Annotated[float, typer.Option("--growth", min=1, help="Partitions are never changed in place: room for so much.")]
ShapeOption = Annotated[Shape, typer.Option("--shape", help="Of the day: shops, or flat (the upper bound).")]
DeviceOption = Annotated[Device, typer.Option("--device", help="What the simulated workers run on: gpu or cpu.")]
LeastOption = Annotated[
    int, typer.Option("--least-workers", min=0, help="KEDA's minReplicaCount; 0: a tenth of all, 2 at least.")
]
CoefficientsOption = Annotated[
    Path, typer.Option("--coefficients", metavar="FILE", help="What python -m bench.coefficients wrote.")
]
PlotOption = Annotated[Path | None, typer.Option("--plot", metavar="PNG", help="Draw the day.")]
PredictOption = Annotated[
    float | None, typer.Option("--predict", metavar="RATE", min=0.1, help="Instead: what a load run at this rate will show.")
]
CheckOption = Annotated[
    Path | None, typer.Option("--check", metavar="RESULT.json", help="Instead: a load run's result against its prediction.")
]
PredictionOption = Annotated[
    Path | None, typer.Option("--prediction", metavar="FILE", help="With --check: what --predict --json said before the run.")
]
SecondsOption = Annotated[float, typer.Option("--seconds", min=1, help="Of that run: its length.")]
CoresOption = Annotated[int, typer.Option("--cores", min=1, help="Of that run: cores of its machine, all processes on it.")]
DispatchersOption = Annotated[int, typer.Option("--dispatchers", min=1, help="Of that run.")]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, help="Of that run: processes.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Of that run: of each worker.")]
RealOption = Annotated[bool, typer.Option("--real/--simulated", help="Of that run: whether its workers infer, or sleep.")]


def seconds_of(words: str) -> float:
    """30m, 90s, 1.5h, or bare seconds. Raises RealnameError."""
    number, unit = (words[:-1], words[-1]) if words[-1:] in _UNITS else (words, "s")
    try:
        found = float(number) * _UNITS[unit]
    except ValueError:
        raise RealnameError(f"{words!r} is no duration: 30m, 90s, 2h, or bare seconds") from None
    if not 0 <= found <= DAY_S:
        raise RealnameError(f"{words!r} is not between 0 and a day")
    return found
