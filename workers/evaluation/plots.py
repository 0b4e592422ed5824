"""Draws an evaluation as SVG: error rates with their intervals, the DET curve, histograms. The door to matplotlib here."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (matplotlib's stubs leave most of its keyword arguments untyped)

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from workers.evaluation.rates import Rate
from workers.evaluation.report import Histogram, MatchRates

WIDTH = 7.2  # inches; the page scales it to its column
MATED, RANDOM, ALIKE, LIMIT, INK = "#2e7d5b", "#8a5a9e", "#c2751a", "#b03a2e", "#1f2933"  # told apart in gray print, too
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_ROW_INCHES = 0.34
_FONT_POINTS, _POINTS_PER_INCH = 9, 72
_WIDE_LACKS_EM = 0.4  # a wide letter is 1 em, the box that is measured in its place 0.6
_ROOM_MAX = 0.4  # of the picture
_STYLE: Any = {
    "svg.hashsalt": "realname",  # the same figure gives the same bytes
    "svg.fonttype": "none",  # text stays text: in the page's fonts, which have the letters that matplotlib's lack
    "font.size": _FONT_POINTS,
    "axes.edgecolor": "#9aa5b1",
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_rates(rates: Sequence[tuple[str, Rate]], label: str) -> str:
    """As figure_of_rates, as SVG; empty where it is None. So are the two below."""
    return _svg(figure_of_rates(rates, label))


def draw_det(matching: Sequence[MatchRates], accept_fmr: float) -> str:
    """As figure_of_det."""
    return _svg(figure_of_det(matching, accept_fmr))


def draw_histogram(found: MatchRates, accept_min: float, review_min: float) -> str:
    """As figure_of_histogram."""
    return _svg(figure_of_histogram(found, accept_min, review_min))


def figure_of_rates(rates: Sequence[tuple[str, Rate]], label: str) -> Figure | None:
    """One line a rate: a dot at its value, a bar over its interval. Rates without a value are left out; None if all are."""
    known = [(name, rate) for name, rate in rates if rate.value is not None]
    if not known:
        return None
    with mpl.rc_context(_STYLE):
        figure, panel = _figure(0.9 + _ROW_INCHES * len(known))
        for place, (_, rate) in enumerate(reversed(known)):
            value, low, high = (100 * (part or 0.0) for part in (rate.value, rate.low, rate.high))
            panel.plot([low, high], [place, place], color=INK, linewidth=4, alpha=0.25, solid_capstyle="butt")
            panel.plot([value], [place], "o", color=LIMIT if rate.errors else MATED, markersize=6)
        labels = [f"{name}  ({rate.errors}/{rate.n})" for name, rate in reversed(known)]
        panel.set_yticks(range(len(known)), labels, parse_math=False)  # a name is never mathematics
        _make_room(figure, labels)
        panel.set_ylim(-0.6, len(known) - 0.4)
        panel.set_xlim(left=-0.5)
        panel.set_xlabel(label)
        panel.grid(visible=True, axis="x", alpha=0.3)
        return figure


def figure_of_det(matching: Sequence[MatchRates], accept_fmr: float) -> Figure | None:
    """FNMR over FMR, both logarithmic; lower left is better. Dots: the operating points, with their intervals.

    None where no threshold makes both errors: there is no curve then.
    """
    curves = [(found, [point for point in found.det if point.fmr > 0 and point.fnmr > 0]) for found in matching]
    drawn = [(found, curve) for found, curve in curves if len(curve) > 1]  # a logarithm has no zero
    if not drawn:
        return None
    with mpl.rc_context(_STYLE):
        figure, panel = _figure(4.2)
        for (found, curve), colour in zip(drawn, (MATED, RANDOM, ALIKE), strict=False):
            name = f"{_NAMES[found.of]}: {found.mated:,} mated, {found.random:,} non-mated"
            panel.step(
                [point.fmr for point in curve],
                [point.fnmr for point in curve],
                where="post",
                color=colour,
                label=name,
                linewidth=1.6,
            )
            _whiskers(panel, found, colour)
        panel.axvline(
            accept_fmr, color=LIMIT, linewidth=1, linestyle="--", label=f"accept: FMR {accept_fmr:g} by the calibration"
        )
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlabel("FMR: non-mated comparisons that match")
        panel.set_ylabel("FNMR: mated ones that do not")
        panel.grid(visible=True, which="both", alpha=0.2)
        panel.legend(frameon=False, fontsize=8, loc="lower left")
        return figure


def figure_of_histogram(found: MatchRates, accept_min: float, review_min: float) -> Figure:
    """Shares of the similarities of each kind, with the policy's thresholds."""
    with mpl.rc_context(_STYLE):
        figure, panel = _figure(3.2)
        kinds = (
            ("mated", found.histogram.mated, MATED),
            ("non-mated, random", found.histogram.random, RANDOM),
            ("look-alikes", found.histogram.lookalike, ALIKE),
        )
        edges = np.linspace(-1, 1, found.histogram.bins + 1)
        for name, counts, colour in kinds:
            total = sum(counts)
            if total:
                shares = np.array(counts) / total
                panel.stairs(shares, edges, color=colour, fill=True, alpha=0.28)
                panel.stairs(shares, edges, color=colour, linewidth=1.4, label=f"{name} ({total:,})")
        panel.axvline(accept_min, color=LIMIT, linewidth=1.2, label=f"accept from {accept_min:.3f}")
        panel.axvline(review_min, color=LIMIT, linewidth=1.2, linestyle=":", label=f"review from {review_min:.3f}")
        panel.set_xlim(*_span(found.histogram))
        panel.set_xlabel("similarity")
        panel.set_ylabel("share of comparisons")
        panel.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure


_NAMES = {"presentations": "portrait and clip", "pairs": "listed pairs", "all_pairs": "all images with all"}


def _whiskers(panel: Axes, found: MatchRates, colour: str) -> None:
    """Intervals of the points that were read off, where both rates are above zero: a logarithm has no zero."""
    for point in found.points:
        fmr, fnmr = point.fmr, point.fnmr
        if fmr.value and fnmr.value and fmr.low and fnmr.low:
            panel.plot([fmr.low, fmr.high or 1], [fnmr.value] * 2, color=colour, linewidth=3, alpha=0.3)
            panel.plot([fmr.value] * 2, [fnmr.low, fnmr.high or 1], color=colour, linewidth=3, alpha=0.3)
            panel.plot([fmr.value], [fnmr.value], "o", color=colour, markersize=4)


def _span(histogram: Histogram) -> tuple[float, float]:
    """Where there is anything, and a little more."""
    used = [
        place for place in range(histogram.bins) if histogram.mated[place] + histogram.random[place] + histogram.lookalike[place]
    ]
    width = 2 / histogram.bins
    return (-1 + width * (used[0] - 3), -1 + width * (used[-1] + 4)) if used else (-1.0, 1.0)


def _make_room(figure: Figure, labels: Sequence[str]) -> None:
    """Left of labels with wide letters: layout measures them in matplotlib's own font, where each is narrower."""
    wide = max(sum(unicodedata.east_asian_width(letter) in "WF" for letter in label) for label in labels)
    share = min(_ROOM_MAX, wide * _WIDE_LACKS_EM * _FONT_POINTS / _POINTS_PER_INCH / WIDTH)
    layout = figure.get_layout_engine()
    assert isinstance(layout, ConstrainedLayoutEngine)
    layout.set(rect=(share, 0, 1 - share, 1))


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplots()


def _svg(figure: Figure | None) -> str:
    """The element alone, to stand in a page: no declaration, nothing that names another place."""
    if figure is None:
        return ""
    out = io.StringIO()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # it is the page's font that shows them
        figure.savefig(out, format="svg", metadata=NO_METADATA)
    element = out.getvalue()
    element = element[element.index("<svg") :]
    return re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
