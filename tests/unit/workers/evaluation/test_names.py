"""Names that an operator gave are shown as they are: no mathematics, no markup, no tag, and no box in place of a letter."""

from __future__ import annotations

import io
import re
import warnings
from html import unescape
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from services.cli.evaluate import PAGE, RATES, REPORT, write_all
from services.cli.evaluate_view import show_comparison, show_report
from tests.unit.workers.evaluation.test_compare import a_report, attacks
from workers.evaluation.compare import compare
from workers.evaluation.latency import Latency
from workers.evaluation.page import page_of
from workers.evaluation.plots import draw_rates
from workers.evaluation.rates import rate_of
from workers.evaluation.report import Report, Row, decode
from workers.evaluation.run import Evaluated
from workers.evaluation.wording import percent

ODD = (r"still $\frac$ x", "cost $5 or $6", "[/b]mask", "photo[print]", ":smile:", "--><script>x</script>", 'a & "b"', "面具")


def named(species: str, accepted: int = 1) -> Report:
    return a_report(tuple(msgspec.structs.replace(row, species=species) for row in attacks(accepted, 20)))


@pytest.mark.parametrize("species", ODD)
def test_a_species_is_shown_by_its_name_whatever_it_is(species: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = page_of(named(species), Latency())
    words = re.findall(r"<text[^>]*>([^<]*)</text>", page)
    assert f"{species}  (1/20)" in map(unescape, words), "in the plot, as text"
    assert f"<td>{species}</td>" in page.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&quot;", '"')
    assert "<script" not in page
    shown = io.StringIO()
    show_report(named(species), Latency(), Console(file=shown, width=200, highlight=False))
    show_comparison(compare(named(species), named(species, 15)), Console(file=shown, width=200, highlight=False))
    assert re.search(re.escape(species) + r" +APCER +1/20", shown.getvalue())
    assert f"attacks/{species}/IAPAR" in shown.getvalue()


def test_a_plot_leaves_room_for_letters_that_are_wider_than_they_measure() -> None:
    def starts_at(name: str) -> float:
        drawn = draw_rates([(name, rate_of(1, 10))], "x")
        return float(re.findall(r'<text style="[^"]*text-anchor: end[^"]*" x="([0-9.]+)"', drawn)[0])

    em = 9.0  # points, the labels' size
    assert starts_at("面具照片弯曲的打印件") - starts_at("") >= 10 * em


def test_a_page_that_cannot_be_drawn_takes_no_number_along(tmp_path: Path) -> None:
    """What is broken? The drawing. What must hold? The report and the rates are there, and no older page beside them."""
    (tmp_path / PAGE).write_text("of the run before")
    undrawable = Latency(total="no step")  # pyright: ignore[reportArgumentType]
    with pytest.raises(AttributeError):
        write_all(tmp_path, Evaluated(named("print"), undrawable))
    assert decode((tmp_path / REPORT).read_bytes(), "r") == named("print")
    assert (tmp_path / RATES).read_text().startswith("section,")
    assert not (tmp_path / PAGE).exists()


def test_a_rate_with_an_error_is_never_shown_as_one_without() -> None:
    assert percent(0.99996) == "99.996\N{NO-BREAK SPACE}%"
    assert percent(1.0) == "100\N{NO-BREAK SPACE}%"
    assert percent(0.9993) == "99.9\N{NO-BREAK SPACE}%"
    similar = [0.9] * 39_999 + [0.0]
    rows = (Row(id=str(n), kind="bona_fide", mated=True, scores={"similarity": value}) for n, value in enumerate(similar))
    assert "<td>0.9999</td>" in page_of(a_report(tuple(rows)), Latency())
