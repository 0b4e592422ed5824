"""Pairs of images, mated and not: a CSV manifest, or the layout of LFW with its pairs.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workers.evaluation.dataset import Dataset, DatasetWrong, Pair, Portrayed, lines_of

PAIR_NEEDED = frozenset({"a", "b", "mated"})
PAIR_COLUMNS = PAIR_NEEDED | {"lookalike"}
LFW_PAIRS = "pairs.txt"
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")

_MATED_CELLS, _NON_MATED_CELLS = 3, 4
_HEADER_CELLS_MAX = 2
DEPTH = 3  # folders' levels in which people are looked for, that of pairs.txt among them


def read_pairs(file: Path) -> Dataset:
    """A CSV with a, b, mated and perhaps lookalike and group_*; paths are relative to it. Raises DatasetWrong."""
    folder = file.parent
    pairs: list[Pair] = []
    for line in lines_of(file, needed=PAIR_NEEDED, known=PAIR_COLUMNS):
        mated, lookalike = line.yes_or_no("mated"), line.yes_or_no("lookalike", default=False)
        if mated and lookalike:
            raise line.wrong("a mated pair is no look-alike: leave lookalike empty")
        a, b = folder / line.needed("a"), folder / line.needed("b")
        pairs.append(Pair(a, b, mated, lookalike, groups=line.groups))
    if not pairs:
        raise DatasetWrong(f"{file.name} has no pair: write one a line below the header")
    return Dataset(file.stem, pairs=tuple(pairs))


def read_lfw(file: Path) -> Dataset:
    """LFW's pairs.txt, with images as NAME/NAME_0001.jpg beside it or in a folder, or two, beside it. Raises DatasetWrong.

    The header says `folds<tab>n`, or `n` alone for one fold; each fold has n lines `name i j` and n lines
    `name i other j`. Source: the README of Labeled Faces in the Wild (Huang et al. 2007).
    """
    try:
        lines = [line.split() for line in file.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise DatasetWrong(f"{file} does not read: it must be LFW's pairs.txt") from None
    folds, size = _header(file, lines[0] if lines else [])
    listed = [(number, cells) for number, cells in enumerate(lines[1:], start=2) if cells]
    if len(listed) != folds * size * 2:
        raise DatasetWrong(f"{file.name} has {len(listed)} pairs, its header says {folds} x 2 x {size}: fetch it again")
    root = _images_root(file, listed[0])
    pairs = tuple(_lfw_pair(file, number, cells, root, place // (size * 2)) for place, (number, cells) in enumerate(listed))
    images = dict.fromkeys(image for pair in pairs for image in (pair.a, pair.b))
    return Dataset(
        file.parent.name or "lfw", pairs=pairs, portrayed=tuple(Portrayed(image, image.parent.name) for image in images)
    )


def _header(file: Path, cells: list[str]) -> tuple[int, int]:
    if not 1 <= len(cells) <= _HEADER_CELLS_MAX or not all(cell.isdigit() and int(cell) > 0 for cell in cells):
        raise DatasetWrong(f"{file.name}, line 1: must be `10<tab>300`, folds and pairs of each kind in a fold")
    return (1, int(cells[0])) if len(cells) == 1 else (int(cells[0]), int(cells[1]))


def _images_root(file: Path, first: tuple[int, list[str]]) -> Path:
    """The folder of the folders of people."""
    name = first[1][0]
    for folder in _around(file.parent):
        if (folder / name).is_dir():
            return folder
    raise DatasetWrong(f"{file.name}, line {first[0]}: there is no folder {name} beside it: images lie at NAME/NAME_0001.jpg")


def _around(folder: Path) -> Iterator[Path]:
    """The folder, then those in it, then those in these: an archive is often unpacked into a folder of its own name."""
    level = [folder]
    for _ in range(DEPTH):
        yield from level
        level = sorted(path for each in level for path in each.iterdir() if path.is_dir())


def _lfw_pair(file: Path, number: int, cells: list[str], root: Path, fold: int) -> Pair:
    if len(cells) == _MATED_CELLS:
        (name, first, second), other = cells, cells[0]
    elif len(cells) == _NON_MATED_CELLS:
        name, first, other, second = cells
    else:
        raise DatasetWrong(f"{file.name}, line {number}: must be `name i j` or `name i other j`")
    if not (first.isdigit() and second.isdigit()):
        raise DatasetWrong(f"{file.name}, line {number}: image numbers must be whole numbers")
    a, b = _image(root, name, int(first)), _image(root, other, int(second))
    return Pair(a, b, mated=len(cells) == _MATED_CELLS, fold=fold)


def _image(root: Path, name: str, number: int) -> Path:
    """Where the image is; where none is there, where it should be."""
    base = root / name / f"{name}_{number:04d}"
    endings = (base.with_name(base.name + ending) for ending in IMAGE_ENDINGS)
    return next((path for path in endings if path.is_file()), base.with_name(base.name + IMAGE_ENDINGS[0]))
