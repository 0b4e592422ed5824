"""Pure: what a comparison tests: of each rate in two reports, over which presentations or pairs it is, and which erred."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from realname.messages import Verdict
from workers.evaluation.report import PairRow, Report, Row

VERDICTS: tuple[Verdict, ...] = ("approved", "refused", "retry", "review")

Errs = Callable[[Row], bool]
Counts = Callable[[Row], bool]
Outcomes = dict[str, bool]  # by id: whether it erred


class Tested(NamedTuple):
    """One rate in both reports. is_bad: an error; else a share of which neither more nor less is better in itself."""

    place: str
    a: Outcomes
    b: Outcomes
    is_bad: bool = True


def of_rows(a: Sequence[Row], b: Sequence[Row]) -> Iterator[Tested]:
    """Of presentations. What was not judged is in the rates of failures alone: it errs there, and is in no other's n."""
    for species in sorted({row.species for row in (*a, *b) if row.species}):
        yield _over(f"attacks/{species}/APCER", a, b, _attack(species), _lets_through)
        # Not APNRR alone: it falls where what asked again now lets through, and rises where what let through now asks again.
        yield _over(f"attacks/{species}/APCER + APNRR", a, b, _attack(species), lambda row: row.pad != "stopped")
        yield _over(f"attacks/{species}/IAPAR", a, b, _attack(species, mated=True), _is_approved)
        yield _over(f"attacks/{species}/FAR of attacks", a, b, _attack(species, mated=False), _is_approved)
    yield _over("bona fide/BPCER", a, b, _is_bona_fide, lambda row: row.pad == "stopped")
    yield _over("bona fide/BPNRR", a, b, _is_bona_fide, lambda row: row.pad == "no_response")
    yield _over("bona fide/FRR", a, b, lambda row: _is_bona_fide(row) and row.mated is True, lambda row: not _is_approved(row))
    yield _over("another's portrait/FAR", a, b, lambda row: _is_bona_fide(row) and row.mated is False, _is_approved)
    for verdict in VERDICTS:
        yield _over(f"unlabelled/{verdict}", a, b, _is_unlabelled, _ends_in(verdict), is_bad=False)
    yield from _of_failures(a, b)


def _of_failures(a: Sequence[Row], b: Sequence[Row]) -> Iterator[Tested]:
    """Over all rows: a system that falls silent errs in nothing that it judges."""
    yield _over_all("bona fide/FTA", a, b, _is_bona_fide, lambda row: not row.acquired)
    yield _over_all("bona fide/FTE", a, b, lambda row: _is_bona_fide(row) and row.enrolled is not None, _is_not_enrolled)
    yield _over_all("presentations/not judged", a, b, lambda row: row.kind is not None, is_not_judged)
    yield _over_all("unlabelled/not judged", a, b, _is_unlabelled, is_not_judged)


def of_pairs(a: Report, b: Report) -> Iterator[Tested]:
    """Of listed pairs, each report at its own policy's threshold: that is what would change at the counter."""
    yield _over_pairs("accept/FNMR", a, b, lambda row: row.mated, mated=True)
    yield _over_pairs("accept/FMR", a, b, lambda row: not row.mated and not row.lookalike, mated=False)
    yield _over_pairs("accept/FMR look-alikes", a, b, lambda row: row.lookalike, mated=False)
    failed = [{str(row.number): row.similarity is None for row in report.pairs} for report in (a, b)]
    yield Tested("pairs/not compared", failed[0], failed[1])


def is_not_judged(row: Row) -> bool:
    """A file is missing, a process died: failure says why."""
    return row.verdict is None


def _over(place: str, a: Sequence[Row], b: Sequence[Row], counts: Counts, errs: Errs, *, is_bad: bool = True) -> Tested:
    return _over_all(place, a, b, lambda row: not is_not_judged(row) and counts(row), errs)._replace(is_bad=is_bad)


def _over_all(place: str, a: Sequence[Row], b: Sequence[Row], counts: Counts, errs: Errs) -> Tested:
    outcomes = [{row.id: errs(row) for row in rows if counts(row)} for rows in (a, b)]
    return Tested(place, outcomes[0], outcomes[1])


def _over_pairs(name: str, a: Report, b: Report, counts: Callable[[PairRow], bool], *, mated: bool) -> Tested:
    found: list[Outcomes] = []
    for report in (a, b):
        least = report.policy.accept_min
        known = ((row, row.similarity) for row in report.pairs if row.similarity is not None and counts(row))
        found.append({str(row.number): (alike < least) == mated for row, alike in known})
    return Tested(f"pairs/{name}", found[0], found[1])


def _attack(species: str, *, mated: bool | None = None) -> Counts:
    """Of one species. mated: only those that show the portrait's own face, or only those that do not."""
    return lambda row: row.kind == "attack" and row.species == species and (mated is None or row.mated is mated)


def _is_bona_fide(row: Row) -> bool:
    return row.kind == "bona_fide"


def _is_unlabelled(row: Row) -> bool:
    return row.kind is None


def _is_approved(row: Row) -> bool:
    return row.verdict == "approved"


def _is_not_enrolled(row: Row) -> bool:
    return row.enrolled is False


def _lets_through(row: Row) -> bool:
    return row.pad == "let_through"


def _ends_in(verdict: Verdict) -> Errs:
    return lambda row: row.verdict == verdict
