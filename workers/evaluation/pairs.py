"""Pairs of images, mated and not, as a CSV manifest. LFW's own list is lfw.py."""

from __future__ import annotations

from pathlib import Path

from workers.evaluation.dataset import Dataset, DatasetWrong, Pair, lines_of

PAIR_NEEDED = frozenset({"a", "b", "mated"})
PAIR_COLUMNS = PAIR_NEEDED | {"lookalike"}


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
