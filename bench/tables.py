"""`python -m bench.tables`: the committed results as the table that the README quotes; --write puts it there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.compare import results_in
from bench.result import RESULTS, Ratio, Result

README = Path("README.md")
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
HEAD = ("| what | ratio | least to most | goal | command | date, machine |", "|---|---|---|---|---|---|")


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder with the results (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into README.md instead of printing it")
    asked = parser.parse_args()
    table = table_of(results_in(asked.results).values())
    if not asked.write:
        print(table)
        return 0
    README.write_text(with_table(README.read_text(), table))
    return 0


def table_of(results: Iterable[Result]) -> str:
    """Markdown, a row a ratio."""
    return "\n".join([*HEAD, *(_row(result, name, ratio) for result in results for name, ratio in result.ratios.items())])


def with_table(readme: str, table: str) -> str:
    """The README with this table between its marks. Raises ValueError where they are missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{README} has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _row(result: Result, name: str, ratio: Ratio) -> str:
    spread = "" if ratio.least is None or ratio.most is None else f"{ratio.least:.2f} to {ratio.most:.2f}"
    goal = "" if ratio.goal is None else f"{'<=' if ratio.better == 'less' else '>='} {ratio.goal:g}"
    where = f"{result.taken_at:%Y-%m-%d}, {result.machine.cpu}, {result.machine.cores} cores"
    what = f"{result.name}: {name}".replace("_", " ")
    return f"| {what} | {ratio.value:.2f} | {spread} | {goal} | `{result.command}` | {where} |"


if __name__ == "__main__":
    sys.exit(main())
