"""Rates against published values and hand-made tables."""

from __future__ import annotations

from math import isclose

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.evaluation.rates import (
    Rate,
    SumOfRates,
    clopper_pearson,
    incomplete_beta,
    presentations_needed,
    rate_of,
    sum_of,
    upper_bound,
    worst_of,
    worst_sum_of,
)

COUNTS = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("errors", "n", "low", "high"),
    [  # R's binom.test and scipy give these
        (0, 42, 0.0, 0.0840839),
        (1, 10, 0.00252858, 0.445016),
        (10, 100, 0.0490047, 0.176223),
        (5, 5, 0.478176, 1.0),
        (2960, 29_600_000, 9.64298e-05, 0.000103669),
    ],
)
def test_the_interval_is_clopper_and_pearsons(errors: int, n: int, low: float, high: float) -> None:
    found = rate_of(errors, n)
    assert (found.low, found.high) == (pytest.approx(low, rel=1e-5), pytest.approx(high, rel=1e-5))


def test_without_errors_both_limits_have_a_closed_form() -> None:
    assert isclose(clopper_pearson(0, 30)[1], 1 - 0.025 ** (1 / 30), rel_tol=1e-9)
    assert isclose(upper_bound(0, 42), 1 - 0.05 ** (1 / 42), rel_tol=1e-9)
    assert round(upper_bound(0, 42), 3) == 0.069


@pytest.mark.parametrize(
    ("x", "a", "b", "value"), [(0.3, 2, 3, 0.3483), (0.5, 7, 7, 0.5), (0.25, 1, 1, 0.25), (0.9, 1, 4, 0.9999)]
)
def test_the_incomplete_beta_function_where_it_is_a_polynomial(x: float, a: float, b: float, value: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("rate", "errors", "needed"), [(0.07, 0, 42), (1e-4, 0, 29_956), (0.01, 0, 299), (0.07, 1, 66), (1e-4, 1, 47_437)]
)
def test_how_many_presentations_a_claim_takes(rate: float, errors: int, needed: int) -> None:
    assert presentations_needed(rate, errors) == needed
    assert upper_bound(errors, needed) <= rate < upper_bound(errors, needed - 1)


@given(COUNTS)
def test_the_interval_holds_the_estimate_and_the_one_sided_bound_lies_within_it(counts: tuple[int, int]) -> None:
    found = rate_of(*counts)
    assert 0 <= found.low <= found.value <= found.upper <= found.high <= 1


@given(COUNTS)
def test_more_presentations_at_the_same_rate_narrow_the_interval(counts: tuple[int, int]) -> None:
    few, many = rate_of(*counts), rate_of(counts[0] * 4, counts[1] * 4)
    assert many.high - many.low < few.high - few.low


@given(st.integers(2, 300), st.data())
def test_one_error_more_moves_both_limits_up(n: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, n - 1))
    (low, high), (more_low, more_high) = clopper_pearson(errors, n), clopper_pearson(errors + 1, n)
    assert low < more_low
    assert high <= more_high


def test_nothing_is_no_rate_of_zero() -> None:
    assert rate_of(0, 0) == Rate(0, 0)
    assert rate_of(0, 0).value is None
    assert sum_of(rate_of(0, 0), rate_of(1, 2)).value is None


def test_the_worst_is_the_highest_and_of_equals_the_less_known_one() -> None:
    few, many = rate_of(0, 5), rate_of(0, 50)
    assert worst_of([few, many]) == worst_of([many, few]) == few
    assert worst_of([]) == Rate(0, 0)


def test_the_worst_is_bounded_by_the_rate_that_is_least_known() -> None:
    """Of print 1 in 90 and of mask 0 in 5 got through: nobody may claim less than 7 % for whichever is worst."""
    few, higher = rate_of(0, 5), rate_of(1, 90)
    worst = worst_of([few, higher])
    assert (worst.errors, worst.n, worst.value, worst.low) == (1, 90, higher.value, higher.low)
    assert (worst.high, worst.upper) == (few.high, few.upper)
    sums = [sum_of(rate, rate_of(1, 10)) for rate in (few, higher)]
    assert worst_sum_of(sums) == msgspec.structs.replace(sums[1], high=sums[0].high)


def test_the_worst_of_what_was_not_all_measured_was_not_either() -> None:
    assert worst_of([rate_of(20, 60), rate_of(0, 0)]) == Rate(0, 0)
    assert worst_sum_of([sum_of(rate_of(1, 9), rate_of(1, 9)), SumOfRates()]) == worst_sum_of([]) == SumOfRates()


def test_a_sum_has_the_wider_parts_added() -> None:
    iapar, frr = rate_of(0, 42), rate_of(3, 60)
    found = sum_of(iapar, frr)
    assert found.value == pytest.approx(0.05)
    assert found.high > iapar.high + frr.high
    parts = [clopper_pearson(rate.errors, rate.n, 0.975) for rate in (iapar, frr)]
    assert found.low == pytest.approx(sum(low for low, _ in parts), rel=1e-5)
    assert found.high == pytest.approx(sum(high for _, high in parts), rel=1e-5)
