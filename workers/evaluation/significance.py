"""Pure: exact tests of whether two error rates differ, and what many tests at once are worth."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log

SAME = 1 + 1e-7  # two probabilities this close are one: the sums are of rounded logarithms


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided p of paired outcomes: only_a presentations erred under A alone, only_b under B alone.

    Exact: under no difference only_a is binomial with one half. Source: McNemar 1947, Psychometrika 12, 153-157.
    """
    n, least = only_a + only_b, min(only_a, only_b)
    tail = sum(exp(_log_choose(n, k) - n * log(2)) for k in range(least + 1))
    return min(1.0, 2 * tail)


def fisher(errors_a: int, n_a: int, errors_b: int, n_b: int) -> float:
    """Two-sided p of two independent samples: the tables with the same margins that are no likelier than this one.

    Source: Fisher 1935, Journal of the Royal Statistical Society 98, 39-82.
    """
    if n_a == 0 or n_b == 0:
        return 1.0
    errors = errors_a + errors_b
    if 2 * errors > n_a + n_b:  # the rarer outcome has the shorter list of tables
        return fisher(n_a - errors_a, n_a, n_b - errors_b, n_b)
    places = range(max(0, errors - n_b), min(errors, n_a) + 1)
    whole = _log_choose(n_a + n_b, errors)
    logs = [_log_choose(n_a, k) + _log_choose(n_b, errors - k) - whole for k in places]
    bound = logs[errors_a - places.start] + log(SAME)
    return min(1.0, sum(exp(value) for value in logs if value <= bound))


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p, adjusted so that 5 % bounds the chance of any false alarm among all of them.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
