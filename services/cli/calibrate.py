"""`realname calibrate DATASET`: which similarity stands for which false match rate, measured on your own pairs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from realname.calibration import Calibration, Point
from realname.errors import RealnameError
from realname.policy import Policy, load_policy
from realname.settings import Worker, read_settings
from services.cli.dataset_view import show_remarks
from workers.evaluation.calibrate import Tells, open_calibrator, read_images
from workers.evaluation.calibration_file import to_toml
from workers.evaluation.operating_points import FALSE_MATCHES_MIN, PERSONS_MIN

_PLAIN_WIDTH = 130  # where the output is no terminal
_NAME_MAX = 60

DatasetArgument = Annotated[
    Path, typer.Argument(help="A CSV with a, b, mated (and lookalike); LFW with its pairs.txt; or a folder of persons' folders.")
]
NameOption = Annotated[str, typer.Option("--name", help="The table's name, as decisions' readers will see it.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="FILE.toml", help="Where to write it; must not be there yet.")]
PolicyOption = Annotated[str, typer.Option("--policy", help="Whose FMRs to read off the new table: shipped name or a file.")]


def command(dataset: DatasetArgument, name: NameOption, out: OutOption, policy: PolicyOption = "production") -> None:
    """Measure on labelled pairs of photos which similarity stands for which false match rate, and write it as a table.

    Each image goes through the detector, landmarks, alignment and embedder that the workers use (REALNAME_MODELS_PROFILE
    chooses them); of several faces the large and central one is taken. Where the dataset says whose each image is, all
    images are compared with all; a CSV gives just its pairs. Pairs with lookalike = yes are reported apart.

    A point at FMR x needs about 10 / x non-mated pairs, 100,000 for 1e-4, and where persons are known 1 / x pairs of persons:
    142 persons for 1e-4, 15 at least. Embeddings are kept in memory and nowhere else.

    Exit code 0: written; 1: not, and the message says why.
    """
    _check(name, out)
    rules, images = load_policy(policy), read_images(dataset)
    show_remarks(images.remarks)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    with _bar() as bar, open_calibrator(read_settings(Worker)) as calibrator:
        found = calibrator.measure(images, name=name, tell=_telling(bar))
    try:
        out.write_text(to_toml(found), "utf-8")
    except OSError as error:
        raise RealnameError(f"{out} cannot be written: {error.strerror}") from None
    console.print(table_of(found))
    for line in (*remarks_of(found), *meaning_of(found, rules, out)):
        console.print(line, markup=False)


def table_of(found: Calibration) -> Table:
    """The points. Intervals are 95 %."""
    table = Table(title=f"{found.name}: {found.dataset}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("FMR", "similarity", "FMR, interval", "by person", "mated pairs accepted", "look-alikes accepted"):
        table.add_column(column)
    for point in found.points:
        table.add_row(f"{point.fmr:g}", f"{point.similarity:.4f}", *_rates(point))
    return table


def remarks_of(found: Calibration) -> list[str]:
    """What went into it, and what it cannot say."""
    counts = f"{found.mated} mated, {found.non_mated} non-mated, {found.lookalikes} look-alike pairs"
    counts += f" of {found.persons} persons" if found.persons else ""
    lines = [f"{counts}; {found.images_failed} of {found.images} images without a face; embedder {found.embedder}"]
    strictest = found.points[-1].fmr
    lines.append(
        f"A point stands where {FALSE_MATCHES_MIN} false matches or more were seen; none stricter than FMR {strictest:g}."
    )
    if not found.persons:
        lines.append("How many persons the pairs are of is not known: many photos of few people say little of others.")
    elif found.persons < PERSONS_MIN:
        lines.append(f"Of {found.persons} persons only: fewer than {PERSONS_MIN} say nothing of how far others may differ.")
    if not found.mated:
        lines.append("No mated pair was compared: how many honest customers each threshold turns away is not known.")
    return lines


def meaning_of(found: Calibration, policy: Policy, out: Path) -> list[str]:
    """What the policy's FMRs mean on the new table, and how to name it."""
    match, track = policy.match, policy.track
    asked = {"match.accept_fmr": match.accept_fmr, "match.review_fmr": match.review_fmr, "track.change_fmr": track.change_fmr}
    lines = [f"With the FMRs of policy {policy.version}:"]
    for field, fmr in asked.items():
        try:
            lines.append(f"  {field} = {fmr:g}: similarity {found.similarity_at(fmr):.4f}")
        except ValueError:
            ends = f"{found.points[-1].fmr:g} to {found.points[0].fmr:g}"
            needed = round(FALSE_MATCHES_MIN / fmr)
            lines.append(f"  {field} = {fmr:g}: beyond this table ({ends}); {needed} non-mated pairs would reach it")
    where = out.resolve()
    return [*lines, f'Name it in a policy: inherits = "production", [match] calibration = "{where}"']


def _rates(point: Point) -> tuple[str, str, str, str]:
    by_person = "" if point.by_person is None else _between(*point.by_person)
    accepted = "" if point.tar is None else f"{point.tar:.4f} ({_between(point.tar_low, point.tar_high)})"
    alike = (
        ""
        if point.lookalike_fmr is None
        else f"{point.lookalike_fmr:.3g} ({_between(point.lookalike_low, point.lookalike_high)})"
    )
    return _between(point.low, point.high), by_person, accepted, alike


def _between(low: float | None, high: float | None) -> str:
    return f"{low or 0.0:.3g} .. {1.0 if high is None else high:.3g}"


def _check(name: str, out: Path) -> None:
    """Looked at before the measurement: nobody waits for a table that has no place."""
    if not 0 < len(name) <= _NAME_MAX or not name.isprintable():
        raise RealnameError(f"--name: 1 to {_NAME_MAX} printable characters")
    if out.exists():
        raise RealnameError(f"{out} is there already: name another file; a policy may stand on it")
    if not out.resolve().parent.is_dir():
        raise RealnameError(f"{out}: there is no folder {out.parent}")


def _bar() -> Progress:
    """On stderr, so that the table can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _telling(bar: Progress) -> Tells:
    task = bar.add_task("images", total=None)

    def tell(done: int, in_all: int) -> None:
        bar.update(task, completed=done, total=in_all)

    return tell
