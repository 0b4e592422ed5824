"""Pure: an error rate with its n and its interval, and how many presentations a claim needs.

Every rate of a report is a `Rate`. Its interval is Clopper-Pearson's, 95 %, two-sided: exact, and never too narrow.
Source: Clopper and Pearson 1934, Biometrika 26, 404-413; ISO/IEC 19795-1:2021 names it for error rates.
Presentations are taken as independent. Where one person or one artefact made several, the truth is wider.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, lgamma, log, log1p

from msgspec import Struct
from msgspec.structs import replace

CONFIDENCE = 0.95
INTERVAL = "Clopper-Pearson, 95 %, two-sided"
DIGITS = 6  # significant, of what is written: more would only be noise in a diff

_STEPS_MAX = 200_000  # of the continued fraction; it needs about the root of n
_CLOSE = 1e-14
_TINY = 1e-300
_BISECTIONS = 200
_N_MAX = 10**9  # presentations, past which a claim is not one


class Rate(Struct, frozen=True, forbid_unknown_fields=True):
    """So many errors in n.

    value:     errors / n; None, as all that follows, where n is 0: not measured.
    low, high: the 95 % interval, two-sided.
    upper:     95 % one-sided: "below this" may be claimed. Lower than `high`, which leaves 2.5 % on each side.
    worth:     how many independent comparisons the intervals are for, where the n share people (by_person.py); None: n.
    """

    errors: int
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    upper: float | None = None
    worth: float | None = None

    @property
    def is_measured(self) -> bool:
        """Whether there was anything to measure it on."""
        return self.n > 0


class SumOfRates(Struct, frozen=True, forbid_unknown_fields=True):
    """Two rates of different presentations, added, as RIAPAR is; None where either was not measured.

    low, high: each part's interval drawn at 97.5 %, added. By Bonferroni's inequality the sum covers at least 95 %.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


def rate_of(errors: int, n: int) -> Rate:
    """The rate with its intervals. 0 <= errors <= n."""
    assert 0 <= errors <= n, (errors, n)
    if n == 0:
        return Rate(0, 0)
    low, high = clopper_pearson(errors, n)
    return Rate(errors, n, short(errors / n), short(low), short(high), short(upper_bound(errors, n)))


def share_of(outcomes: Iterable[bool]) -> Rate:
    """The rate of True."""
    found = list(outcomes)
    return rate_of(sum(found), len(found))


def sum_of(one: Rate, other: Rate) -> SumOfRates:
    """Both rates added."""
    if one.value is None or other.value is None:
        return SumOfRates()
    half = 1 - (1 - CONFIDENCE) / 2
    lows, highs = zip(*(clopper_pearson(rate.errors, rate.n, half) for rate in (one, other)), strict=True)
    exact = one.errors / one.n + other.errors / other.n
    return SumOfRates(short(exact), short(sum(lows)), short(min(2.0, sum(highs))))


def worst_of(rates: Iterable[Rate]) -> Rate:
    """The highest value, below the highest bounds: never a mean, an attacker takes the best species.

    The bounds may be of another rate, one that few presentations say little of. Where one was not measured at all, nothing
    bounds the worst, so neither was that.
    """
    found = list(rates)
    if not found or not all(rate.is_measured for rate in found):
        return Rate(0, 0)
    highs, uppers = [rate.high or 0.0 for rate in found], [rate.upper or 0.0 for rate in found]
    return replace(max(found, key=height_of), high=max(highs), upper=max(uppers))


def worst_sum_of(rates: Iterable[SumOfRates]) -> SumOfRates:
    """The same of sums."""
    found = list(rates)
    if not found or any(rate.value is None for rate in found):
        return SumOfRates()
    return replace(max(found, key=height_of), high=max(rate.high or 0.0 for rate in found))


def height_of(rate: Rate | SumOfRates) -> tuple[float, float]:
    """How bad it is: by its value, of equal ones by its bound. One that was not measured is below all."""
    return (-1.0, -1.0) if rate.value is None else (rate.value, rate.high or 0.0)


def clopper_pearson(errors: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Lower and upper limit, two-sided. n >= 1."""
    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else beta_quantile(tail, errors, n - errors + 1)
    high = 1.0 if errors == n else beta_quantile(1 - tail, errors + 1, n - errors)
    return low, high


def upper_bound(errors: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided: with this confidence the true rate lies below. For no errors about 3 / n, the rule of three."""
    return 1.0 if errors == n else beta_quantile(confidence, errors + 1, n - errors)


def presentations_needed(rate: float, errors: int = 0, confidence: float = CONFIDENCE) -> int:
    """The fewest presentations, with so many errors among them, whose one-sided upper bound is at most `rate`.

    0 < rate < 1. Without errors (1 - rate)^n <= 1 - confidence: 42 for 7 %, 29,956 for 1e-4.
    """
    assert 0 < rate < 1, rate
    if errors == 0:
        return _ceil(log(1 - confidence) / log1p(-rate))
    low, high = errors, errors + 1
    while upper_bound(errors, high, confidence) > rate:
        low, high = high, high * 2
        assert high < _N_MAX, "no such claim can be made"
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if upper_bound(errors, middle, confidence) > rate else (low, middle)
    return high


def beta_quantile(share: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = share, by bisection, to 12 digits. 0 < share < 1."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if incomplete_beta(middle, a, b) < share:
            low = middle
        else:
            high = middle
        if high - low <= 1e-13 * high:
            break
    return (low + high) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), 0..1.

    Source: the continued fraction DLMF 8.17.22 and the symmetry 8.17.4, evaluated by Lentz's way (Thompson and
    Barnett 1986).
    """
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)), with d of DLMF 8.17.23. The function is front / this."""
    value, upper, lower = 1.0, 1.0, 0.0
    for step in range(1, _STEPS_MAX):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1.0 / _away_from_zero(1.0 + term * lower)
        upper = _away_from_zero(1.0 + term / upper)
        change = upper * lower
        value *= change
        if abs(change - 1.0) < _CLOSE:
            return value
    raise ArithmeticError("the continued fraction of the incomplete beta function did not converge")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _ceil(value: float) -> int:
    """Rounded up, but for what only a rounding error lifted above a whole number."""
    return -int(-(value - 1e-9) // 1)


def short(value: float) -> float:
    """As it is written."""
    return float(f"{value:.{DIGITS}g}")
