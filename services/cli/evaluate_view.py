"""Pure: an evaluation and a comparison as tables for a terminal. Names from a dataset are text here, never markup."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workers.evaluation.compare import Change, Comparison, Difference
from workers.evaluation.latency import Latency
from workers.evaluation.report import Report
from workers.evaluation.wording import BY_PERSON, Named, all_rates, counted, interval, percent

CHANGES_MAX = 40  # printed; --json has all


def show_report(report: Report, latency: Latency, console: Console) -> None:
    """The numbers of the page, section by section."""
    policy, data = report.policy, report.dataset
    console.print(Text(f"Evaluation of {data.name}", style="bold"))
    judged_by = f"policy {policy.version} ({policy.digest}), calibration {policy.calibration}"
    console.print(Text(f"{judged_by}; intervals: {report.interval}"))
    for section, rates in groupby(all_rates(report), key=lambda one: one.section):
        console.print()
        console.print(_section(section, list(rates)))
    for found in report.matching:
        if found.persons:
            console.print(f"\nall images with all others, of {found.persons:,} persons. {BY_PERSON}")
        if (folds := found.folds) is not None:
            console.print(f"accuracy over {folds.folds} folds: {folds.mean:.4f}, standard deviation {folds.deviation:.4f}")
    for what, causes in (("not judged", report.failures), ("images left out", report.images_failed)):
        if causes:
            console.print(Text(f"\n{what}: " + ", ".join(f"{cause} {n}" for cause, n in causes.items())))
    if latency.total is not None:
        total = latency.total
        waited = f"waited p50 {total.waited_p50_ms:.0f} ms, p95 {total.waited_p95_ms:.0f} ms"
        spent = f"p50 {total.p50_ms:.0f} ms, p95 {total.p95_ms:.0f} ms"
        console.print(f"\nCPU of a check: {spent}; {waited} (n = {total.n}, this machine)")
    console.print(Text("\nnot measured", style="bold"))
    for gap in report.not_measured:
        console.print(Text(f"  {gap}", style="yellow"))


def _section(title: str, rates: list[Named]) -> Table:
    table = _table(title)
    for name, justify in (("", "left"), ("rate", "left"), ("errors/n", "right"), ("value", "right"), ("95 % interval", "left")):
        table.add_column(name, justify=justify)  # pyright: ignore[reportArgumentType]
    for one in rates:
        style = "" if one.rate.value is not None else "dim"
        cells = (one.of, one.name, counted(one.rate), percent(one.rate.value), interval(one.rate))
        table.add_row(*map(Text, cells), style=style)
    return table


def show_comparison(found: Comparison, console: Console) -> None:
    """Every rate in both, then the verdicts that changed."""
    console.print(f"{found.common} presentations in both, {found.left_out} in one only")
    if any(found.not_judged):
        console.print(Text(f"of those in both, A did not judge {found.not_judged[0]}, B {found.not_judged[1]}", style="yellow"))
    for remark in found.remarks:
        console.print(Text(remark, style="yellow"))
    table = _table("rates, B against A")
    for name in ("rate", "A", "B", "test", "erred only in A / B", "p (Holm)", ""):
        table.add_column(name, overflow="fold")
    for one in found.differences:
        table.add_row(*map(Text, _difference(one)), style="" if one.is_significant else "dim")
    console.print()
    console.print(table)
    if found.changes:
        console.print(Text(f"\n{len(found.changes)} verdicts changed", style="bold"))
        for change in sorted(found.changes, key=_gravity)[:CHANGES_MAX]:
            console.print(Text(_change(change), style=_COLOURS[change.for_worse]))
        if len(found.changes) > CHANGES_MAX:
            console.print(f"  and {len(found.changes) - CHANGES_MAX} more: --json has all")
    else:
        console.print("\nno verdict changed")


def _gravity(change: Change) -> tuple[bool, bool, str]:
    """What got worse first, then what got better."""
    return change.for_worse is not True, change.for_worse is None, change.id


def _difference(one: Difference) -> tuple[str, ...]:
    rates = [f"{percent(rate.value)} ({counted(rate)})" for rate in (one.a, one.b)]
    paired = f"{one.only_a} / {one.only_b}" if one.test == "McNemar" else ""
    return one.place, *rates, one.test, paired, f"{one.p:.3g}", _judged(one)


def _judged(one: Difference) -> str:
    if not one.is_significant:
        return "chance"
    return "differs" if one.worse is None else "WORSE" if one.worse else "better"


def _change(change: Change) -> str:
    reasons = [", ".join(reason.value for reason in reasons) for reasons in (change.reasons_a, change.reasons_b)]
    return f"  {change.id}: {change.a or 'not judged'}, {reasons[0]} -> {change.b or 'not judged'}, {reasons[1]}"


_COLOURS: dict[bool | None, str] = {True: "red", False: "green", None: ""}


def comparison_values(found: Comparison) -> dict[str, Any]:
    """For programs."""
    return {
        "common": found.common,
        "left_out": found.left_out,
        "not_judged": {"a": found.not_judged[0], "b": found.not_judged[1]},
        "remarks": found.remarks,
        "is_worse": found.is_worse,
        "differences": [one._asdict() | {"is_significant": one.is_significant} for one in found.differences],
        "changes": [change._asdict() for change in found.changes],
    }


def _table(title: str) -> Table:
    return Table(title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
