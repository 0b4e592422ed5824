"""Which layout a dataset has: a manifest, folders of presentations, LFW, or several of them in one folder."""

from __future__ import annotations

from pathlib import Path

from workers.evaluation.dataset import Dataset, DatasetWrong, columns_of
from workers.evaluation.pairs import LFW_PAIRS, PAIR_NEEDED, read_lfw, read_pairs
from workers.evaluation.presentations import ATTACK, BONA_FIDE, PRESENTATION_NEEDED, read_folders, read_presentations

EXPECTED = (
    "a CSV with the columns presentation, kind, clip, portrait; one with a, b, mated; or a folder with such, with "
    "bona_fide/ and attack/, or with LFW's pairs.txt (docs/evaluation.md)"
)


def read_dataset(place: Path) -> Dataset:
    """All presentations and pairs of a manifest or a folder. Raises DatasetWrong."""
    if place.is_file():
        return _of_file(place)
    if not place.is_dir():
        raise DatasetWrong(f"{place} is not there: give a folder or a CSV manifest")
    parts = [_of_file(file) for file in sorted(place.glob("*.csv"))]
    if (place / LFW_PAIRS).is_file():
        parts.append(read_lfw(place / LFW_PAIRS))
    if (place / BONA_FIDE).is_dir() or (place / ATTACK).is_dir():
        parts.append(read_folders(place))
    if not parts:
        raise DatasetWrong(f"{place} has nothing to evaluate: needed is {EXPECTED}")
    return _joined(place, parts)


def _of_file(file: Path) -> Dataset:
    if file.name.endswith(".txt"):
        return read_lfw(file)
    columns = columns_of(file)
    if "presentation" in columns:
        return read_presentations(file)
    if columns >= PAIR_NEEDED:
        return read_pairs(file)
    needed = " or ".join(", ".join(sorted(names)) for names in (PRESENTATION_NEEDED, PAIR_NEEDED))
    raise DatasetWrong(f"{file.name}, line 1: not a manifest: its header must have {needed}")


def _joined(place: Path, parts: list[Dataset]) -> Dataset:
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
    )
