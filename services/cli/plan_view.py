"""Pure: a plan, a prediction and its check as tables for people and as values for programs."""

from __future__ import annotations

from typing import Any, NamedTuple

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.planning.coefficients import Coefficients
from services.planning.day import Day
from services.planning.demand import Demand
from services.planning.national import Played, Pool
from services.planning.pools import Device, drained_s, peak_p95_s, worker_words
from services.planning.prediction import TOLERANCE, Comparison, Measured, Prediction
from services.planning.rows import Row

_STYLES = {"assumed": "yellow", "derived": "", "measured": "green", "declared": "green"}
PEAK_LINE, DRAIN_LINE = "p95 of the peak's worst minute", "backlog gone after the outage's end"
GROWING = "more than the machine or its workers' threads have: the latency is that of a queue that grows as the run goes on"
TOO_LATE = (
    "There are workers enough for the peak, but scaled ones come too late: keep more up before it (--least-workers tries it)."
)
_WHOLE_FROM = 100  # from here on digits after the point say nothing


class PlayedDay(NamedTuple):
    """name: how the workers were run."""

    name: str
    pool: Pool
    played: Played


class Plan(NamedTuple):
    """All that is shown, drawn or printed as JSON."""

    demand: Demand
    coefficients: Coefficients
    device: Device
    day: Day
    rows: list[Row]
    played: list[PlayedDay]


def plan_values(plan: Plan) -> dict[str, Any]:
    """For programs: every row whole, and what the day came to; its minutes are in --plot alone."""
    return {"demand": plan.demand, "rows": plan.rows, "day": {each.name: day_values(each, plan.day) for each in plan.played}}


def day_values(each: PlayedDay, day: Day) -> dict[str, Any]:
    """What one played day came to. Latencies in s, workers by minute."""
    played = each.played
    workers = [minute.workers for minute in played.minutes]
    return {
        "p50_s": played.p50_s,
        "p95_s": played.p95_s,
        "max_s": played.max_s,
        "peak_p95_s": peak_p95_s(played, day),
        "drained_s": drained_s(played, day),
        "waiting_max": played.waiting_max,
        "undecided": played.undecided,
        "workers_max": max(workers),
        "worker_hours": sum(workers) / 60,
    }


def show_plan(plan: Plan, console: Console) -> None:
    """The rows with their arithmetic; what they rest on, each figure once, by number; then the day."""
    sources: dict[str, int] = {}
    table = Table(
        "what",
        "how much",
        "weakest figure",
        "how, and what it rests on",
        box=None,
        pad_edge=False,
        show_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.columns[1].justify = "right"
    table.columns[1].no_wrap = table.columns[0].no_wrap = True
    for row in plan.rows:
        marks = " ".join(f"[{sources.setdefault(words, len(sources) + 1)}]" for words in row.rests_on)
        basis = Text(row.basis, style=_STYLES[row.basis])
        how = Text.assemble(row.arithmetic, "  ", (marks, "dim"))
        table.add_row(Text(row.name, style="bold"), Text(_amount(row)), basis, how)
    console.print(table)
    console.print(Text("What it rests on", style="bold"))
    for words, number in sources.items():
        style = "yellow" if "ASSUMED" in words else ""
        console.print(Padding(Text(f"[{number}] {words}", style=style), (0, 0, 0, 2)))
    console.print()
    show_day(plan, console)


def show_day(plan: Plan, console: Console) -> None:
    """The same day twice: workers scaled, and all of them up."""
    day, demand = plan.day, plan.demand
    console.print(Text("A day of it", style="bold"), f"({worker_words(plan.coefficients, plan.device)})")
    table = Table("", *(each.name for each in plan.played), "asked", box=None, pad_edge=False)
    found = [day_values(each, day) for each in plan.played]
    lines: list[tuple[str, list[Text], str]] = [
        ("p50 of the day", [_held(each["p50_s"]) for each in found], ""),
        ("p95 of the day", [_held(each["p95_s"]) for each in found], ""),
        (PEAK_LINE, [_held(each["peak_p95_s"], demand.wait_s_max) for each in found], f"{_span(demand.wait_s_max)} at most"),
        ("longest wait", [_held(each["max_s"]) for each in found], ""),
        (DRAIN_LINE, [_drained(each, demand) for each in found], f"{_span(demand.drain_s)} at most"),
        ("most that waited", [Text(f"{each['waiting_max']:,}") for each in found], ""),
        ("undecided at midnight", [Text(f"{each['undecided']:,}") for each in found], ""),
        ("most workers at once", [Text(f"{each['workers_max']:,}") for each in found], ""),
        ("worker hours", [Text(f"{each['worker_hours']:,.0f}") for each in found], ""),
    ]
    for column in table.columns[1:]:
        column.justify = "right"
    for name, cells, asked in lines:
        table.add_row(name, *cells, Text(asked, style="dim"))
    console.print(table)
    scaled, all_up = ((each["peak_p95_s"] or 0.0) > demand.wait_s_max for each in found)
    if scaled and not all_up:
        console.print(Text(TOO_LATE, style="yellow"))


def show_prediction(found: Prediction, console: Console) -> None:
    """What the run will show."""
    run = found.run
    kind = "sleep by a cost model" if run.simulated else "infer"
    console.print(
        f"{run.rate_hz:g}/s for {run.seconds:g} s on {run.cores} cores: {run.dispatchers} dispatchers, {run.workers} workers of "
        f"{run.threads} threads that {kind}"
    )
    table = Table("figure", "predicted", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, value in found.figures.items():
        table.add_row(name, f"{value:.3f}")
    console.print(table)
    _warn(found, console)


def show_comparison(found: list[Comparison], said: Prediction, measured: Measured, console: Console) -> None:
    """Figure by figure; what is off by name."""
    console.print(f"{measured.name}, {measured.taken_at:%Y-%m-%d %H:%M}: within {TOLERANCE:.0%} of the measured value, or off")
    table = Table("figure", "predicted", "measured", "off by", "", box=None, pad_edge=False)
    for column in table.columns[1:4]:
        column.justify = "right"
    for one in found:
        style = "red" if one.verdict == "off" else "green"
        table.add_row(
            one.figure, f"{one.predicted:.3f}", f"{one.measured:.3f}", f"{one.off:+.0%}", Text(one.verdict, style=style)
        )
    console.print(table)
    _warn(said, console)
    off = [one.figure for one in found if one.verdict == "off"]
    console.print(
        Text(f"off: {', '.join(off)}", style="red") if off else Text(f"all {len(found)} figures within {TOLERANCE:.0%}")
    )


def _warn(found: Prediction, console: Console) -> None:
    if found.is_fitted:
        console.print(Text("the coefficients were made from a run at this rate: agreeing with it proves nothing", style="yellow"))
    if found.is_full:
        console.print(Text(GROWING, style="yellow"))


def _amount(row: Row) -> str:
    number = f"{row.value:,.0f}" if row.value >= _WHOLE_FROM or row.value == int(row.value) else f"{row.value:,.3g}"
    return f"{number} {row.unit}".strip()


def _span(seconds: float | None) -> str:
    """Seconds below two minutes, else minutes."""
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"  # noqa: PLR2004 - two minutes


def _drained(each: dict[str, Any], demand: Demand) -> Text:
    """Where midnight comes first nobody knows when, and the latencies are of those that were decided."""
    is_open = demand.outage_s and each["drained_s"] is None
    return Text("missed: not by midnight", style="red") if is_open else _held(each["drained_s"], demand.drain_s)


def _held(seconds: float | None, most_s: float | None = None) -> Text:
    """With what was asked, where it was missed."""
    is_missed = most_s is not None and seconds is not None and seconds > most_s
    return Text(f"missed: {_span(seconds)}", style="red") if is_missed else Text(_span(seconds))
