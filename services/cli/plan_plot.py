"""Draws a played day: arrivals and decisions, what waits, workers, latency, over the hours. A door to matplotlib."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
# (matplotlib's stubs leave most of its keyword arguments untyped)

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from services.cli.plan_view import Plan, PlayedDay
from services.planning.day import HOUR_S, Day
from services.planning.national import BIN_S

SIZE_INCHES = (17.0, 11.0)
DPI = 100
SCALED, ALL_UP, ARRIVED, OUT = "#1f4e79", "#b07d12", "#8a8f94", "#b03a2e"  # told apart in gray print, too
STYLES = ((SCALED, "-", 1.6), (ALL_UP, "--", 1.3))
WIDTHS = (2.2, 1, 1)  # of the day, the peak, the outage
DAY_TICKS_H = range(0, 25, 2)
PEAK_H = (0.15, 0.35)  # drawn before and after the peak's beginning
OUTAGE_H, DRAIN_SHARE = 0.25, 1.6  # drawn before the outage; after it, so many times its own length


def draw(plan: Plan, path: Path) -> None:
    """Write a PNG: the whole day, and beside it the peak and the outage with time stretched."""
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    demand, day = plan.demand, plan.day
    kind = "GPU workers: their speed and their start are ASSUMED, none was measured" if plan.device == "gpu" else "CPU workers"
    figure.suptitle(
        f"A simulated day: {demand.sustained_hz:g}/s in the fullest hours, {demand.peak_hz:g}/s for {demand.peak_s:g} s "
        f"(dotted), {demand.outage_s / 60:g} min (shaded) in which nothing is decided\n{kind}; each point is a minute",
        fontsize=14,
    )
    panels = figure.subplots(4, 3, sharex="col", sharey="row", height_ratios=(1.6, 1.2, 1, 1.4), width_ratios=WIDTHS)
    for row, drawn in zip(panels, (_flow, _waiting, _workers, _latency), strict=True):
        for panel in row:
            drawn(panel, plan)
            _mark(panel, day)
            panel.grid(visible=True, alpha=0.25)
        row[1].set_ylabel("")
        row[2].set_ylabel("")
        row[2].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, frameon=False)
    _span(panels[-1][0], 0, 24, list(map(float, DAY_TICKS_H)), "the day")
    peak_h, outage_h, lasts_h = (seconds / HOUR_S for seconds in (day.peak_at_s, day.outage_at_s, day.outage_s))
    _span(panels[-1][1], peak_h - PEAK_H[0], peak_h + PEAK_H[1], [peak_h + step / 12 for step in range(-1, 5)], "around the peak")
    until_h = outage_h + max(1.0, DRAIN_SHARE * 2 * lasts_h)
    ticks = [outage_h + step / 4 * max(1.0, 2 * lasts_h) for step in range(7)]
    _span(panels[-1][2], outage_h - OUTAGE_H, until_h, [tick for tick in ticks if tick <= until_h], "around the outage")
    figure.savefig(path, format="png")


def _span(panel: Axes, from_h: float, until_h: float, ticks_h: list[float], name: str) -> None:
    """Part of the day, with its hours."""
    panel.set_xlim(from_h, until_h)
    panel.set_xticks(ticks_h, [f"{int(tick + 1e-9):02d}:{round(tick * 60) % 60:02d}" for tick in ticks_h])
    panel.set_xlabel(name)


def _flow(panel: Axes, plan: Plan) -> None:
    """Arrivals in the background, what was decided over it."""
    first = plan.played[0].played.minutes
    hours = _hours(plan.played[0])
    panel.fill_between(
        hours, [minute.arrived / BIN_S for minute in first], color=ARRIVED, alpha=0.45, step="pre", label="arrived"
    )
    for each, (colour, style, width) in zip(plan.played, STYLES, strict=True):
        decided = [minute.decided / BIN_S for minute in each.played.minutes]
        panel.step(hours, decided, color=colour, linestyle=style, linewidth=width, label=f"decided,\n{each.name}")
    panel.set_ylabel("registrations a second")
    panel.set_ylim(bottom=0)


def _waiting(panel: Axes, plan: Plan) -> None:
    for each, (colour, style, width) in zip(plan.played, STYLES, strict=True):
        waiting = [minute.waiting / 1000 for minute in each.played.minutes]
        panel.plot(_hours(each), waiting, color=colour, linestyle=style, linewidth=width, label=f"waiting,\n{each.name}")
    panel.set_ylabel("waiting, thousands")
    panel.set_ylim(bottom=0)


def _workers(panel: Axes, plan: Plan) -> None:
    for each, (colour, style, width) in zip(plan.played, STYLES, strict=True):
        workers = [minute.workers for minute in each.played.minutes]
        panel.plot(_hours(each), workers, color=colour, linestyle=style, linewidth=width, label=f"workers,\n{each.name}")
    panel.set_ylabel("workers")
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))


def _latency(panel: Axes, plan: Plan) -> None:
    """Logarithmic: a second and half an hour on one axis."""
    for each, (colour, style, width) in zip(plan.played, STYLES, strict=True):
        p95_s = [float("nan") if minute.p95_s is None else minute.p95_s for minute in each.played.minutes]
        panel.plot(_hours(each), p95_s, color=colour, linestyle=style, linewidth=width, label=f"p95,\n{each.name}")
    panel.set_yscale("log")
    panel.set_yticks((1.0, 10.0, 60.0, 600.0, 3600.0), ["1 s", "10 s", "1 min", "10 min", "1 h"])
    panel.set_yticks([], minor=True)
    panel.set_ylabel("latency of what was decided")


def _hours(each: PlayedDay) -> list[float]:
    return [minute.at_s / HOUR_S for minute in each.played.minutes]


def _mark(panel: Axes, day: Day) -> None:
    """The outage as a band, the peak as a line: the title names both."""
    if day.outage_s:
        panel.axvspan(day.outage_at_s / HOUR_S, (day.outage_at_s + day.outage_s) / HOUR_S, color=OUT, alpha=0.13)
    panel.axvline(day.peak_at_s / HOUR_S, color=OUT, linewidth=0.8, linestyle=":")
