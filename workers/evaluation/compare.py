"""Pure: which differences between two reports are more than chance, and which presentations are judged otherwise.

Where both reports are of the same recordings (by a digest over all of them), their outcomes are paired (McNemar,
exact); else the rates are of independent samples (Fisher, exact). All p are adjusted together (Holm), so that 5 %
bounds the chance of any false alarm. A difference that is not significant is no proof of sameness: look at the intervals.

What one report judged and the other did not stands in no rate of errors that both have, so failures are tested as rates
of their own: a candidate that crashes or falls silent is worse, not equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from realname.messages import Verdict
from realname.reasons import Reason
from workers.evaluation.rates import Rate, rate_of
from workers.evaluation.report import MatchRates, Report, Row
from workers.evaluation.significance import fisher, holm, mcnemar
from workers.evaluation.tested import Tested, is_not_judged, of_pairs, of_rows

LEVEL = 0.05
COMMON_MIN = 0.9  # of the larger report: with fewer in both, a paired test would leave out what it should have seen


class Difference(NamedTuple):
    """One rate in both reports.

    a, b:   over what the test compared. test: how. only_a, only_b: paired ones that erred in one report alone.
    p:      adjusted by Holm.
    worse:  B errs more; None where neither is better in itself (shares of verdicts whose truth nobody knows).
    """

    place: str
    a: Rate
    b: Rate
    test: Literal["McNemar", "Fisher", "Fisher by person"]
    only_a: int
    only_b: int
    p: float
    worse: bool | None

    @property
    def is_significant(self) -> bool:
        """Whether chance would do so in less than 1 of 20 comparisons of two like systems."""
        return self.p < LEVEL


class Change(NamedTuple):
    """A presentation with another verdict.

    for_worse: B errs and A does not, or B did not judge a bona fide one that A did; None: neither, or nobody knows.
    """

    id: str
    a: Verdict | None
    b: Verdict | None
    reasons_a: tuple[Reason, ...]
    reasons_b: tuple[Reason, ...]
    for_worse: bool | None


class Comparison(NamedTuple):
    """common: presentations in both reports. left_out: those in one only, which no paired test could use.

    not_judged: how many of the common ones A, and B, did not judge.
    """

    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    common: int
    left_out: int
    not_judged: tuple[int, int]
    remarks: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        """Whether anything is significantly worse in B."""
        return any(one.is_significant and one.worse for one in self.differences)


def compare(a: Report, b: Report, *, same: bool = False) -> Comparison:
    """B against A. same: take equal ids for the same recordings, though the reports' digests do not say so."""
    rows_a, rows_b = ({row.id: row for row in report.rows} for report in (a, b))
    in_both = sorted(rows_a.keys() & rows_b.keys()) if same or _are_same(a, b) else []
    paired = len(in_both) >= COMMON_MIN * max(len(rows_a), len(rows_b))
    same_pairs = a.dataset.pairs_digest == b.dataset.pairs_digest
    raw = [_tested(one, paired=paired) for one in of_rows(a.rows, b.rows) if one.a and one.b]
    raw += [_tested(one, paired=same_pairs) for one in of_pairs(a, b) if one.a and one.b]
    raw += list(_of_all_pairs(a, b)) if same_pairs else []
    adjusted = holm([one.p for one in raw])
    return Comparison(
        differences=tuple(one._replace(p=p) for one, p in zip(raw, adjusted, strict=True)),
        changes=tuple(_change(rows_a[each], rows_b[each]) for each in in_both if rows_a[each].verdict != rows_b[each].verdict),
        common=len(in_both),
        left_out=len(rows_a) + len(rows_b) - 2 * len(in_both),
        not_judged=(sum(is_not_judged(rows_a[each]) for each in in_both), sum(is_not_judged(rows_b[each]) for each in in_both)),
        remarks=tuple(_remarks(a, b, common=len(in_both), paired=paired)),
    )


def _are_same(a: Report, b: Report) -> bool:
    """Whether both are of the same recordings: equal ids alone may be of two places that count from 1."""
    return bool(a.dataset.presentations_digest) and a.dataset.presentations_digest == b.dataset.presentations_digest


def _of_all_pairs(a: Report, b: Report) -> Iterator[Difference]:
    """Their pairs share people, so each rate counts for as many comparisons as its spread over persons is worth (Rate.worth).

    Of the same images only: of other people the rates differ since those do. Only counts are kept, so nothing is paired,
    and the test finds less than it might.
    """
    one, other = _everyone(a), _everyone(b)
    if one is None or other is None:
        return
    at_a, at_b = one.points[0], other.points[0]
    for name, rate_a, rate_b in (("FNMR", at_a.fnmr, at_b.fnmr), ("FMR", at_a.fmr, at_b.fmr)):
        if rate_a.worth is not None and rate_b.worth is not None:
            p = fisher(*_worth(rate_a, rate_a.worth), *_worth(rate_b, rate_b.worth))
            worse = (rate_b.value or 0) > (rate_a.value or 0)
            yield Difference(f"all pairs/accept/{name}", rate_a, rate_b, "Fisher by person", 0, 0, p, worse)


def _worth(rate: Rate, worth: float) -> tuple[int, int]:
    """(errors, n) of so many independent comparisons."""
    return round(rate.errors / rate.n * worth), round(worth)


def _everyone(report: Report) -> MatchRates | None:
    return next((found for found in report.matching if found.of == "all_pairs"), None)


def _tested(one: Tested, *, paired: bool) -> Difference:
    """paired: over those that are in both; else, or where none is, over all, as independent samples."""
    if paired and (common := one.a.keys() & one.b.keys()):
        return _paired(one, common)
    rate_a, rate_b = _rate(one.a, one.a.keys()), _rate(one.b, one.b.keys())
    p = fisher(rate_a.errors, rate_a.n, rate_b.errors, rate_b.n)
    worse = (rate_b.value or 0) > (rate_a.value or 0) if one.is_bad else None
    return Difference(one.place, rate_a, rate_b, "Fisher", 0, 0, p, worse)


def _paired(one: Tested, common: Collection[str]) -> Difference:
    only_a = sum(one.a[identity] and not one.b[identity] for identity in common)
    only_b = sum(one.b[identity] and not one.a[identity] for identity in common)
    rate_a, rate_b = _rate(one.a, common), _rate(one.b, common)
    worse = only_b > only_a if one.is_bad else None
    return Difference(one.place, rate_a, rate_b, "McNemar", only_a, only_b, mcnemar(only_a, only_b), worse)


def _rate(outcomes: Mapping[str, bool], ids: Collection[str]) -> Rate:
    chosen = [erred for identity, erred in outcomes.items() if identity in ids]
    return rate_of(sum(chosen), len(chosen))


def _change(a: Row, b: Row) -> Change:
    return Change(a.id, a.verdict, b.verdict, a.reasons, b.reasons, _for_worse(a, b))


def _for_worse(a: Row, b: Row) -> bool | None:
    if a.kind == "bona_fide" and is_not_judged(a) is not is_not_judged(b):
        return is_not_judged(b)  # a customer who gets no answer is served worse than by any verdict
    erred = [_errs(row) for row in (a, b)]
    return None if None in erred or erred[0] == erred[1] else erred[1]


def _errs(row: Row) -> bool | None:
    """Whether the full system erred; None where nobody knows the truth, or nothing was judged."""
    if row.kind is None or row.verdict is None:
        return None
    wanted = row.kind == "bona_fide" and row.mated is True
    return (row.verdict == "approved") is not wanted


def _remarks(a: Report, b: Report, *, common: int, paired: bool) -> Iterator[str]:
    if a.rows and b.rows and not paired:
        yield f"{_why_not_paired(a, b, common)}: rates are compared as of independent samples, which finds less"
    if a.dataset.name != b.dataset.name:
        yield f"the datasets have other names: {a.dataset.name} and {b.dataset.name}"
    if a.models != b.models:
        yield "the models differ"
    if a.software and b.software and a.software != b.software:
        yield f"the software differs: {a.software} and {b.software}"
    if a.policy.digest != b.policy.digest:
        yield f"the policies differ: {a.policy.version} ({a.policy.digest}) and {b.policy.version} ({b.policy.digest})"
    if a.dataset.pairs_digest != b.dataset.pairs_digest and a.dataset.pairs_digest and b.dataset.pairs_digest:
        yield "the lists of pairs differ: their rates are compared as of independent samples"
        if _everyone(a) is not None and _everyone(b) is not None:
            yield "all images with all others are of other people, too, so their rates are not compared"


def _why_not_paired(a: Report, b: Report, common: int) -> str:
    if common:
        return f"only {common} presentations are in both"
    if not {row.id for row in a.rows} & {row.id for row in b.rows}:
        return "no presentation is in both reports"
    return "the recordings differ, or nothing says that they are the same (--same: equal ids are the same recordings)"
