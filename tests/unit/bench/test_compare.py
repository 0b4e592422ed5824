from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console

from bench.compare import compared, results_in, show
from bench.result import Machine, Ratio, Result, ratio_of, write
from bench.tables import BEGIN, END, table_of, with_table

MACHINE = Machine(cpu="A processor", cores=2, system="Linux x86_64", python="3.11.7")


def result(name: str = "floor", **ratios: Ratio) -> Result:
    at = datetime(2026, 11, 28, tzinfo=UTC)
    return Result(name=name, command=f"python -m bench.{name}", taken_at=at, machine=MACHINE, ratios=ratios)


def ratio(value: float, better: Literal["less", "more"] = "less", *, noise: float = 0.1) -> Ratio:
    return Ratio(value=value, better=better, noise=noise)


def changes(before: Result, now: Result) -> dict[str, str]:
    return {row.ratio: row.change for row in compared({before.name: before}, {now.name: now})}


def test_a_ratio_that_grew_by_more_than_its_noise_is_worse_where_less_is_better():
    assert changes(result(cost=ratio(1.0)), result(cost=ratio(1.2))) == {"cost": "worse"}
    assert changes(result(cost=ratio(1.0)), result(cost=ratio(1.05))) == {"cost": "as before"}
    assert changes(result(cost=ratio(1.0)), result(cost=ratio(0.8))) == {"cost": "better"}


def test_where_more_is_better_it_is_the_other_way_round():
    assert changes(result(gain=ratio(5.0, "more")), result(gain=ratio(4.0, "more"))) == {"gain": "worse"}
    assert changes(result(gain=ratio(5.0, "more")), result(gain=ratio(6.0, "more"))) == {"gain": "better"}


@pytest.mark.parametrize(
    ("value", "better", "least", "most", "change"),
    [
        (1.15, "less", 0.9, 1.5, "as before"),
        (1.15, "less", 1.0, 1.5, "as before"),
        (1.15, "less", 1.1, 1.5, "worse"),
        (1.25, "less", 0.9, 1.5, "worse"),
        (0.85, "more", 0.8, 1.0, "as before"),
        (0.85, "more", 0.8, 0.9, "worse"),
        (0.85, "less", 0.8, 1.1, "as before"),
        (0.75, "less", 0.7, 1.1, "better"),
    ],
)
def test_where_repetitions_reach_the_committed_value_it_takes_twice_the_noise(value, better, least, most, change):
    now = Ratio(value=value, better=better, least=least, most=most)
    assert changes(result(cost=ratio(1.0, better)), result(cost=now)) == {"cost": change}


def test_from_nothing_a_ratio_gets_worse_as_well():
    assert changes(result(cost=ratio(0.0)), result(cost=ratio(0.5))) == {"cost": "worse"}
    assert changes(result(cost=ratio(0.0)), result(cost=ratio(0.0))) == {"cost": "as before"}


def test_a_ratio_that_is_gone_is_named_and_a_new_one_is_welcome():
    assert changes(result(old=ratio(1.0)), result(young=ratio(1.0))) == {"old": "gone", "young": "new"}


def test_what_a_benchmark_leaves_beside_its_result_is_none(tmp_path: Path):
    write(result(cost=ratio(1.0)), tmp_path)
    (tmp_path / "floor.course.json").write_text("[]")
    assert results_in(tmp_path).keys() == {"floor"}


def test_a_benchmark_that_did_not_run_is_no_regression():
    assert compared({"floor": result(cost=ratio(1.0))}, {}) == []


def test_what_got_worse_is_said_by_name_and_ends_with_one():
    said = io.StringIO()
    rows = compared({"floor": result(cost=ratio(1.0), gain=ratio(2.0))}, {"floor": result(cost=ratio(1.5), gain=ratio(2.0))})
    assert show(Console(file=said, width=120), rows) == 1
    assert "worse: cost of floor, 1.00 before, 1.50 now" in said.getvalue()


def test_results_are_read_back_as_they_were_written_but_for_digits_that_are_noise(tmp_path: Path):
    kept = result(cost=ratio_of([1.00004, 1.2, 0.9], "less", goal=1.15))
    write(kept, tmp_path)
    read = results_in(tmp_path)["floor"]
    assert read.ratios["cost"].value == 1.0
    assert (read.ratios["cost"].least, read.ratios["cost"].most, read.ratios["cost"].goal) == (0.9, 1.2, 1.15)
    assert (read.command, read.machine, read.taken_at) == (kept.command, kept.machine, kept.taken_at)


def test_the_table_tells_the_ratio_its_goal_the_command_the_date_and_the_machine():
    row = table_of([result(check_over_floor=Ratio(value=1.24, better="less", least=1.1, most=1.4, goal=1.15))]).splitlines()[2]
    assert row == (
        "| floor: check over floor | 1.24 | 1.10 to 1.40 | <= 1.15 | `python -m bench.floor` | 2026-11-28, A processor, 2 cores |"
    )


def test_the_table_stands_between_its_marks_and_nothing_else_is_touched():
    readme = f"above\n{BEGIN}\nan old table\n{END}\nbelow\n"
    assert with_table(readme, "a new one") == f"above\n{BEGIN}\na new one\n{END}\nbelow\n"
    with pytest.raises(ValueError, match="bench: begin"):
        with_table("no marks", "a table")
