"""Pure: embeddings of images -> rates of the listed pairs, by group, and of all images with all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realname.policy import Policy
from workers.evaluation.by_person import Spreads, spread_of
from workers.evaluation.dataset import Dataset, Pair, Portrayed
from workers.evaluation.rates import share_of
from workers.evaluation.report import PAIR_ROWS_MAX, GroupRates, MatchRates, PairRow
from workers.evaluation.scores import Compare, FoldResult, Scores, all_pairs, counts_of, fold_accuracies
from workers.evaluation.summary import match_rates, pair_group

Embeddings = dict[Path, NDArray[np.float32] | None]


class Compared(NamedTuple):
    """rows: of the listed pairs; empty where there are more than PAIR_ROWS_MAX."""

    matching: tuple[MatchRates, ...] = ()
    groups: tuple[GroupRates, ...] = ()
    rows: tuple[PairRow, ...] = ()


def compared(dataset: Dataset, embeddings: Embeddings, compare: Compare, policy: Policy, *, everything: bool) -> Compared:
    """Listed pairs, and all images with all where `everything` and the persons are known."""
    similarities = [_similarity(pair, embeddings, compare) for pair in dataset.pairs]
    found: list[MatchRates | None] = []
    if dataset.pairs:
        failed = share_of(similarity is None for similarity in similarities)
        scores = _scores(dataset.pairs, similarities)
        found.append(match_rates(scores, policy, of="pairs", folds=_folds(dataset.pairs, similarities), failed=failed))
    if everything and dataset.portrayed:
        failed = share_of(embeddings[one.image] is None for one in dataset.portrayed)
        scores, spreads = _everyone(dataset.portrayed, embeddings, compare)
        found.append(match_rates(scores, policy, of="all_pairs", failed=failed, spreads=spreads))
    return Compared(
        tuple(one for one in found if one is not None),
        tuple(_groups(dataset.pairs, similarities, policy.accept_min)),
        tuple(_rows(dataset.pairs, similarities)) if len(dataset.pairs) <= PAIR_ROWS_MAX else (),
    )


def listed_scores(pairs: Sequence[Pair], embeddings: Embeddings, compare: Compare) -> Scores:
    """Of the pairs that are listed, as far as both have a face."""
    return _scores(pairs, [_similarity(pair, embeddings, compare) for pair in pairs])


def _similarity(pair: Pair, embeddings: Embeddings, compare: Compare) -> float | None:
    a, b = embeddings[pair.a], embeddings[pair.b]
    return None if a is None or b is None else round(float(compare(a[None], b[None])[0, 0]), 4)


def _scores(pairs: Sequence[Pair], similarities: Sequence[float | None]) -> Scores:
    known = [(pair, similarity) for pair, similarity in zip(pairs, similarities, strict=True) if similarity is not None]
    return Scores(
        mated=counts_of(similarity for pair, similarity in known if pair.mated),
        random=counts_of(similarity for pair, similarity in known if not pair.mated and not pair.lookalike),
        lookalike=counts_of(similarity for pair, similarity in known if pair.lookalike),
    )


def _folds(pairs: Sequence[Pair], similarities: Sequence[float | None]) -> FoldResult | None:
    """A pair without a similarity counts as no match, as a person without a template is turned away."""
    if any(pair.fold is None for pair in pairs):
        return None
    values = [-1.0 if similarity is None else similarity for similarity in similarities]
    return fold_accuracies(values, [pair.mated for pair in pairs], [pair.fold or 0 for pair in pairs])


def _everyone(portrayed: Sequence[Portrayed], embeddings: Embeddings, compare: Compare) -> tuple[Scores, Spreads | None]:
    known = [(one.person, face) for one in portrayed if (face := embeddings[one.image]) is not None]
    if not known:
        return Scores(), None
    faces, persons = np.stack([face for _, face in known]), [person for person, _ in known]
    return all_pairs(faces, persons, compare), lambda thresholds: spread_of(faces, persons, compare, thresholds)


def _groups(pairs: Sequence[Pair], similarities: Sequence[float | None], accept_min: float) -> Iterable[GroupRates]:
    labelled = sorted({(column, value) for pair in pairs for column, value in pair.groups.items()})
    for column, value in labelled:
        ours = [place for place, pair in enumerate(pairs) if pair.groups.get(column) == value]
        scores = _scores([pairs[place] for place in ours], [similarities[place] for place in ours])
        yield pair_group(column, value, scores, accept_min)


def _rows(pairs: Sequence[Pair], similarities: Sequence[float | None]) -> Iterable[PairRow]:
    for number, (pair, similarity) in enumerate(zip(pairs, similarities, strict=True), start=1):
        yield PairRow(number, pair.mated, similarity, pair.lookalike)
