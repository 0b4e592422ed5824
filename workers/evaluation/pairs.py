"""Pairs of images, mated and not, as a CSV manifest. LFW's own list is lfw.py."""

from __future__ import annotations

import os
from pathlib import Path

from workers.evaluation.dataset import Dataset, DatasetWrong, Pair, lines_of

PAIR_NEEDED = frozenset({"a", "b", "mated"})
PAIR_COLUMNS = PAIR_NEEDED | {"lookalike"}


def read_pairs(file: Path) -> Dataset:
    """A CSV with a, b, mated and perhaps lookalike and group_*; paths are relative to it.

    Each pair of two images once, whichever is named first: pairs are counted as independent, and a rate of one that stands there
    a thousand times would seem to be known a thousand times as well. Raises DatasetWrong.
    """
    folder = file.parent
    pairs: list[Pair] = []
    listed: dict[frozenset[str], int] = {}
    for line in lines_of(file, needed=PAIR_NEEDED, known=PAIR_COLUMNS):
        mated, lookalike = line.yes_or_no("mated"), line.yes_or_no("lookalike", default=False)
        if mated and lookalike:
            raise line.wrong("a mated pair is no look-alike: leave lookalike empty")
        a, b = (os.path.normpath(folder / line.needed(column)) for column in ("a", "b"))
        if a == b:
            raise line.wrong("a and b are one image, which is always like itself: leave the pair out")
        if (first := listed.setdefault(frozenset((a, b)), line.number)) != line.number:
            raise line.wrong(f"these two images are a pair in line {first} already: list each pair once, in either order")
        pairs.append(Pair(Path(a), Path(b), mated, lookalike, groups=line.groups))
    if not pairs:
        raise DatasetWrong(f"{file.name} has no pair: write one a line below the header")
    return Dataset(file.stem, pairs=tuple(pairs))
