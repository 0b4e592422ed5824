"""Pure: which differences between two reports are more than chance, and which presentations are judged otherwise.

Where both reports hold the same presentations, their outcomes are paired (McNemar, exact), over those that both have;
else the rates are of independent samples (Fisher, exact). All p are adjusted together (Holm), so that 5 % bounds the
chance of any false alarm. A difference that is not significant is no proof of sameness: look at the intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from realname.messages import Verdict
from realname.reasons import Reason
from workers.evaluation.rates import Rate, rate_of
from workers.evaluation.report import MatchRates, PairRow, Report, Row
from workers.evaluation.significance import fisher, holm, mcnemar

LEVEL = 0.05

Errs = Callable[[Row], bool]
Counts = Callable[[Row], bool]
Outcomes = dict[str, bool]  # by id: whether it erred


class Difference(NamedTuple):
    """One rate in both reports.

    a, b:   over what the test compared. test: how. only_a, only_b: paired ones that erred in one report alone.
    p:      adjusted by Holm.
    worse:  B errs more; None where neither is better in itself (shares of verdicts whose truth nobody knows).
    """

    place: str
    a: Rate
    b: Rate
    test: Literal["McNemar", "Fisher"]
    only_a: int
    only_b: int
    p: float
    worse: bool | None

    @property
    def is_significant(self) -> bool:
        """Whether chance would do so in less than 1 of 20 comparisons of two like systems."""
        return self.p < LEVEL


class Change(NamedTuple):
    """A presentation with another verdict. for_worse: B errs and A does not; None: neither, or nobody knows."""

    id: str
    a: Verdict | None
    b: Verdict | None
    reasons_a: tuple[Reason, ...]
    reasons_b: tuple[Reason, ...]
    for_worse: bool | None


class Comparison(NamedTuple):
    """common: presentations in both reports. left_out: those in one only, which no paired test could use."""

    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    common: int
    left_out: int
    remarks: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        """Whether anything is significantly worse in B."""
        return any(one.is_significant and one.worse for one in self.differences)


class _Tested(NamedTuple):
    place: str
    a: Outcomes
    b: Outcomes
    is_bad: bool


def compare(a: Report, b: Report) -> Comparison:
    """B against A."""
    rows_a, rows_b = ({row.id: row for row in report.rows} for report in (a, b))
    common = sorted(rows_a.keys() & rows_b.keys())
    raw = [_tested(one) for one in (*_of_rows(a.rows, b.rows), *_of_pairs(a, b)) if one.a and one.b]
    raw += list(_of_all_pairs(a, b))
    adjusted = holm([one.p for one in raw])
    return Comparison(
        differences=tuple(one._replace(p=p) for one, p in zip(raw, adjusted, strict=True)),
        changes=tuple(
            _change(rows_a[identity], rows_b[identity])
            for identity in common
            if rows_a[identity].verdict != rows_b[identity].verdict
        ),
        common=len(common),
        left_out=len(rows_a.keys() ^ rows_b.keys()),
        remarks=tuple(_remarks(a, b, common=bool(common))),
    )


def _of_rows(a: Sequence[Row], b: Sequence[Row]) -> Iterator[_Tested]:
    for species in sorted({row.species for row in (*a, *b) if row.species}):
        yield _over(f"attacks/{species}/APCER", a, b, _attack(species), lambda row: row.pad == "let_through")
        yield _over(f"attacks/{species}/IAPAR", a, b, _own_attack(species), _is_approved)
    yield _over("bona fide/BPCER", a, b, _is_bona_fide, lambda row: row.pad == "stopped")
    yield _over("bona fide/BPNRR", a, b, _is_bona_fide, lambda row: row.pad == "no_response")
    yield _over("bona fide/FRR", a, b, lambda row: _is_bona_fide(row) and row.mated is True, lambda row: not _is_approved(row))
    yield _over("another's portrait/FAR", a, b, lambda row: _is_bona_fide(row) and row.mated is False, _is_approved)
    verdicts: tuple[Verdict, ...] = ("approved", "refused", "retry", "review")
    for verdict in verdicts:
        yield _over(f"unlabelled/{verdict}", a, b, _is_unlabelled, _ends_in(verdict), is_bad=False)


def _over(place: str, a: Sequence[Row], b: Sequence[Row], counts: Counts, errs: Errs, *, is_bad: bool = True) -> _Tested:
    outcomes = [{row.id: errs(row) for row in rows if row.verdict is not None and counts(row)} for rows in (a, b)]
    return _Tested(place, outcomes[0], outcomes[1], is_bad)


def _attack(species: str) -> Counts:
    return lambda row: row.kind == "attack" and row.species == species


def _own_attack(species: str) -> Counts:
    return lambda row: row.kind == "attack" and row.species == species and row.mated is True


def _is_bona_fide(row: Row) -> bool:
    return row.kind == "bona_fide"


def _is_unlabelled(row: Row) -> bool:
    return row.kind is None


def _is_approved(row: Row) -> bool:
    return row.verdict == "approved"


def _ends_in(verdict: Verdict) -> Errs:
    return lambda row: row.verdict == verdict


def _of_pairs(a: Report, b: Report) -> Iterator[_Tested]:
    """Each report at its own policy's threshold: that is what would change at the counter."""
    same = a.dataset.pairs_digest == b.dataset.pairs_digest
    ids = ("", "") if same else ("a", "b")  # other lists: no number names the same pair

    def over(name: str, counts: Callable[[PairRow], bool], *, mated: bool) -> _Tested:
        found: list[Outcomes] = []
        for report, mark in zip((a, b), ids, strict=True):
            least = report.policy.accept_min
            known = ((row, row.similarity) for row in report.pairs if row.similarity is not None and counts(row))
            found.append({f"{mark}{row.number}": (alike < least) == mated for row, alike in known})
        return _Tested(f"pairs/accept/{name}", found[0], found[1], is_bad=True)

    yield over("FNMR", lambda row: row.mated, mated=True)
    yield over("FMR", lambda row: not row.mated and not row.lookalike, mated=False)
    yield over("FMR look-alikes", lambda row: row.lookalike, mated=False)


def _of_all_pairs(a: Report, b: Report) -> Iterator[Difference]:
    """Only counts are kept of these, so they are never paired: the test is the weaker for it, and never too sure."""
    one, other = _everyone(a), _everyone(b)
    if one is None or other is None:
        return
    at_a, at_b = one.points[0], other.points[0]
    for name, rate_a, rate_b in (("FNMR", at_a.fnmr, at_b.fnmr), ("FMR", at_a.fmr, at_b.fmr)):
        if rate_a.is_measured and rate_b.is_measured:
            p = fisher(rate_a.errors, rate_a.n, rate_b.errors, rate_b.n)
            worse = (rate_b.value or 0) > (rate_a.value or 0)
            yield Difference(f"all pairs/accept/{name}", rate_a, rate_b, "Fisher", 0, 0, p, worse)


def _everyone(report: Report) -> MatchRates | None:
    return next((found for found in report.matching if found.of == "all_pairs"), None)


def _tested(one: _Tested) -> Difference:
    common = one.a.keys() & one.b.keys()
    if common:
        only_a = sum(one.a[identity] and not one.b[identity] for identity in common)
        only_b = sum(one.b[identity] and not one.a[identity] for identity in common)
        rate_a, rate_b = _rate(one.a, common), _rate(one.b, common)
        worse = only_b > only_a if one.is_bad else None
        return Difference(one.place, rate_a, rate_b, "McNemar", only_a, only_b, mcnemar(only_a, only_b), worse)
    rate_a, rate_b = _rate(one.a, one.a.keys()), _rate(one.b, one.b.keys())
    p = fisher(rate_a.errors, rate_a.n, rate_b.errors, rate_b.n)
    worse = (rate_b.value or 0) > (rate_a.value or 0) if one.is_bad else None
    return Difference(one.place, rate_a, rate_b, "Fisher", 0, 0, p, worse)


def _rate(outcomes: Mapping[str, bool], ids: Collection[str]) -> Rate:
    chosen = [erred for identity, erred in outcomes.items() if identity in ids]
    return rate_of(sum(chosen), len(chosen))


def _change(a: Row, b: Row) -> Change:
    erred = [_errs(row) for row in (a, b)]
    for_worse = None if None in erred or erred[0] == erred[1] else erred[1]
    return Change(a.id, a.verdict, b.verdict, a.reasons, b.reasons, for_worse)


def _errs(row: Row) -> bool | None:
    """Whether the full system erred; None where nobody knows the truth, or nothing was judged."""
    if row.kind is None or row.verdict is None:
        return None
    wanted = row.kind == "bona_fide" and row.mated is True
    return _is_approved(row) is not wanted


def _remarks(a: Report, b: Report, *, common: bool) -> Iterator[str]:
    if not common and a.rows and b.rows:
        yield "no presentation is in both reports: their rates are compared as of independent samples"
    if a.models != b.models:
        yield "the models differ"
    if a.policy.digest != b.policy.digest:
        yield f"the policies differ: {a.policy.version} ({a.policy.digest}) and {b.policy.version} ({b.policy.digest})"
    if a.pairs and b.pairs and a.dataset.pairs_digest != b.dataset.pairs_digest:
        yield "the lists of pairs differ: their rates are compared as of independent samples"
