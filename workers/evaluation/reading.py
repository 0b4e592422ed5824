"""Which layout a dataset has: a manifest, folders of presentations, LFW, or several of them in one folder."""

from __future__ import annotations

from pathlib import Path

from workers.evaluation.dataset import Dataset, DatasetWrong, columns_of
from workers.evaluation.lfw import CSV_COLUMNS, PAIRS_CSV, PAIRS_TXT, find_lists, is_list, read_lfw
from workers.evaluation.pairs import PAIR_NEEDED, read_pairs
from workers.evaluation.presentations import ATTACK, BONA_FIDE, PRESENTATION_NEEDED, read_folders, read_presentations

EXPECTED = (
    "a CSV with the columns presentation, kind, clip, portrait; one with a, b, mated; or a folder with such, with "
    "bona_fide/ and attack/, or with LFW's pairs.txt, which may be named itself (docs/evaluation.md)"
)
_OURS = PRESENTATION_NEEDED | {"mated", "lookalike"}  # a header with one of these means to be a manifest


def read_dataset(place: Path) -> Dataset:
    """All presentations and pairs of a manifest or a folder. Raises DatasetWrong.

    A CSV whose header has nothing of a manifest's is skipped, with a remark, where anything else reads: copies of
    LFW bring such, and so does an --out that lies in the dataset. LFW's pairs.txt is looked for deeper where nothing
    else is there.
    """
    if place.is_file():
        return _of_file(place)
    if not place.is_dir():
        raise DatasetWrong(f"{place} is not there: give a folder or a CSV manifest")
    files = _tables(place)
    parts = [_of_file(file) for file in files if _means_to_be_manifest(columns_of(file))]
    skipped = [file for file in files if not _means_to_be_manifest(columns_of(file))]
    if (place / BONA_FIDE).is_dir() or (place / ATTACK).is_dir():
        parts.append(read_folders(place))
    if not parts or _has_list(place):
        lists = find_lists(place)
        parts += [_nearest(lists, place)] if lists else []
        skipped = [file for file in skipped if file not in lists]
    if not parts and skipped:
        return _of_file(skipped[0])  # which says what is wrong with it
    if not parts:
        raise DatasetWrong(f"{place} has nothing to evaluate: needed is {EXPECTED}")
    return _joined(place, parts, tuple(f"{file.name} is skipped: its header is not that of a manifest" for file in skipped))


def has_manifest(folder: Path) -> bool:
    """Whether the folder itself says what its images are."""
    return _has_list(folder) or any(_means_to_be_manifest(columns_of(file)) for file in _tables(folder))


def _has_list(folder: Path) -> bool:
    return is_list(folder / PAIRS_TXT) or is_list(folder / PAIRS_CSV)


def _tables(folder: Path) -> list[Path]:
    """The CSV files of a folder, in order; hidden ones are left out."""
    try:
        return sorted(file for file in folder.iterdir() if file.suffix.lower() == ".csv" and not file.name.startswith("."))
    except OSError as error:
        raise DatasetWrong(f"{folder} does not read: {error.strerror}") from None


def _means_to_be_manifest(columns: frozenset[str]) -> bool:
    return bool(columns & _OURS) or columns >= {"a", "b"}


def _nearest(lists: list[Path], place: Path) -> Dataset:
    found = read_lfw(lists[0], place)
    others = ", ".join(str(each.relative_to(place)) for each in lists[1:])
    said = (f"{lists[0].relative_to(place)} is read, and not {others}",) if others else ()
    return Dataset(found.name, pairs=found.pairs, portrayed=found.portrayed, remarks=found.remarks + said)


def _of_file(file: Path) -> Dataset:
    if file.suffix.lower() == ".txt":
        return read_lfw(file)
    columns = columns_of(file)
    if "presentation" in columns:
        return read_presentations(file)
    if columns >= PAIR_NEEDED:
        return read_pairs(file)
    if columns >= CSV_COLUMNS:
        return read_lfw(file)
    needed = " or ".join(", ".join(sorted(names)) for names in (PRESENTATION_NEEDED, PAIR_NEEDED))
    raise DatasetWrong(f"{file.name}, line 1: not a manifest: its header must have {needed}")


def _joined(place: Path, parts: list[Dataset], remarks: tuple[str, ...]) -> Dataset:
    presentations = tuple(one for part in parts for one in part.presentations)
    seen: set[str] = set()
    for one in presentations:
        if one.id in seen:
            raise DatasetWrong(f"{place}: presentation {one.id} stands in two manifests: give each its own id")
        seen.add(one.id)
    return Dataset(
        place.resolve().name,
        presentations,
        tuple(pair for part in parts for pair in part.pairs),
        tuple(image for part in parts for image in part.portrayed),
        (*remarks, *(remark for part in parts for remark in part.remarks)),
    )
