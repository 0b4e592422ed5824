"""Pure: one row of a plan: a number, how it was computed, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from services.planning.coefficients import Basis, Coefficients

_WEAKEST: tuple[Basis, ...] = ("assumed", "derived", "measured", "declared")


class Row(Struct, frozen=True, kw_only=True):
    """basis: of the weakest figure behind it. arithmetic: with the numbers put in. rests_on: each figure with its source."""

    name: str
    value: float
    unit: str
    basis: Basis
    arithmetic: str
    rests_on: tuple[str, ...]


def row(
    name: str,
    value: float,
    unit: str,
    *,
    arithmetic: str,
    of: Coefficients,
    figures: Iterable[str] = (),
    declared: Iterable[str] = (),
    assumed: Iterable[str] = (),
) -> Row:
    """figures: names of coefficients; declared: what code or settings say, assumed: what nobody measured, each in words."""
    names, declared, assumed = tuple(figures), tuple(declared), tuple(assumed)
    kinds: set[Basis] = {of.figures[name].basis for name in names}
    if declared:
        kinds.add("declared")
    if assumed:
        kinds.add("assumed")
    assert kinds, f"{name} rests on nothing"
    return Row(
        name=name,
        value=value,
        unit=unit,
        basis=next(kind for kind in _WEAKEST if kind in kinds),
        arithmetic=arithmetic,
        rests_on=(
            *map(of.cited, names),
            *(f"{words}: DECLARED" for words in declared),
            *(f"{words}: ASSUMED" for words in assumed),
        ),
    )
