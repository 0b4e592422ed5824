"""Exact tests against published examples."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.evaluation.significance import fisher, holm, mcnemar


def test_mcnemar_is_the_two_sided_sign_test() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(0, 5) == pytest.approx(2 / 2**5)
    assert mcnemar(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert mcnemar(5, 5) == 1.0


def test_fisher_on_the_lady_who_tasted_tea() -> None:
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(4, 4, 0, 4) == pytest.approx(2 / 70)


def test_fisher_bears_millions() -> None:
    assert fisher(202, 3_000_000, 190, 3_000_000) == pytest.approx(0.578, abs=0.002)
    assert fisher(100, 3_000_000, 300, 3_000_000) < 1e-20


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_never_makes_a_p_smaller_and_keeps_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= after <= 1 for p, after in zip(p_values, adjusted, strict=True))
    ordered = [after for _, after in sorted(zip(p_values, adjusted, strict=True))]
    assert all(before <= after for before, after in pairwise(ordered))


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_fisher_does_not_mind_which_is_first(errors_a: int, more_a: int, errors_b: int, more_b: int) -> None:
    one = fisher(errors_a, errors_a + more_a, errors_b, errors_b + more_b)
    assert one == pytest.approx(fisher(errors_b, errors_b + more_b, errors_a, errors_a + more_a))
    assert 0 < one <= 1
