"""What the plots draw: their axes' numbers, not their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from realname.policy import load_policy
from workers.evaluation.plots import draw_det, draw_rates, figure_of_det, figure_of_histogram, figure_of_rates
from workers.evaluation.rates import Rate, rate_of
from workers.evaluation.report import DetPoint, Histogram, MatchRates, OperatingPoint
from workers.evaluation.scores import Scores, counts_of
from workers.evaluation.summary import match_rates

POLICY = load_policy("production")


def lines_of(figure: Figure | None) -> list[tuple[list[float], list[float]]]:
    assert figure is not None
    (panel,) = figure.axes
    return [(list(map(float, line.get_xdata())), list(map(float, line.get_ydata()))) for line in panel.lines]


def test_a_rate_is_a_dot_at_its_value_and_a_bar_over_its_interval_in_percent() -> None:
    one, other = rate_of(3, 50), rate_of(0, 20)
    figure = figure_of_rates([("one", one), ("nothing", Rate(0, 0)), ("other", other)], "APCER")
    bars, dots = lines_of(figure)[0::2], lines_of(figure)[1::2]
    assert bars == [([0.0, pytest.approx(100 * other.high)], [0, 0]), (pytest.approx([100 * one.low, 100 * one.high]), [1, 1])]
    assert dots == [([0.0], [0]), ([pytest.approx(6.0)], [1])]
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["other  (0/20)", "one  (3/50)"], "the first on top"
    assert figure.axes[0].get_xlabel() == "APCER"


def test_the_det_curve_has_false_matches_across_and_false_non_matches_up() -> None:
    point = OperatingPoint("accept", 0.5, rate_of(10, 1000), rate_of(30, 100), Rate(0, 0))
    curve = (DetPoint(-1, 1, 0), DetPoint(0.3, 0.1, 0.02), DetPoint(0.5, 0.01, 0.3), DetPoint(1, 0, 1))
    figure = figure_of_det([MatchRates("pairs", 100, 1000, 0, (point,), curve, Histogram(1, (0,), (0,), (0,)))], 1e-4)
    drawn, across, up, dot, accept = lines_of(figure)
    assert drawn == ([0.1, 0.01], [0.02, 0.3]), "a logarithm has no zero"
    assert across == ([point.fmr.low, point.fmr.high], [0.3, 0.3])
    assert up == ([0.01, 0.01], [point.fnmr.low, point.fnmr.high])
    assert dot == ([0.01], [0.3])
    assert accept[0] == [1e-4, 1e-4]
    (panel,) = figure.axes
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
    assert (panel.get_xlabel()[:4], panel.get_ylabel()[:4]) == ("FMR:", "FNMR")


def test_a_histogram_shows_shares_of_each_kind_and_both_thresholds() -> None:
    scores = Scores(mated=counts_of([0.71, 0.71, 0.75, 0.9]), random=counts_of([0.01, 0.01]))
    found = match_rates(scores, POLICY, of="pairs", failed=Rate(0, 0))
    assert found is not None
    figure = figure_of_histogram(found, 0.4, 0.3)
    (panel,) = figure.axes
    outlines = [np.asarray(patch.get_data().values) for patch in panel.patches]
    assert [outline.max() for outline in outlines[0::2]] == [0.5, 1.0], "mated, then random"
    assert [outline.sum() for outline in outlines] == pytest.approx([1.0] * 4)
    assert [xs for xs, _ in lines_of(figure)] == [[0.4, 0.4], [0.3, 0.3]]
    assert [text.get_text() for text in panel.get_legend().get_texts()][:2] == ["mated (4)", "non-mated, random (2)"]


def test_where_there_is_nothing_to_draw_nothing_is_drawn() -> None:
    assert draw_rates([("nothing", Rate(0, 0))], "x") == ""
    assert draw_det([], 1e-4) == ""
