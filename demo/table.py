"""The live table: which case is where, and at the end expected against seen."""

from __future__ import annotations

from threading import Lock

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from demo.cases import Case, Decided, Refused
from demo.handing_in import Seen
from realname.reasons import text_of

_COLOURS = {"approved": "green", "refused": "red", "retry": "yellow", "review": "cyan"}


class DemoTable:
    """One row a case. Thread-safe; prints plain lines where the output is no terminal."""

    def __init__(self, cases: tuple[Case, ...], console: Console) -> None:
        """console: where it is drawn."""
        self._cases = cases
        self._console = console
        self._steps = {case.name: "waiting" for case in cases}
        self._seen: dict[str, Seen | str] = {}
        self._lock = Lock()
        self.live = Live(self._render(), console=console, refresh_per_second=8, get_renderable=self._render, transient=False)

    def moved(self, case: Case, step: str) -> None:
        """A case reached a step."""
        with self._lock:
            changed = self._steps[case.name] != step
            self._steps[case.name] = step
        if changed and not self._console.is_terminal:
            self._console.print(f"{case.name:<17} {step}", highlight=False)

    def ended(self, case: Case, seen: Seen | str) -> None:
        """A case has its outcome, or the words of what went wrong."""
        with self._lock:
            self._seen[case.name] = seen
            self._steps[case.name] = "ended"

    def as_expected(self, case: Case) -> bool:
        """Whether what was seen is what was expected."""
        seen = self._seen.get(case.name)
        return isinstance(seen, Seen) and seen.outcome == case.expected

    def _render(self) -> RenderableType:
        table = Table(title="realname demo: real clips through the whole stack", expand=False)
        for heading in ("case", "what is handed in", "step", "expected", "seen", "s", ""):
            table.add_column(heading, justify="right" if heading == "s" else "left")
        with self._lock:
            for case in self._cases:
                table.add_row(*self._row(case))
        return table

    def _row(self, case: Case) -> tuple[str, ...]:
        seen = self._seen.get(case.name)
        step = self._steps[case.name]
        if seen is None:
            return case.name, case.story, step, said(case.expected), "", "", ""
        if isinstance(seen, str):
            return case.name, case.story, step, said(case.expected), f"[red]{escape(seen)}[/]", "", "[red]✗[/]"
        mark = "[green]✓[/]" if seen.outcome == case.expected else "[red]✗[/]"
        return case.name, case.story, step, said(case.expected), said(seen.outcome), f"{seen.seconds:.1f}", mark


def said(outcome: Decided | Refused) -> str:
    """An outcome in a cell."""
    if isinstance(outcome, Refused):
        return f"problem [magenta]{escape(outcome.problem)}[/]"
    return f"[{_COLOURS[outcome.verdict]}]{outcome.verdict}[/] {outcome.reason.value}"


def words(case: Case, seen: Seen) -> str:
    """What the customer of a case reads."""
    if isinstance(seen.outcome, Refused):
        return f"{case.name}: the store system is told {seen.outcome.problem}"
    return f"{case.name}: “{text_of(seen.outcome.reason, 'en').customer}”"
