"""`realname evaluate --compare`: how it is said, and how the command ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.evaluate import NOT_EVALUATED, WORSE
from services.cli.main import application
from tests.evaluation_rows import DIED, a_report, attacks, customer
from workers.evaluation.report import encode


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


def test_the_command_says_what_was_not_judged_and_takes_the_users_word_for_what_is_the_same(tmp_path: Path) -> None:
    a, b = tmp_path / "A.json", tmp_path / "B.json"
    a.write_bytes(encode(a_report(tuple(customer(place) for place in range(30)))))
    b.write_bytes(encode(a_report(tuple(customer(place, **(DIED if place < 9 else {})) for place in range(30)), recordings="")))
    line = ["evaluate", "--compare", str(a), str(b), "--fail-if-worse"]
    told = CliRunner().invoke(application(), [*line, "--same"])
    assert told.exit_code == WORSE
    assert "30 presentations in both, 0 in one only" in told.output
    assert "of those in both, A did not judge 0, B 9" in told.output
    values = json.loads(CliRunner().invoke(application(), [*line, "--same", "--json"]).output)
    assert values["not_judged"] == {"a": 0, "b": 9}
    assert "--same" in CliRunner().invoke(application(), line).output


def test_what_is_no_report_is_said(files: tuple[str, str], tmp_path: Path) -> None:
    ended = CliRunner().invoke(application(), ["evaluate", "--compare", files[0], str(tmp_path / "none.json")])
    assert ended.exit_code == NOT_EVALUATED
    assert CliRunner().invoke(application(), ["evaluate"]).exit_code == NOT_EVALUATED
