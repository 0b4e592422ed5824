"""Draws a run: latency, arrivals and decisions, what waits, and CPU over time, its phases shaded. Pure but for the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from bench.load.report import Course
from bench.load.schedule import spans_of
from bench.load.summary import kind_of, latency_of

_BINS = 60
_COLOURS = ("#1f6fb4", "#d1661e", "#3c8c40", "#8a4fa8", "#8c6d46", "#c23b6b")
_SHADES = ("#f4f4f4", "#e4e9f0")
_AWAY = "#f6dcdc"


def draw(course: Course, path: Path) -> None:
    """One PNG."""
    figure, axes = plt.subplots(4, 1, figsize=(12.5, 12), sharex=True, height_ratios=(3, 2, 2, 2), layout="constrained")
    until_s = max(course.points[-1].at_s, course.profile.seconds)
    latency, rate, waiting, cpu = axes
    _latency(latency, course)
    _rates(rate, course, until_s)
    _waiting(waiting, course)
    _cpu(cpu, course)
    for number, axis in enumerate(axes):
        _phases(axis, course, named=number == 0)
        axis.set_xlim(0, until_s)
        axis.grid(visible=True, alpha=0.3)
    cpu.set_xlabel("seconds from the start")
    figure.suptitle(
        f"{course.profile.name}: {course.shape}\n{course.scale.words} against the profile's national figures", fontsize=11
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _latency(axis: Any, course: Course) -> None:
    """A dot a registration at its scheduled arrival, and p95 over a window."""
    for operator, colour in zip(course.operators, _COLOURS, strict=False):
        own = [(due, at - due) for due, at in _decided(course, operator)]
        axis.plot([x for x, _ in own], [y for _, y in own], ".", markersize=4, alpha=0.55, color=colour, label=operator)
    width_s = max(1.0, course.profile.seconds / _BINS)
    binned: dict[int, list[float]] = {}
    for due, at in _decided(course):
        binned.setdefault(int(due / width_s), []).append(at - due)
    drawn = [((number + 0.5) * width_s, found.p95_s) for number in sorted(binned) if (found := latency_of(binned[number]))]
    axis.plot([x for x, _ in drawn], [y for _, y in drawn], color="black", linewidth=1.2, label=f"p95 over {width_s:.3g} s")
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_ylabel("arrival to decision, s")
    _legend(axis)


def _rates(axis: Any, course: Course, until_s: float) -> None:
    bin_s = max(1.0, until_s / (2 * _BINS))
    not_taken = [due for due, outcome in zip(course.due_s, course.outcome, strict=True) if outcome != "accepted"]
    lines = (
        ("due", course.due_s, "#777777"),
        ("decided", [at for _, at in _decided(course)], "#3c8c40"),
        ("not taken in", not_taken, "#c0392b"),
    )
    for name, times, colour in lines:
        if times or name != "not taken in":
            x, y = _per_second(times, bin_s, until_s)
            axis.step(x, y, where="post", color=colour, label=name, linewidth=1.2)
    axis.set_ylabel("registrations/s")
    axis.set_ylim(bottom=0)
    _legend(axis)


def _waiting(axis: Any, course: Course) -> None:
    """Gaps where nobody answered."""
    lines = (
        ("behind the log's end", "lag"),
        ("taken, undecided", "undecided"),
        ("queued in Celery", "queued"),
        ("held by workers", "unacked"),
    )
    for (label, name), colour in zip(lines, _COLOURS, strict=False):
        values = [getattr(point, name) for point in course.points]
        drawn = [float("nan") if value is None else value for value in values]
        axis.plot([point.at_s for point in course.points], drawn, color=colour, label=label, linewidth=1.2)
    axis.set_ylabel("registrations waiting")
    axis.set_ylim(bottom=0)
    _legend(axis)


def _cpu(axis: Any, course: Course) -> None:
    """Shares of one core, stacked, the dearest at the bottom; worker and dispatcher processes each as one."""
    names = sorted(
        {name for point in course.points for name in point.cpu_s}, key=lambda name: -course.points[-1].cpu_s.get(name, 0)
    )
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(kind_of(name), []).append(name)
    times = [point.at_s for point in course.points[1:]]
    shares = [[_share(before, after, members) for before, after in _pairs(course.points)] for members in groups.values()]
    if times:
        axis.stackplot(times, shares, labels=list(groups), alpha=0.85)
    axis.set_ylabel("cores")
    _legend(axis)


def _legend(axis: Any) -> None:
    """Beside the picture: within it, it would hide what it explains."""
    axis.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), fontsize=8, frameon=False, markerscale=2)


def _phases(axis: Any, course: Course, *, named: bool) -> None:
    for number, (phase, (from_s, to_s)) in enumerate(zip(course.profile.phases, spans_of(course.profile.phases), strict=True)):
        axis.axvspan(from_s, to_s, color=_AWAY if phase.away else _SHADES[number % 2], zorder=0, linewidth=0)
        if named:
            away = f"\nno {', '.join(phase.away)}" if phase.away else ""
            text = f"{phase.name}\n{phase.rate_hz:.3g}/s{away}"
            axis.text((from_s + to_s) / 2, 1.01, text, transform=axis.get_xaxis_transform(), ha="center", va="bottom", fontsize=8)


def _decided(course: Course, operator: str | None = None) -> list[tuple[float, float]]:
    rows = zip(course.due_s, course.decided_s, course.operator, course.outcome, strict=True)
    return [
        (due, at) for due, at, whose, outcome in rows if at is not None and outcome == "accepted" and operator in {None, whose}
    ]


def _per_second(times: Sequence[float], bin_s: float, until_s: float) -> tuple[list[float], list[float]]:
    counts = Counter(int(at / bin_s) for at in times)
    numbers = range(int(until_s / bin_s) + 1)
    return [number * bin_s for number in numbers], [counts[number] / bin_s for number in numbers]


def _pairs(points: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(pairwise(points))


def _share(before: Any, after: Any, names: Sequence[str]) -> float:
    spent = sum(after.cpu_s.get(name, 0.0) - before.cpu_s.get(name, 0.0) for name in names)
    return max(0.0, spent) / max(1e-9, after.at_s - before.at_s)
