"""The schedule: Poisson by phase, operators by weight, the same for the same seed."""

from collections import Counter
from itertools import pairwise

import pytest

from bench.load.profile import Phase
from bench.load.schedule import TooMany, arrivals_of, spans_of

OPERATORS = ("north", "harbor", "summit")
PHASES = (
    Phase(name="slow", seconds=100, rate_hz=10),
    Phase(name="still", seconds=50, rate_hz=0),
    Phase(name="fast", seconds=100, rate_hz=50, weights={"north": 8}),
)


def test_each_phase_has_its_rate_and_nobody_comes_where_it_is_0():
    counts = Counter(each.phase for each in arrivals_of(PHASES, OPERATORS, seed=1))
    assert counts[0] == pytest.approx(1000, rel=0.15)
    assert counts[1] == 0
    assert counts[2] == pytest.approx(5000, rel=0.07)


def test_arrivals_are_in_order_and_each_lies_within_its_phase():
    arrivals = arrivals_of(PHASES, OPERATORS, seed=1)
    assert [each.at_s for each in arrivals] == sorted(each.at_s for each in arrivals)
    spans = spans_of(PHASES)
    assert spans == [(0, 100), (100, 150), (150, 250)]
    assert all(spans[each.phase][0] <= each.at_s < spans[each.phase][1] for each in arrivals)


def test_gaps_spread_as_an_exponentials_do():
    at_s = [each.at_s for each in arrivals_of(PHASES[2:], OPERATORS, seed=3)]
    gaps = [after - before for before, after in pairwise(at_s)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert variance**0.5 == pytest.approx(mean, rel=0.1)  # of an exponential: both alike; of an even spacing: 0


def test_operators_send_by_their_weights_and_one_without_has_1():
    fast = Counter(each.operator for each in arrivals_of(PHASES, OPERATORS, seed=1) if each.phase == 2)
    assert fast["north"] == pytest.approx(4000, rel=0.05)
    assert fast["harbor"] == pytest.approx(500, rel=0.2)


def test_a_seed_gives_the_same_arrivals_again_and_another_seed_others():
    again, other = (arrivals_of(PHASES, OPERATORS, seed=seed) for seed in (1, 2))
    assert again == arrivals_of(PHASES, OPERATORS, seed=1)
    assert other != again


def test_more_than_the_bound_is_refused_with_the_way_out():
    with pytest.raises(TooMany, match=r"more than 100 arrivals.*--count"):
        arrivals_of(PHASES, OPERATORS, seed=1, count_max=100)
