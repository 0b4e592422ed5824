"""Two made reports: what differs by more than chance, how it is said, and how the command ends."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from realname.policy import load_policy
from realname.reasons import Reason
from services.cli.evaluate import NOT_EVALUATED, WORSE, rates_csv
from services.cli.main import application
from workers.evaluation.compare import Comparison, Difference, compare
from workers.evaluation.latency import Latency
from workers.evaluation.page import page_of
from workers.evaluation.rates import INTERVAL, Rate, rate_of
from workers.evaluation.report import DatasetFacts, PairRow, Report, Row, decode, encode
from workers.evaluation.run import policy_facts
from workers.evaluation.scores import Scores, counts_of
from workers.evaluation.summary import match_rates, presentation_scores, system_rates

POLICY = load_policy("development")


def a_report(rows: tuple[Row, ...] = (), pairs: tuple[PairRow, ...] = (), *, pairs_digest: str = "p") -> Report:
    matching = match_rates(presentation_scores(rows), POLICY, of="presentations", failed=Rate(0, 0))
    return Report(
        dataset=DatasetFacts("made", pairs_digest=pairs_digest),
        policy=policy_facts(POLICY),
        models={"embedder": "e"},
        interval=INTERVAL,
        system=system_rates(rows),
        matching=() if matching is None else (matching,),
        rows=rows,
        pairs=pairs,
    )


def attacks(accepted: int, n: int, *, first: int = 0, kind="attack") -> tuple[Row, ...]:
    """`accepted` of n attacks get through; ids from `first` on."""
    return tuple(
        Row(
            id=f"a{first + place}",
            kind=kind,
            species="print" if kind else None,
            mated=True if kind else None,
            verdict="approved" if place < accepted else "refused",
            reasons=(Reason.ALL_CHECKS_PASSED if place < accepted else Reason.PRESENTATION_ATTACK,),
            pad="let_through" if place < accepted else "stopped",
            acquired=True,
        )
        for place in range(n)
    )


def found_in(found: Comparison, place: str) -> Difference:
    return next(one for one in found.differences if one.place == place)


def test_the_same_presentations_are_paired() -> None:
    one = found_in(compare(a_report(attacks(0, 30)), a_report(attacks(9, 30))), "attacks/print/IAPAR")
    assert (one.test, one.only_a, one.only_b, one.worse) == ("McNemar", 0, 9, True)
    assert one.is_significant
    assert one.p == pytest.approx(2 * 2 / 2**9), "two rates were tested, so Holm doubles the lower p"


def test_other_presentations_are_independent_samples() -> None:
    found = compare(a_report(attacks(0, 30)), a_report(attacks(9, 30, first=100)))
    one = found_in(found, "attacks/print/APCER")
    assert (one.test, one.a, one.b) == ("Fisher", rate_of(0, 30), rate_of(9, 30))
    assert one.is_significant
    assert (found.common, found.left_out) == (0, 60)
    assert any("independent samples" in remark for remark in found.remarks)


def test_chance_is_called_chance() -> None:
    found = compare(a_report(attacks(0, 30)), a_report(attacks(2, 30)))
    assert not any(one.is_significant for one in found.differences)
    assert not found.is_worse


def test_only_what_both_have_is_paired() -> None:
    one = found_in(compare(a_report(attacks(0, 30)), a_report(attacks(9, 40, first=-10))), "attacks/print/IAPAR")
    assert (one.a.n, one.b.n) == (30, 30)


def test_changed_verdicts_are_listed_by_id_and_say_for_whom() -> None:
    found = compare(a_report(attacks(1, 3)), a_report((*attacks(0, 2), *attacks(1, 1, first=2))))
    assert [(change.id, change.a, change.b, change.for_worse) for change in found.changes] == [
        ("a0", "approved", "refused", False),
        ("a2", "refused", "approved", True),
    ]


def test_decisions_without_a_truth_are_compared_by_their_verdicts() -> None:
    found = compare(a_report(attacks(10, 30, kind=None)), a_report(attacks(25, 30, kind=None)))
    approved = found_in(found, "unlabelled/approved")
    assert approved.is_significant
    assert approved.worse is None
    assert not found.is_worse
    assert {change.for_worse for change in found.changes} == {None}


def pairs_of(similarities: list[float]) -> tuple[PairRow, ...]:
    return tuple(PairRow(number, mated=True, similarity=value) for number, value in enumerate(similarities))


def test_pairs_of_the_same_list_are_paired_and_others_are_not() -> None:
    a, b = pairs_of([0.8] * 20), pairs_of([0.8] * 10 + [0.2] * 10)
    assert found_in(compare(a_report(pairs=a), a_report(pairs=b)), "pairs/accept/FNMR").test == "McNemar"
    other = compare(a_report(pairs=a), a_report(pairs=b, pairs_digest="q"))
    assert found_in(other, "pairs/accept/FNMR").test == "Fisher"
    assert "the lists of pairs differ" in " ".join(other.remarks)


def test_all_pairs_are_compared_by_their_counts() -> None:
    def everyone(similar: int) -> Report:
        scores = Scores(mated=counts_of([0.9] * 10), random=counts_of([0.5] * similar + [0.0] * 10_000))
        matching = match_rates(scores, POLICY, of="all_pairs", failed=rate_of(0, 10))
        return msgspec.structs.replace(a_report(), matching=(matching,))

    found = compare(everyone(1), everyone(40))
    assert found_in(found, "all pairs/accept/FMR").is_significant
    assert found.is_worse


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    a, b = tmp_path / "A.json", tmp_path / "B.json"
    a.write_bytes(encode(a_report(attacks(0, 30))))
    b.write_bytes(encode(a_report(attacks(9, 30))))
    return str(a), str(b)


def test_the_command_ends_by_what_got_worse(files: tuple[str, str]) -> None:
    a, b = files
    run = CliRunner().invoke
    assert run(application(), ["evaluate", "--compare", a, b]).exit_code == 0
    worse = run(application(), ["evaluate", "--compare", a, b, "--fail-if-worse"])
    assert worse.exit_code == WORSE
    assert "WORSE" in worse.output
    assert "a0: refused, presentation_attack -> approved, all_checks_passed" in worse.output
    assert run(application(), ["evaluate", "--compare", b, a, "--fail-if-worse"]).exit_code == 0
    values = json.loads(run(application(), ["evaluate", "--compare", a, b, "--json"]).output)
    assert (values["is_worse"], len(values["changes"])) == (True, 9)


def test_what_is_no_report_is_said(files: tuple[str, str], tmp_path: Path) -> None:
    ended = CliRunner().invoke(application(), ["evaluate", "--compare", files[0], str(tmp_path / "none.json")])
    assert ended.exit_code == NOT_EVALUATED
    assert CliRunner().invoke(application(), ["evaluate"]).exit_code == NOT_EVALUATED


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
