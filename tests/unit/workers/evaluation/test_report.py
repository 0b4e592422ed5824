"""A report as it is read: its file, its page, its CSV."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import msgspec

from services.cli.evaluate import rates_csv
from tests.evaluation_rows import a_report, attacks, pairs_of
from workers.evaluation.latency import Latency
from workers.evaluation.page import page_of
from workers.evaluation.rates import Rate, SumOfRates, rate_of
from workers.evaluation.report import (
    Folds,
    GroupRates,
    Histogram,
    MatchRates,
    OperatingPoint,
    Report,
    SpeciesRates,
    SystemRates,
    decode,
    encode,
)
from workers.evaluation.wording import all_rates, interval, percent

N = 10_000


def rate(errors: int) -> Rate:
    """One that no other rate of the report is like."""
    return rate_of(errors, N)


def total(errors: int) -> SumOfRates:
    return SumOfRates(errors / N, (errors - 1) / N, (errors + 1) / N)


def made() -> Report:
    """A report in which every rate has a numerator of its own: where two are mixed up, it shows."""
    system = SystemRates(
        species=(SpeciesRates("print", rate(1), rate(2), rate(3), total(4), rate(5), rate(6)),),
        apcer_worst=rate(7),
        iapar_worst=rate(8),
        riapar_worst=total(9),
        bpcer=rate(10),
        bpnrr=rate(11),
        frr=rate(12),
        far=rate(13),
        review=rate(14),
        fta=rate(15),
        fte=rate(16),
        attacks_fta=rate(17),
        attacks_fte=rate(18),
        worst_species={"APCER": "mask", "IAPAR": "print", "RIAPAR": "print, bound of mask"},
    )
    worth = msgspec.structs.replace(rate(20), worth=345.6)
    matching = MatchRates(
        of="pairs",
        mated=1,
        random=1,
        lookalike=0,
        points=(
            OperatingPoint("accept", 0.412, worth, rate(21), rate(22)),
            OperatingPoint("review", 0.338, rate(23), rate(24), rate(25)),
        ),
        det=(),
        histogram=Histogram(2, (0, 1), (1, 0), (0, 0)),
        folds=Folds(10, 0.985, 0.004, 0.31, 0.33, rate(26)),
        failed=rate(27),
    )
    groups = GroupRates(
        column="age",
        value="60+",
        of="presentations",
        apcer_worst=rate(30),
        bpcer=rate(31),
        bpnrr=rate(32),
        frr=rate(33),
        fnmr=rate(34),
        fmr=rate(35),
        apnrr_worst=rate(36),
        iapar_worst=rate(37),
        fta=rate(38),
        fte=rate(39),
    )
    return msgspec.structs.replace(a_report(), system=system, matching=(matching,), groups=(groups,))


PLACES = {
    "attacks/print/APCER": 1,
    "attacks/print/APNRR": 2,
    "attacks/print/IAPAR": 3,
    "attacks/print/RIAPAR": 4,
    "attacks/print/review": 5,
    "attacks/print/FAR of attacks": 6,
    "attacks, worst species/mask/APCER": 7,
    "attacks, worst species/print/IAPAR": 8,
    "attacks, worst species/print, bound of mask/RIAPAR": 9,
    "bona fide/BPCER": 10,
    "bona fide/BPNRR": 11,
    "bona fide/FRR": 12,
    "another's portrait/FAR": 13,
    "bona fide/review": 14,
    "capture/bona fide/FTA": 15,
    "capture/bona fide/FTE": 16,
    "capture/attacks/FTA": 17,
    "capture/attacks/FTE": 18,
    "matching, pairs of images/accept/FMR": 20,
    "matching, pairs of images/accept/FNMR": 21,
    "matching, pairs of images/accept/FMR look-alikes": 22,
    "matching, pairs of images/review/FMR": 23,
    "matching, pairs of images/review/FNMR": 24,
    "matching, pairs of images/review/FMR look-alikes": 25,
    "matching, pairs of images/folds/wrong": 26,
    "matching, pairs of images/not compared": 27,
    "group age, presentations/60+/APCER worst": 30,
    "group age, presentations/60+/BPCER": 31,
    "group age, presentations/60+/BPNRR": 32,
    "group age, presentations/60+/FRR": 33,
    "group age, presentations/60+/FNMR": 34,
    "group age, presentations/60+/FMR": 35,
    "group age, presentations/60+/APNRR worst": 36,
    "group age, presentations/60+/IAPAR worst": 37,
    "group age, presentations/60+/FTA": 38,
    "group age, presentations/60+/FTE": 39,
}


def test_every_rate_stands_at_its_own_address() -> None:
    assert {named.place: round((named.rate.value or 0) * N) for named in all_rates(made())} == PLACES


def test_every_line_of_the_csv_has_its_own_rate_and_limits() -> None:
    lines = list(csv.DictReader(io.StringIO(rates_csv(made()))))
    found = {"/".join(filter(None, (line["section"], line["of"], line["rate"]))): line for line in lines}
    assert {place: round(float(line["value"]) * N) for place, line in found.items()} == PLACES
    one = rate(1)
    assert found["attacks/print/APCER"] == {
        "section": "attacks",
        "of": "print",
        "rate": "APCER",
        "errors": "1",
        "n": "10000",
        "value": "0.0001",
        "low": f"{one.low:g}",
        "high": f"{one.high:g}",
        "upper_one_sided": f"{one.upper:g}",
        "worth_independent": "",
    }
    assert found["matching, pairs of images/accept/FMR"]["worth_independent"] == "345.6"
    sums = found["attacks/print/RIAPAR"]
    assert [sums[name] for name in ("errors", "n", "low", "high", "upper_one_sided")] == ["", "", "0.0003", "0.0005", ""]


def test_a_rate_that_was_not_measured_has_empty_cells_and_no_zero() -> None:
    lines = list(csv.DictReader(io.StringIO(rates_csv(a_report(attacks(1, 2))))))
    [bpcer] = [line for line in lines if line["rate"] == "BPCER"]
    assert (bpcer["errors"], bpcer["n"], bpcer["value"], bpcer["high"]) == ("0", "0", "", "")


class Page(HTMLParser):
    """cells: the text of each table, row by row. cards: of each card."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.cards: list[str] = []
        self._into: list[str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
            self._into = self.tables[-1][-1]
        elif tag == "div" and "card" in (dict(attrs).get("class") or "").split():
            self.cards.append("")
            self._into = self.cards

    def handle_endtag(self, tag: str) -> None:
        if tag in {"table", "div", "section"}:
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into:
            self._into[-1] += data + " "


def numerators(cells: list[str]) -> list[int | None]:
    """Of each cell, so many of N."""
    found = [re.search(r"\b(\d+)/10,000", cell) for cell in cells]
    return [None if one is None else int(one.group(1)) for one in found]


def test_every_cell_of_the_page_has_its_own_rate() -> None:
    page = Page(page_of(made(), Latency()))
    species, honest, points, groups, *_ = page.tables
    assert [cell.strip() for cell in species[0]] == [
        "species", "n", "APCER", "APNRR", "IAPAR", "RIAPAR", "review", "FAR of attacks",
    ]  # fmt: skip
    assert numerators(species[1]) == [None, None, 1, 2, 3, None, 5, 6]
    assert percent(4 / N) in species[1][5]
    assert numerators(species[2]) == [None, None, 7, None, 8, None, None, None]
    assert percent(9 / N) in species[2][5]
    assert [(row[0].strip(), *numerators(row[1:2])) for row in honest[1:]] == [
        ("BPCER", 10), ("BPNRR", 11), ("FRR", 12), ("review", 14), ("FAR", 13),
        ("FTA", 15), ("FTE", 16), ("FTA of attacks", 17), ("FTE of attacks", 18),
    ]  # fmt: skip
    assert [cell.strip() for cell in honest[1][2:5]] == [percent(10 / N), interval(rate(10)), percent(rate(10).upper)]
    assert [cell.strip() for cell in points[0]] == ["threshold", "similarity", "FMR", "FNMR", "TAR", "FMR of look-alikes"]
    assert [numerators(row) for row in points[1:]] == [[None, None, 20, 21, None, 22], [None, None, 23, 24, None, 25]]
    assert [row[4].strip() for row in points[1:]] == ["0.9979", "0.9976"]
    assert dict(zip((cell.strip() for cell in groups[0]), numerators(groups[1]), strict=True)) == {
        "group": None, "value": None, "of": None, "APCER worst": 30, "APNRR worst": 36, "IAPAR worst": 37, "BPCER": 31,
        "BPNRR": 32, "FRR": 33, "FTA": 38, "FTE": 39, "FNMR": 34, "FMR": 35,
    }  # fmt: skip


def test_the_first_numbers_of_the_page_are_those_they_say() -> None:
    cards = Page(page_of(made(), Latency())).cards
    assert [(re.sub(r" +", " ", card).split(" 0.")[0].strip(), *numerators([card])) for card in cards] == [
        ("APCER, worst species mask", 7),
        ("BPCER", 10),
        ("IAPAR, worst species print", 8),
        ("FRR, full system", 12),
        ("FMR at accept pairs of images", 20),
        ("FNMR at accept pairs of images", 21),
    ]


def test_what_the_folds_and_missing_faces_say_is_on_the_page() -> None:
    page = page_of(made(), Latency())
    assert "over 10 folds" in page
    assert "<b>0.9850</b>, standard deviation 0.0040; 26/10,000 wrong" in page
    assert "thresholds 0.310 to 0.330" in page
    assert "27/10,000" in page


def test_percent_keeps_three_digits_and_calls_nothing_zero() -> None:
    nbsp = "\N{NO-BREAK SPACE}"
    assert [percent(value) for value in (0.0, 0.0238, 1e-4, 2.5e-5, 1.0, None)] == [
        f"0{nbsp}%", f"2.38{nbsp}%", f"0.01{nbsp}%", "2.50e-05", f"100{nbsp}%", "not measured",
    ]  # fmt: skip


def test_page_and_csv_carry_the_reports_numbers_and_name_no_other_place() -> None:
    report = a_report(attacks(3, 40))
    page, rates = page_of(report, Latency()), rates_csv(report)
    assert "7.5\N{NO-BREAK SPACE}%" in page
    assert "3/40" in page
    assert "attacks,print,APCER,3,40,0.075," in rates
    assert "src=" not in page
    assert 'href="http' not in page
    assert page_of(report, Latency()) == page


def test_a_name_from_a_dataset_is_text_on_the_page() -> None:
    rows = tuple(msgspec.structs.replace(row, species="<script>") for row in attacks(0, 2))
    assert "<script>" not in page_of(a_report(rows), Latency())


def test_a_report_is_read_as_it_was_written() -> None:
    report = a_report(attacks(3, 40), pairs_of([0.3, 0.9]))
    assert decode(encode(report), "A.json") == report
