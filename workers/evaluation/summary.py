"""Pure: rows of presentations and similarities of pairs -> the rates of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev

from msgspec.structs import replace

from realname.policy import Policy
from workers.evaluation.by_person import Spread, Spreads, over_persons
from workers.evaluation.dataset import Kind
from workers.evaluation.rates import Rate, SumOfRates, height_of, rate_of, share_of, sum_of, worst_of, worst_sum_of
from workers.evaluation.report import (
    DetPoint,
    Folds,
    GroupRates,
    Histogram,
    MatchedKind,
    MatchRates,
    OperatingPoint,
    Row,
    SpeciesRates,
    SystemRates,
)
from workers.evaluation.scores import FoldResult, Scores, counts_of, rebinned

AIMS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # FMRs at which the curve is read off
HISTOGRAM_BINS = 100
DET_POINTS = 400


def system_rates(rows: Sequence[Row]) -> SystemRates | None:
    """Rates of the PAD subsystem and of the full system; None where no presentation has a known kind."""
    judged = [row for row in rows if row.verdict is not None and row.kind is not None]
    if not any(row.kind for row in rows):
        return None
    bona_fide = [row for row in judged if row.kind == "bona_fide"]
    mated, others = (_mated(bona_fide, True), _mated(bona_fide, False))
    frr = share_of(row.verdict != "approved" for row in mated)
    species = tuple(_species(name, attacks, frr) for name, attacks in _by_species(rows))
    (fta, fte), (attacks_fta, attacks_fte) = _capture(rows, "bona_fide"), _capture(rows, "attack")
    return SystemRates(
        species=species,
        apcer_worst=worst_of(one.apcer for one in species),
        iapar_worst=worst_of(one.iapar for one in species),
        riapar_worst=worst_sum_of(one.riapar for one in species),
        bpcer=share_of(row.pad == "stopped" for row in bona_fide),
        bpnrr=share_of(row.pad == "no_response" for row in bona_fide),
        frr=frr,
        far=share_of(row.verdict == "approved" for row in others),
        review=share_of(row.verdict == "review" for row in mated),
        fta=fta,
        fte=fte,
        attacks_fta=attacks_fta,
        attacks_fte=attacks_fte,
        worst_species={
            "APCER": _worst_species({one.species: one.apcer for one in species}),
            "IAPAR": _worst_species({one.species: one.iapar for one in species}),
            "RIAPAR": _worst_species({one.species: one.riapar for one in species}),
        },
    )


def _capture(rows: Sequence[Row], kind: Kind) -> tuple[Rate, Rate]:
    """FTA, over all of the kind, judged or not; FTE, over those whose portrait was looked at."""
    ours = [row for row in rows if row.kind == kind]
    return share_of(not row.acquired for row in ours), share_of(not row.enrolled for row in ours if row.enrolled is not None)


def _worst_species(rates: Mapping[str, Rate | SumOfRates]) -> str:
    """Whose value, and whose bound where that is another's, the worst is; or which were not measured."""
    unknown = [name for name, rate in rates.items() if rate.value is None]
    if unknown or not rates:
        return ", ".join(unknown)
    highest = max(rates, key=lambda name: height_of(rates[name]))
    least_known = max(rates, key=lambda name: rates[name].high or 0.0)
    same = rates[highest].high == rates[least_known].high
    return highest if same else f"{highest}, bound of {least_known}"


def _mated(rows: Sequence[Row], mated: bool) -> list[Row]:  # noqa: FBT001 - the row's own value
    return [row for row in rows if row.mated is mated]


def _by_species(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Those that were judged, of every species there is: one of which none was judged stands there with n = 0."""
    attacks = [row for row in rows if row.kind == "attack"]
    for name in sorted({row.species or "" for row in attacks}):
        yield name, [row for row in attacks if (row.species or "") == name and row.verdict is not None]


def _species(name: str, attacks: Sequence[Row], frr: Rate) -> SpeciesRates:
    iapar = share_of(row.verdict == "approved" for row in _mated(attacks, True))
    return SpeciesRates(
        species=name,
        apcer=share_of(row.pad == "let_through" for row in attacks),
        apnrr=share_of(row.pad == "no_response" for row in attacks),
        iapar=iapar,
        riapar=sum_of(iapar, frr),
        review=share_of(row.verdict == "review" for row in attacks),
        far=share_of(row.verdict == "approved" for row in _mated(attacks, False)),
    )


def presentation_scores(rows: Sequence[Row]) -> Scores:
    """Portrait against clip, of bona fide presentations only: an artefact's score says nothing of two people."""
    scored = [(row.mated, row.scores["similarity"]) for row in rows if row.kind == "bona_fide" and "similarity" in row.scores]
    return Scores(
        mated=counts_of(value for mated, value in scored if mated),
        random=counts_of(value for mated, value in scored if mated is False),
    )


def match_rates(
    scores: Scores,
    policy: Policy,
    *,
    of: MatchedKind,
    folds: FoldResult | None = None,
    failed: Rate,
    spreads: Spreads | None = None,
) -> MatchRates | None:
    """Error rates at the policy's thresholds and at round FMRs, with the curve; None where nothing was compared.

    spreads: of all images with all, what the persons say of the intervals.
    """
    mated, random, lookalike = (int(counts.sum()) for counts in (scores.mated, scores.random, scores.lookalike))
    if mated + random + lookalike == 0 and not failed.errors:
        return None
    named = [("accept", policy.accept_min), ("review", policy.review_min)]
    named += [(f"FMR {aim:g}", found) for aim in AIMS if (found := scores.threshold_at(aim)) is not None]
    points = tuple(_point(name, similarity, scores) for name, similarity in named)
    spread = None if spreads is None else spreads([point.similarity for point in points])
    return MatchRates(
        of=of,
        mated=mated,
        random=random,
        lookalike=lookalike,
        points=points if spread is None else _over_persons(points, spread),
        det=tuple(DetPoint(*_rounded(point)) for point in scores.curve(DET_POINTS)),
        histogram=Histogram(
            HISTOGRAM_BINS, *(rebinned(counts, HISTOGRAM_BINS) for counts in (scores.mated, scores.random, scores.lookalike))
        ),
        folds=None if folds is None else _folds(folds),
        failed=failed,
        persons=0 if spread is None else spread.persons,
    )


def _over_persons(points: Sequence[OperatingPoint], spread: Spread) -> tuple[OperatingPoint, ...]:
    return tuple(
        replace(
            point,
            fmr=over_persons(point.fmr, spread.fmr[place], spread.person_pairs),
            fnmr=over_persons(point.fnmr, spread.fnmr[place], spread.mated),
        )
        for place, point in enumerate(points)
    )


def _point(name: str, similarity: float, scores: Scores) -> OperatingPoint:
    return OperatingPoint(
        name, round(similarity, 4), scores.fmr(similarity), scores.fnmr(similarity), scores.lookalike_fmr(similarity)
    )


def _rounded(point: tuple[float, float, float]) -> tuple[float, float, float]:
    similarity, fmr, fnmr = point
    return similarity, float(f"{fmr:.6g}"), float(f"{fnmr:.6g}")


def _folds(found: FoldResult) -> Folds:
    return Folds(
        folds=len(found.accuracies),
        mean=round(mean(found.accuracies), 6),
        deviation=round(stdev(found.accuracies), 6),
        threshold_min=min(found.thresholds),
        threshold_max=max(found.thresholds),
        wrong=rate_of(found.wrong, found.n),
    )


def group_rates(rows: Sequence[Row], accept_min: float) -> tuple[GroupRates, ...]:
    """By each value of each group column, over the presentations that have it."""
    labelled = sorted({(column, value) for row in rows if row.kind for column, value in row.groups.items()})
    return tuple(
        _group(column, value, [row for row in rows if row.groups.get(column) == value], accept_min) for column, value in labelled
    )


def _group(column: str, value: str, rows: Sequence[Row], accept_min: float) -> GroupRates:
    system, scores = system_rates(rows), presentation_scores(rows)
    nothing = Rate(0, 0)
    return GroupRates(
        column=column,
        value=value,
        of="presentations",
        apcer_worst=nothing if system is None else system.apcer_worst,
        bpcer=nothing if system is None else system.bpcer,
        bpnrr=nothing if system is None else system.bpnrr,
        frr=nothing if system is None else system.frr,
        fnmr=scores.fnmr(accept_min),
        fmr=scores.fmr(accept_min),
        apnrr_worst=nothing if system is None else worst_of(one.apnrr for one in system.species),
        iapar_worst=nothing if system is None else system.iapar_worst,
        fta=nothing if system is None else system.fta,
        fte=nothing if system is None else system.fte,
    )


def pair_group(column: str, value: str, scores: Scores, accept_min: float) -> GroupRates:
    """The same of pairs, which have no verdict."""
    nothing = Rate(0, 0)
    return GroupRates(column, value, "pairs", nothing, nothing, nothing, nothing, scores.fnmr(accept_min), scores.fmr(accept_min))


def failures_of(rows: Sequence[Row]) -> dict[str, int]:
    """Presentations that were not judged, by cause."""
    return dict(sorted(Counter(row.failure for row in rows if row.failure is not None).items()))
