"""What a run says: tables, notes, the figures to be kept, and its whole course as JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench.load.accounting import shed_of
from bench.load.planned import planned_of
from bench.load.playing import SLIP_S_MAX, Played
from bench.load.profile import Profile, Scale
from bench.load.schedule import spans_of
from bench.load.stack import Shape
from bench.load.summary import ALL, LOADER, Latency, Row, Use, apart, kind_of, pipeline_ms, rows_of, uses_of
from bench.load.watching import Point
from bench.result import WRONG, Ratio, Result, result_of, this_machine

P95_MOVES_MAX = 1.25  # of the others, when one operator sends ten times as much: goal of issue 5, "without moving"


class Course(Struct, frozen=True, kw_only=True):
    """A run's whole course, for comparison. One element a registration in each column; times in seconds from the start.

    decided_s: None where no decision was read.
    """

    profile: Profile
    scale: Scale
    shape: str
    operators: tuple[str, ...]
    points: list[Point]
    due_s: list[float]
    phase: list[int]
    operator: list[str]
    outcome: list[str]
    slip_s: list[float]
    answered_s: list[float]
    decided_s: list[float | None]


class Report(Struct, frozen=True, kw_only=True):
    """Everything that is printed and kept. wrong: why the run says nothing, or what it says against the stack.

    load: clip_bytes and portrait_bytes of what was sent. planned: by the planner's names, of a steady run.
    """

    name: str
    scale: Scale
    shape: str
    rows: list[Row]
    uses: dict[str, Use]
    shed: dict[str, int]
    pipeline_ms: float
    load: dict[str, float]
    slip_p99_s: float
    drained_s: float
    wrong: list[str]
    planned: dict[str, float] = {}


def report_of(played: Played, scale: Scale, shape: Shape) -> Report:
    """Pure."""
    rows = rows_of(played.profile.phases, played.operators, played.sent, played.seen)
    length_s = max(played.points[-1].at_s, 1e-9)
    spent_s = apart(played.spent_s, played.stood_in_s)
    uses = uses_of(spent_s, played.resident_bytes, decided=played.decided, length_s=length_s)
    wrong = list(played.broken)
    if played.slip_p99_s > SLIP_S_MAX:
        wrong.append(
            f"the loader was late by itself: p99 {played.slip_p99_s:.3f} s, allowed {SLIP_S_MAX:g} s. "
            "The run says nothing of the stack: lower --rate-scale"
        )
    return Report(
        name=played.profile.name,
        scale=scale,
        shape=shape.words,
        rows=rows,
        uses=uses,
        shed=dict(shed_of(played.sent)),
        pipeline_ms=pipeline_ms(uses, simulated=shape.workers == "simulated"),
        load=dict(played.sizes),
        slip_p99_s=played.slip_p99_s,
        drained_s=played.drained_s - played.profile.seconds,
        wrong=wrong,
        planned=planned_of(
            played.profile.phases, shape, uses, rows[-len(played.operators) - 1].latency, cores=this_machine().cores
        ),
    )


def show(console: Console, report: Report, profile: Profile) -> None:
    """Everything a person asks for first."""
    console.print(f"[bold]{report.name}[/bold]: {report.shape}; {report.scale.words} against the profile's national figures")
    for phase, (from_s, to_s) in zip(profile.phases, spans_of(profile.phases), strict=True):
        away = f", away: {', '.join(phase.away)}" if phase.away else ""
        console.print(f"  {phase.name}: {from_s:.0f} to {to_s:.0f} s, {phase.rate_hz:.3g}/s{away}")
    table = Table("phase", "operator", "due", "accepted", "decided", "shed", "other", "p50 s", "p95 s", "p99 s", "max s")
    for row in report.rows:
        if row.operator == ALL:
            table.add_section()
        elif not row.due:
            continue
        counts = (row.due, row.accepted, row.decided, row.shed, row.other)
        table.add_row(row.phase, row.operator, *map(str, counts), *_cells(row.latency))
    console.print(table)
    uses = Table("process", "CPU ms a registration", "share of one core", "largest resident MB")
    for name, use in report.uses.items():
        uses.add_row(name, f"{use.ms:.2f}", f"{use.share:.1%}", f"{use.resident_bytes / 1e6:.0f}")
    console.print(uses)
    left_out = "inference" if profile.workers == "simulated" else "workers"
    console.print(f"everything but {left_out}, loader and JVM: {report.pipeline_ms:.2f} ms CPU a registration")
    console.print(f"drained {report.drained_s:.1f} s after the last phase")
    console.print(f"the loader itself was late by {report.slip_p99_s * 1000:.0f} ms (p99)")
    for what, count in report.shed.items():
        console.print(f"  not taken in: {count} x {what}")
    for each in report.wrong:
        console.print(f"[red]wrong:[/red] {each}")
    if not report.wrong:
        console.print("every accepted registration has exactly one decision, on both topics; nothing else has")


def result_for(report: Report, command: str) -> Result:
    """In the shape that all benchmarks share. Times are figures; what survives another machine is a ratio.

    Names without a phase or an operator are of the whole run, and as the planner reads them (bench/coefficients.py).
    """
    figures = {"rate_scale": report.scale.rate, "time_scale": report.scale.time, "drain_s": report.drained_s}
    figures |= {"pipeline_cpu_ms": report.pipeline_ms, "loader_slip_p99_s": report.slip_p99_s, **report.load}
    for row in report.rows:
        name = "".join(f"{part}_" for part in (row.phase, row.operator) if part != ALL)
        figures |= {f"{name}due": float(row.due), f"{name}decided": float(row.decided), f"{name}shed": float(row.shed)}
        if row.latency is not None:
            figures |= {f"{name}{which}_s": getattr(row.latency, f"{which}_s") for which in ("p50", "p95", "p99", "max")}
    for process, use in report.uses.items():
        kind = kind_of(process)
        for name, value in ((f"cpu_ms_{kind}", use.ms), (f"resident_mb_{kind}", use.resident_bytes / 1e6)):
            figures[name] = figures.get(name, 0.0) + value
    figures["machine_cpu_share"] = sum(use.share for use in report.uses.values()) / this_machine().cores
    figures |= report.planned
    notes = (report.shape, report.scale.words, *(f"{WRONG}: {each}" for each in report.wrong))
    return result_of(f"load_{report.name}", command, ratios=_ratios(report), figures=figures, notes=notes)


def course_of(played: Played, scale: Scale, shape: Shape) -> Course:
    """Pure."""
    sent, read_s = played.sent, played.seen.read_s
    return Course(
        profile=played.profile,
        scale=scale,
        shape=shape.words,
        operators=played.operators,
        points=played.points,
        due_s=[round(each.arrival.at_s, 4) for each in sent],
        phase=[each.arrival.phase for each in sent],
        operator=[each.arrival.operator for each in sent],
        outcome=[each.outcome for each in sent],
        slip_s=[round(each.slip_s, 4) for each in sent],
        answered_s=[round(each.answered_s, 4) for each in sent],
        decided_s=[round(read_s[each.id], 4) if each.id in read_s else None for each in sent],
    )


def write_course(course: Course, folder: Path) -> Path:
    """`FOLDER/load_NAME.course.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"load_{course.profile.name}.course.json"
    path.write_bytes(msgspec.json.encode(course))
    return path


def _ratios(report: Report) -> dict[str, Ratio]:
    """What the loader costs beside the pipeline; how far the others' p95 moved where one operator sent more."""
    found: dict[str, Ratio] = {}
    if report.pipeline_ms and LOADER in report.uses:
        found["loader_over_pipeline"] = Ratio(value=report.uses[LOADER].ms / report.pipeline_ms, better="less")
    p95_s = {(row.phase, row.operator): row.latency.p95_s for row in report.rows if row.latency is not None}
    for (phase, operator), reached_s in p95_s.items():
        if phase.endswith("_10x") and operator != ALL and not phase.startswith(operator) and ("usual", operator) in p95_s:
            moved = reached_s / p95_s["usual", operator]
            found[f"{operator}_p95_moved"] = Ratio(value=moved, better="less", goal=P95_MOVES_MAX, noise=0.3)
    return found


def _cells(latency: Latency | None) -> tuple[str, ...]:
    if latency is None:
        return ("-",) * 4
    return tuple(f"{value:.2f}" for value in (latency.p50_s, latency.p95_s, latency.p99_s, latency.max_s))
