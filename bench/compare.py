"""`python -m bench.compare FRESH`: which ratios got worse since the committed results.

Ratios, not times: another machine, or the same one in a worse hour, changes those. A ratio is worse where it moved the wrong way
by more than its noise, which the committed result names, unless the run's own repetitions reach the committed value; by more than
twice its noise in any case. Better is told by the same rule.
Ends with 1 where one is worse or gone, and names it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.result import RESULTS, Ratio, Result, read

Change = Literal["worse", "gone", "better", "as before", "new"]
WRONG: frozenset[Change] = frozenset({"worse", "gone"})
UNSURE = 2  # times the noise, where a run's own repetitions lie on both sides of what was before
STYLES: dict[Change, str] = {"worse": "bold red", "gone": "bold red", "better": "green", "as before": "", "new": "cyan"}


class Compared(NamedTuple):
    """One ratio, before and now; None where there is none."""

    benchmark: str
    ratio: str
    before: Ratio | None
    now: Ratio | None

    @property
    def change(self) -> Change:
        """In words."""
        if self.now is None:
            return "gone"
        if self.before is None:
            return "new"
        moved = (self.now.value - self.before.value) / (self.before.value or 1.0)  # from 0: by itself
        worsened = moved if self.before.better == "less" else -moved
        allowed = self.before.noise * (UNSURE if _reaches(self.now, self.before.value) else 1)
        if abs(worsened) <= allowed:
            return "as before"
        return "worse" if worsened > 0 else "better"


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fresh", type=Path, metavar="FRESH", help="folder with the results of a run")
    parser.add_argument("--committed", type=Path, default=RESULTS, help="folder to compare with (default: %(default)s)")
    asked = parser.parse_args()
    before, now = results_in(asked.committed), results_in(asked.fresh)
    if not now:
        parser.error(f"no results in {asked.fresh}: run a benchmark with --results {asked.fresh} first")
    return show(Console(), compared(before, now))


def results_in(folder: Path) -> dict[str, Result]:
    """By name; none where there is no such folder. NAME.course.json and NAME.steps.json lie beside them, in other shapes."""
    return {path.stem: read(path) for path in sorted(folder.glob("*.json")) if "." not in path.stem}


def compared(before: Mapping[str, Result], now: Mapping[str, Result]) -> list[Compared]:
    """Every ratio of the benchmarks that ran now; one that did not run is no regression."""
    rows: list[Compared] = []
    for name, result in now.items():
        known = before[name].ratios if name in before else {}
        rows += [
            Compared(name, each, known.get(each), result.ratios.get(each)) for each in [*known, *(result.ratios.keys() - known)]
        ]
    return rows


def show(console: Console, rows: Iterable[Compared]) -> int:
    """The table, and below it what got worse. The exit code."""
    table = Table("benchmark", "ratio", "before", "now", "goal", "")
    wrong: list[Compared] = []
    for row in rows:
        latest = row.now or row.before
        goal = "" if latest is None or latest.goal is None else f"{'<=' if latest.better == 'less' else '>='} {latest.goal:g}"
        table.add_row(row.benchmark, row.ratio, _said(row.before), _said(row.now), goal, row.change, style=STYLES[row.change])
        wrong += [row] if row.change in WRONG else []
    console.print(table)
    for row in wrong:
        console.print(
            f"{row.change}: {row.ratio} of {row.benchmark}, {_said(row.before)} before, {_said(row.now)} now", style="red"
        )
    return 1 if wrong else 0


def _reaches(ratio: Ratio, value: float) -> bool:
    """Whether the run's repetitions lie on both sides of the value: then its median says less against it."""
    return ratio.least is not None and ratio.most is not None and ratio.least <= value <= ratio.most


def _said(ratio: Ratio | None) -> str:
    return "-" if ratio is None else f"{ratio.value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
