"""How `realname status` looks: tables for people, JSON for programs."""

from __future__ import annotations

import msgspec
from rich.console import Console
from rich.table import Table

from deploy.local.status import Lag, Report

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


def show(report: Report, console: Console) -> None:
    """Print the whole picture."""
    if not report.running:
        console.print(report.said, markup=False, soft_wrap=True)
        return
    console.print(_processes(report))
    for line in report.processes:
        if not line.pid:
            console.print(f"{line.name}: {line.note}; see {report.state}/log/{line.name}.log", style="red", soft_wrap=True)
    if report.lags is None:
        console.print("lag: Kafka does not answer", style="red")
    else:
        console.print(_lags(report.lags))
    if report.queues is None:
        console.print("queues: Valkey does not answer", style="red")
    else:
        waiting = ", ".join(f"{queue} {count}" for queue, count in report.queues.waiting.items())
        console.print(f"queues: {waiting}; held by workers: {report.queues.unacked}", soft_wrap=True)


def as_json(report: Report) -> str:
    """The same, with totals of the lags added."""
    body = msgspec.to_builtins(report, str_keys=True)
    body["all_ready"] = report.all_ready
    for line, lag in zip(body["lags"] or (), report.lags or (), strict=True):
        line["total"] = lag.total
    if report.queues is not None:
        body["queues"] = report.queues._asdict()
    return msgspec.json.encode(body).decode()


def span(seconds: float) -> str:
    """A duration in its two largest units: 42 s, 3 min 5 s, 2 h 10 min, 4 d 1 h."""
    whole = int(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"


def _processes(report: Report) -> Table:
    table = Table(title=report.state, title_justify="left", box=None, pad_edge=False)
    for name in ("process", "state", "ready"):
        table.add_column(name)
    for name in ("pid", "port", "up for"):
        table.add_column(name, justify="right")
    for line in report.processes:
        style = "" if line.ready else "red"
        up_for = span(line.up_s) if line.pid else ""
        table.add_row(
            line.name, line.state.lower(), "yes" if line.ready else "no", str(line.pid or ""), str(line.port), up_for, style=style
        )
    return table


def _lags(lags: tuple[Lag, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("group and topic")
    table.add_column("behind", justify="right")
    table.add_column("by partition")
    for lag in lags:
        each = " ".join("-" if count is None else str(count) for _, count in sorted(lag.partitions.items()))
        table.add_row(f"{lag.group}  {lag.topic}", str(lag.total), each)
    return table
