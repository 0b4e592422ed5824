"""What a benchmark leaves behind: ratios that can be compared, figures that cannot, and where and how both were made.

A ratio is taken within one run on one machine, so it survives another machine; a time does not. `python -m bench.compare` holds
the ratios of a run against the committed ones.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

RESULTS = Path("bench/results")  # the committed ones
NOISE = 0.15  # what one machine's own noise moves the median of a run's ratios by; source: bench/results, repeated runs

DIGITS = 4
WRONG = "wrong"  # a note that begins so says why a run's figures say nothing

Noise = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Ratio(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One comparison made within a run.

    better: which way is the good one.
    least, most: among the run's own repetitions.
    goal: what was aimed at, where something was.
    noise: the share of the value by which it may worsen before the regression check names it.
    """

    value: float
    better: Literal["less", "more"]
    least: float | None = None
    most: float | None = None
    goal: float | None = None
    noise: Noise = NOISE


class Machine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it ran, in words; nothing that names a host."""

    cpu: str
    cores: int
    system: str
    python: str


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One benchmark's outcome. figures: with their unit in the name (`p95_s`, `check_ms`)."""

    name: str
    command: str
    taken_at: datetime
    machine: Machine
    ratios: dict[str, Ratio] = {}
    figures: dict[str, float] = {}
    notes: tuple[str, ...] = ()


def ratio_of(
    values: Sequence[float], better: Literal["less", "more"], *, goal: float | None = None, noise: float = NOISE
) -> Ratio:
    """The median of a run's own ratios, with the least and the most of them."""
    middle = statistics.median(values)
    return Ratio(value=middle, better=better, least=min(values), most=max(values), goal=goal, noise=noise)


def result_of(
    name: str, command: str, *, ratios: dict[str, Ratio], figures: dict[str, float], notes: Sequence[str] = ()
) -> Result:
    """Now, on this machine."""
    return Result(
        name=name,
        command=command,
        taken_at=datetime.now(UTC),
        machine=this_machine(),
        ratios=ratios,
        figures=figures,
        notes=tuple(notes),
    )


def this_machine() -> Machine:
    """The processor's name as the kernel gives it, and how many cores this process may use."""
    return Machine(
        cpu=_processor(),
        cores=len(os.sched_getaffinity(0)),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def write(result: Result, folder: Path) -> Path:
    """`FOLDER/NAME.json`, indented, to be read by people too."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    rounded = msgspec.structs.replace(
        result,
        ratios={each: _rounded(ratio) for each, ratio in result.ratios.items()},
        figures={each: round(figure, DIGITS) for each, figure in result.figures.items()},
    )
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rounded), indent=2) + b"\n")
    return path


def read(path: Path) -> Result:
    """Raises msgspec.ValidationError for another shape, OSError for no file."""
    return msgspec.json.decode(path.read_bytes(), type=Result)


def _rounded(ratio: Ratio) -> Ratio:
    """Four digits after the point: more would be noise that every run changes."""
    least, most = (None if each is None else round(each, DIGITS) for each in (ratio.least, ratio.most))
    return msgspec.structs.replace(ratio, value=round(ratio.value, DIGITS), least=least, most=most)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "CPU part"))]
    return names[0] if names else platform.machine()
