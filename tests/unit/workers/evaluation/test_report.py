"""A report as it is read: its file, its page, its CSV."""

from __future__ import annotations

import msgspec

from services.cli.evaluate import rates_csv
from tests.evaluation_rows import a_report, attacks, pairs_of
from workers.evaluation.latency import Latency
from workers.evaluation.page import page_of
from workers.evaluation.report import decode, encode


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
