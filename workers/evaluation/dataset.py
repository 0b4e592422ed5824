"""What is evaluated: presentations and pairs with their truth, read from a folder or a CSV manifest.

Which layouts there are: docs/evaluation.md. Only paths are read here, no picture is opened; a file that is missing is
not an error of the dataset but a failure to acquire of its row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from realname.errors import RealnameError
from realname.messages import Action, PortraitSource

ROWS_MAX = 5_000_000  # of a manifest
GROUP = "group_"  # columns of groups begin so

Kind = Literal["bona_fide", "attack"]


class DatasetWrong(RealnameError):
    """The dataset does not read; the message names file and line, and says what to do."""


class Presentation(Struct, frozen=True, kw_only=True):
    """One try at the counter: a portrait, a clip, and the truth about them.

    id:      names it in the report; choose one that names no person.
    species: of an attack's artefact (ISO/IEC 30107-3 PAI species), e.g. `print_bent`; None of a bona fide one.
    subject: whose clip it is; only counted.
    actions: what was asked, in order; None: no challenge is held against the clip.
    cues_at_s, clip_started_at_s, digest_at_s: as in messages.Challenge, seconds from the challenge's issue.
    mated:   portrait and clip show the same person; an artefact shows whom it imitates.
    groups:  e.g. {"age": "60+"}, from the columns group_*.
    """

    id: str
    kind: Kind
    portrait: Path
    clip: Path
    species: str | None = None
    subject: str | None = None
    actions: tuple[Action, ...] | None = None
    cues_at_s: tuple[float, ...] = ()
    clip_started_at_s: float | None = None
    digest_at_s: float | None = None
    portrait_source: PortraitSource = "chip_read"
    mated: bool = True
    groups: dict[str, str] = {}


class Pair(Struct, frozen=True):
    """Two images, of one person or not.

    lookalike: of a non-mated pair: chosen because they look alike. Reported apart from random ones.
    fold:      of a protocol with folds (LFW), from 0; None without.
    """

    a: Path
    b: Path
    mated: bool
    lookalike: bool = False
    fold: int | None = None
    groups: dict[str, str] = {}


class Portrayed(NamedTuple):
    """An image and whose it is, for the mode that compares all images with all."""

    image: Path
    person: str


class Dataset(Struct, frozen=True):
    """All that was found.

    portrayed: images with their persons, where the layout says them (LFW): for all pairs of images.
    remarks: what was skipped or guessed in reading it, in words; they may name files, so they stand in no report.
    """

    name: str
    presentations: tuple[Presentation, ...] = ()
    pairs: tuple[Pair, ...] = ()
    portrayed: tuple[Portrayed, ...] = ()
    remarks: tuple[str, ...] = ()


class Line(NamedTuple):
    """One line of a CSV file, its cells by column, stripped."""

    file: Path
    number: int
    cells: dict[str, str]

    def wrong(self, what: str) -> DatasetWrong:
        """An error that names this line."""
        return DatasetWrong(f"{self.file.name}, line {self.number}: {what}")

    def needed(self, column: str) -> str:
        """The cell. Raises DatasetWrong where it is empty."""
        value = self.cells.get(column, "")
        if not value:
            raise self.wrong(f"column {column} is empty: fill it in")
        return value

    def yes_or_no(self, column: str, default: bool | None = None) -> bool:  # noqa: FBT001 - the cell's own value
        """A cell that says yes or no; the default where it is empty, which None forbids."""
        value = self.cells.get(column, "").lower()
        if not value and default is not None:
            return default
        if value not in _YES_NO:
            raise self.wrong(f"column {column} says {value!r}: write yes or no")
        return _YES_NO[value]

    @property
    def groups(self) -> dict[str, str]:
        """The columns group_*, where they are filled in."""
        return {name.removeprefix(GROUP): value for name, value in self.cells.items() if name.startswith(GROUP) and value}


_NO_CELLS: list[str] = []  # of an empty file
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def lines_of(file: Path, *, needed: frozenset[str], known: frozenset[str]) -> Iterator[Line]:
    """The lines of a CSV manifest with a header. Empty lines are skipped.

    needed: columns that must be there. known: all that there may be, besides group_*; a column that is neither is an
    error, since a misspelt one would be left out in silence. Raises DatasetWrong.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, _NO_CELLS)]
            _check_header(file, header, needed=needed, known=known)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    line = Line(file, reader.line_num, dict(zip(header, map(str.strip, cells), strict=False)))
                    yield _checked(line, len(cells), len(header))
    except OSError as error:
        raise DatasetWrong(f"{file} does not read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetWrong(f"{file.name} is not CSV in UTF-8 ({error}): save it as that") from None


def columns_of(file: Path) -> frozenset[str]:
    """The names in the header of a CSV file; none where it does not read."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return frozenset(name.strip() for name in next(csv.reader(stream), _NO_CELLS))
    except (OSError, UnicodeDecodeError, csv.Error):
        return frozenset()


def _check_header(file: Path, header: list[str], *, needed: frozenset[str], known: frozenset[str]) -> None:
    missing = sorted(needed - set(header))
    if missing:
        raise DatasetWrong(f"{file.name}, line 1: column {missing[0]} is missing: there must be {', '.join(sorted(needed))}")
    strange = [name for name in header if name not in known and not name.startswith(GROUP)]
    if strange:
        raise DatasetWrong(
            f"{file.name}, line 1: column {strange[0]!r} is not known: there are {', '.join(sorted(known))} and {GROUP}*"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DatasetWrong(f"{file.name}, line 1: column {twice[0]} stands twice: take one out")


def _checked(line: Line, cells: int, columns: int) -> Line:
    if cells != columns:
        raise line.wrong(f"{cells} cells for {columns} columns: quote a cell that has a comma in it")
    if line.number > ROWS_MAX:
        raise line.wrong(f"more than {ROWS_MAX} lines: split it")
    return line
