"""`realname evaluate DATASET`: how often the check errs on labelled data; `--compare`: what changed between two such reports."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from realname.errors import RealnameError
from realname.policy import load_policy
from realname.settings import Worker, read_settings
from services.cli.calling import JsonOption
from services.cli.dataset_view import show_remarks
from services.cli.evaluate_view import comparison_values, show_comparison, show_report
from services.cli.failing import fail
from workers.evaluation.compare import compare as compared
from workers.evaluation.page import page_of
from workers.evaluation.rates import Rate
from workers.evaluation.reading import read_dataset
from workers.evaluation.report import Report, decode, encode
from workers.evaluation.run import Evaluated, Plan
from workers.evaluation.run import evaluate as evaluated
from workers.evaluation.wording import all_rates

REPORT, LATENCY, RATES, PAGE, STATE = "report.json", "latency.json", "rates.csv", "report.html", "state.jsonl"
WORSE = 1  # exit code: something is significantly worse
NOT_EVALUATED = 4  # exit code: nothing was found out
BROKEN_OFF = 130  # exit code: Ctrl-C, as shells have it
_PLAIN_WIDTH = 130  # where the output is no terminal

DatasetArgument = Annotated[
    Path | None, typer.Argument(help="A CSV manifest, LFW's pairs.txt, or a folder with such or with bona_fide/ and attack/.")
]
CompareOption = Annotated[
    tuple[Path, Path] | None, typer.Option("--compare", metavar="A.json B.json", help="Instead: two reports, B against A.")
]
OutOption = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where reports go, and what is kept to resume.")]
PolicyOption = Annotated[str, typer.Option("--policy", help="development, production, or a TOML file.")]
WorkersOption = Annotated[int, typer.Option("--workers", min=0, max=256, help="Processes; 0: one for each core.")]
AllPairsOption = Annotated[
    bool, typer.Option("--all-pairs/--listed-pairs", help="Where persons are known (LFW): every image with every other, too.")
]
FailOption = Annotated[bool, typer.Option("--fail-if-worse", help="With --compare: exit code 1 where B is significantly worse.")]
SameOption = Annotated[
    bool, typer.Option("--same", help="With --compare: equal ids are the same recordings, whatever the digests say.")
]


def command(
    dataset: DatasetArgument = None,
    out: OutOption = Path("evaluation"),
    policy: PolicyOption = "production",
    workers: WorkersOption = 0,
    *,
    compare: CompareOption = None,
    all_pairs: AllPairsOption = True,
    fail_if_worse: FailOption = False,
    same: SameOption = False,
    json: JsonOption = False,
) -> None:
    """Judge labelled presentations and pairs of images, and write error rates in the terms of ISO/IEC 30107-3 and 19795-1.

    Every rate stands with its n and its 95 % interval (Clopper-Pearson). The layouts, what each rate means and how many
    presentations a claim takes: docs/evaluation.md.

    In FOLDER: report.json (the same bytes for the same data, policy, models, software), rates.csv, report.html (one file, with
    plots), latency.json (of this machine), state.jsonl. Broken off, the same line goes on where it was. No picture and
    no embedding is written; evaluation data stays where it is.

    Finished clips without cues end in review by the production policy: for those use --policy development.

    Exit code 0: done; 1: --fail-if-worse, and it is; 4: nothing was found out; 64: this line is wrong; 130: broken off.
    """
    try:
        if compare is not None:
            sys.exit(_compare(compare, same=same, fail_if_worse=fail_if_worse, json=json))
        found = _evaluate(dataset, out, policy, workers or os.cpu_count() or 1, all_pairs=all_pairs)
    except RealnameError as error:
        fail(error, NOT_EVALUATED)
    except KeyboardInterrupt:
        Console(stderr=True).print("broken off; the same line goes on from here", style="yellow")
        sys.exit(BROKEN_OFF)
    if json:
        sys.stdout.write(encode(found.report).decode())
    else:
        show_report(found.report, found.latency, _console())
        _console().print(f"written: {out / PAGE}, {REPORT}, {RATES}, {LATENCY}", style="dim", markup=False, soft_wrap=True)
    if not found_anything(found.report):
        fail(RealnameError("nothing was judged, and no pair compared: the report says what failed"), NOT_EVALUATED)


def found_anything(report: Report) -> bool:
    """Whether one presentation was judged, or one pair compared."""
    return any(row.verdict for row in report.rows) or any(of.mated + of.random + of.lookalike for of in report.matching)


def _evaluate(place: Path | None, out: Path, policy: str, workers: int, *, all_pairs: bool) -> Evaluated:
    if place is None:
        raise RealnameError("give a DATASET, or --compare A.json B.json")
    dataset, rules = read_dataset(place), load_policy(policy)
    show_remarks(dataset.remarks)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RealnameError(f"{out} cannot be made: {error.strerror}") from None
    plan = Plan(read_settings(Worker), rules, out / STATE, workers=workers, all_pairs=all_pairs)
    with _progress() as tell:
        found = evaluated(dataset, plan, tell)
    write_all(out, found)
    return found


def write_all(out: Path, found: Evaluated) -> None:
    """The numbers first: what is wrong with drawing them must not take them along, nor leave an older page beside them."""
    contents = {
        REPORT: encode(found.report),
        RATES: rates_csv(found.report).encode(),
        LATENCY: msgspec.json.format(msgspec.json.encode(found.latency), indent=1) + b"\n",
    }
    try:
        (out / PAGE).unlink(missing_ok=True)
        for name, content in contents.items():
            (out / name).write_bytes(content)
        (out / PAGE).write_bytes(page_of(found.report, found.latency).encode())
    except OSError as error:
        raise RealnameError(f"{out} cannot be written: {error.strerror}") from None


def rates_csv(report: Report) -> str:
    """Every rate, one a line; empty cells where it was not measured."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("section", "of", "rate", "errors", "n", "value", "low", "high", "upper_one_sided", "worth_independent"))
    for one in all_rates(report):
        rate = one.rate
        counts = (rate.errors, rate.n) if isinstance(rate, Rate) else ("", "")
        bounds = (rate.upper, rate.worth) if isinstance(rate, Rate) else (None, None)
        writer.writerow((one.section, one.of, one.name, *counts, *map(_cell, (rate.value, rate.low, rate.high, *bounds))))
    return stream.getvalue()


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _compare(files: tuple[Path, Path], *, same: bool, fail_if_worse: bool, json: bool) -> int:
    """The exit code."""
    a, b = (_read(file) for file in files)
    found = compared(a, b, same=same)
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(comparison_values(found))).decode() + "\n")
    else:
        show_comparison(found, _console())
    return WORSE if fail_if_worse and found.is_worse else 0


def _read(file: Path) -> Report:
    try:
        return decode(file.read_bytes(), str(file))
    except OSError as error:
        raise RealnameError(f"{file} does not read: {error.strerror}") from None


@contextmanager
def _progress() -> Generator[Callable[[str, int, int], None]]:
    """On stderr, so that the report can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bar:

        def tell(what: str, done: int, in_all: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=in_all)
            bar.update(tasks[what], completed=done)

        yield tell


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
