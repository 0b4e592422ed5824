"""What was skipped or guessed in reading a dataset, told before a long run."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console


def show_remarks(remarks: Iterable[str]) -> None:
    """On stderr, so that a report can be piped; markup off, since they name files."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for remark in remarks:
        console.print(remark, style="yellow", markup=False)
