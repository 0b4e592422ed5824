"""Labeled Faces in the Wild: its list of pairs, and the folders of people that the images lie in, as copies have them.

Source of the format: the README of Labeled Faces in the Wild (Huang et al. 2007). A copy as CSV has the same lines below the
header `name,imagenum1,imagenum2,`, without the numbers of folds.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from workers.evaluation.dataset import Dataset, DatasetWrong, Pair, Portrayed, columns_of

PAIRS_TXT, PAIRS_CSV = "pairs.txt", "pairs.csv"
CSV_COLUMNS = frozenset({"name", "imagenum1", "imagenum2"})
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")  # in whichever case
DEPTH = 3  # folders' levels in which pairs.txt, or people, are looked for, that of the given folder among them

_MATED_CELLS, _NON_MATED_CELLS = 3, 4
_HEADER_CELLS_MAX = 2
_DIGITS_MAX = 6  # of an image's number, and of a number in the header
_NOT_DATA = "__MACOSX"  # what one system's archives add: files of the same names, without pictures


class _Listed(NamedTuple):
    """A line of the list. cells: `name i j` of a mated pair, `name i other j` of another."""

    number: int
    cells: list[str]
    fold: int | None

    @property
    def names(self) -> tuple[str, str]:
        return self.cells[0], self.cells[0] if self.is_mated else self.cells[2]

    @property
    def is_mated(self) -> bool:
        return len(self.cells) == _MATED_CELLS


def find_lists(place: Path) -> list[Path]:
    """Every pairs.txt on the nearest level of folders that has one, else every such pairs.csv; none where none is there."""
    levels = list(_levels(place))
    for name in (PAIRS_TXT, PAIRS_CSV):
        for level in levels:
            if found := [folder / name for folder in level if is_list(folder / name)]:
                return found
    return []


def is_list(file: Path) -> bool:
    """Whether it is there and by its name, or by its header, LFW's list of pairs."""
    return _is_file(file) and (file.name == PAIRS_TXT or columns_of(file) >= CSV_COLUMNS)


def read_lfw(file: Path, place: Path | None = None) -> Dataset:
    """A list of pairs, with images as NAME/NAME_0001.jpg beside it, or one or two folders deeper, or so below `place`.

    The list is pairs.txt or a CSV. A header `folds<tab>n` or `n` says how many pairs of each kind a fold has; where a list
    has none, folds are read off where n mated pairs and n others take turns. A remark says what had to be guessed.
    Raises DatasetWrong.
    """
    listed = _listed_csv(file) if file.suffix.lower() == ".csv" else _listed_txt(file)
    root, remarks = _images_root(file, listed, place)
    people: dict[str, dict[int, Path]] = {}
    pairs = tuple(_pair(file, each, root, people) for each in listed)
    if any(each.fold is None for each in listed):
        remarks.append(f"{file.name} has no folds: the protocol's accuracy is not measured, its pairs are")
    images = dict.fromkeys(image for pair in pairs for image in (pair.a, pair.b))
    if missing := sum(not _is_file(image) for image in images):
        remarks.append(f"{missing} of {len(images)} images of {file.name} are not there")
    name = (place or file.parent).resolve().name or "lfw"
    portrayed = tuple(Portrayed(image, image.parent.name) for image in images)
    return Dataset(name, pairs=pairs, portrayed=portrayed, remarks=tuple(remarks))


def _listed_txt(file: Path) -> list[_Listed]:
    try:
        lines = [line.split() for line in file.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise DatasetWrong(f"{file} does not read: it must be LFW's pairs.txt") from None
    numbered = [(number, cells) for number, cells in enumerate(lines, start=1) if cells]
    if numbered and len(numbered[0][1]) in {_MATED_CELLS, _NON_MATED_CELLS}:
        return _without_header(file, numbered)
    folds, size = _header(file, numbered[0][1] if numbered else [])
    listed = numbered[1:]
    if len(listed) != folds * size * 2:
        raise DatasetWrong(f"{file.name} has {len(listed)} pairs, its header says {folds} x 2 x {size}: fetch it again")
    return [_checked(file, number, cells, place // (size * 2)) for place, (number, cells) in enumerate(listed)]


def _listed_csv(file: Path) -> list[_Listed]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            lines = [[cell.strip() for cell in cells if cell.strip()] for cells in csv.reader(stream)]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DatasetWrong(f"{file} does not read: it must be LFW's list of pairs") from None
    return _without_header(file, [(number, cells) for number, cells in enumerate(lines[1:], start=2) if cells])


def _header(file: Path, cells: list[str]) -> tuple[int, int]:
    if not 1 <= len(cells) <= _HEADER_CELLS_MAX or not all(_is_number(cell) and int(cell) > 0 for cell in cells):
        raise DatasetWrong(f"{file.name}, line 1: must be `10<tab>300`, folds and pairs of each kind in a fold")
    return (1, int(cells[0])) if len(cells) == 1 else (int(cells[0]), int(cells[1]))


def _without_header(file: Path, numbered: Sequence[tuple[int, list[str]]]) -> list[_Listed]:
    """Folds where n mated pairs, then n others, take turns to the end; None for all where they do not."""
    listed = [_checked(file, number, cells, None) for number, cells in numbered]
    if not listed:
        raise DatasetWrong(f"{file.name} has no pair: it must be LFW's list of pairs")
    size = next((place for place, each in enumerate(listed) if not each.is_mated), 0)
    if not size or len(listed) % (2 * size):
        return listed
    if any(each.is_mated != (place // size % 2 == 0) for place, each in enumerate(listed)):
        return listed
    return [each._replace(fold=place // (2 * size)) for place, each in enumerate(listed)]


def _checked(file: Path, number: int, cells: list[str], fold: int | None) -> _Listed:
    if len(cells) not in {_MATED_CELLS, _NON_MATED_CELLS}:
        raise DatasetWrong(f"{file.name}, line {number}: must be `name i j` or `name i other j`")
    if not (_is_number(cells[1]) and _is_number(cells[-1])):
        raise DatasetWrong(f"{file.name}, line {number}: image numbers must be whole numbers")
    return _Listed(number, cells, fold)


def _is_number(cell: str) -> bool:
    return cell.isdecimal() and len(cell) <= _DIGITS_MAX


def _images_root(file: Path, listed: Sequence[_Listed], place: Path | None) -> tuple[Path, list[str]]:
    """The folder of the folders of people: of those on the nearest level the one with most of the listed people."""
    names = {name for each in listed for name in each.names}
    for around in dict.fromkeys((file.parent, place or file.parent)):
        for level in _levels(around):
            held = [(len(names & {inner.name for inner in _folders(folder)}), folder) for folder in level]
            roots = [(count, folder) for count, folder in held if count]
            if roots:
                root = max(roots, key=lambda found: found[0])[1]
                others = [folder.name for _, folder in roots if folder != root]
                said = [f"images are read from {root.name}, and not from {', '.join(others)}"] if others else []
                return root, said
    where, name = f"{file.name}, line {listed[0].number}", listed[0].cells[0]
    raise DatasetWrong(f"{where}: there is no folder {name} near it: give the folder that holds it and NAME/NAME_0001.jpg")


def _levels(folder: Path) -> Iterator[list[Path]]:
    """The folder, then those in it, then those in these: an archive is often unpacked into a folder of its own name."""
    level = [folder]
    for _ in range(DEPTH):
        yield level
        level = [inner for each in level for inner in _folders(each)]


def _folders(folder: Path) -> list[Path]:
    """In order; none of a folder that may not be read."""
    try:
        inner = sorted(folder.iterdir())
        return [path for path in inner if path.is_dir() and not path.name.startswith(".") and path.name != _NOT_DATA]
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _pair(file: Path, each: _Listed, root: Path, people: dict[str, dict[int, Path]]) -> Pair:
    name, other = each.names
    for person in (name, other):
        if person in {".", ".."} or Path(person).name != person:
            raise DatasetWrong(f"{file.name}, line {each.number}: {person!r} is no name of a folder")
        if person not in people:
            people[person] = _images_of(root / person)
    a, b = _image(people[name], root / name, int(each.cells[1])), _image(people[other], root / other, int(each.cells[-1]))
    return Pair(a, b, mated=each.is_mated, fold=each.fold)


def _images_of(folder: Path) -> dict[int, Path]:
    """A person's images by number, whatever the case of their ending; of two of one number the first of IMAGE_ENDINGS."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_ENDINGS)
    except OSError:
        return {}
    found: dict[int, Path] = {}
    for path in sorted(files, key=lambda path: IMAGE_ENDINGS.index(path.suffix.lower())):
        person, _, number = path.stem.rpartition("_")
        if person == folder.name and _is_number(number):
            found.setdefault(int(number), path)
    return found


def _image(images: dict[int, Path], folder: Path, number: int) -> Path:
    """Where the image is; where none is there, where it should be."""
    return images.get(number, folder / f"{folder.name}_{number:04d}{IMAGE_ENDINGS[0]}")
