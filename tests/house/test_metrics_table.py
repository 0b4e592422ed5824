"""One table of metrics: every name that the code uses stands in it, and every row is used."""

import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from realname.metrics import TABLE, Metrics

ROOT = Path(__file__).resolve().parents[2]
CALL = re.compile(r"\.(count|observe|gauge|shift|forget)\(\s*\"(realname_[a-z_]+)\"")
NAMED = re.compile(r"\"(realname_[a-z_]+)\"")


def calls() -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for package in ("workers", "services"):
        for path in (ROOT / package).rglob("*.py"):
            found += [(str(path.relative_to(ROOT)), verb, name) for verb, name in CALL.findall(path.read_text("utf-8"))]
    return found


def test_every_metric_that_is_used_stands_in_the_table() -> None:
    declared = {row.name for row in TABLE}
    assert not {name for _, _, name in calls()} - declared


def test_every_row_of_the_table_is_used() -> None:
    used: set[str] = set()
    for package in ("workers", "services"):
        for path in (ROOT / package).rglob("*.py"):
            used |= set(NAMED.findall(path.read_text("utf-8")))
    assert not {row.name for row in TABLE} - used


def test_each_verb_fits_the_kind_of_its_metric() -> None:
    kinds = {row.name: row.kind for row in TABLE}
    fitting = {"count": "counter", "observe": "histogram", "gauge": "gauge", "shift": "gauge", "forget": "gauge"}
    assert not [(where, verb, name) for where, verb, name in calls() if kinds.get(name) != fitting[verb]]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_names_units_and_labels_follow_the_house(row) -> None:
    assert re.fullmatch(r"realname_[a-z]+(_[a-z]+)*", row.name)
    assert not row.name.endswith("_total"), "the client adds it"
    assert not {"id", "store", "terminal", "registration_id", "error_text"} & set(row.labels)
    assert bool(row.buckets) == (row.kind == "histogram")
    assert list(row.buckets) == sorted(set(row.buckets))


def test_each_process_exposes_its_rows_and_no_others() -> None:
    for process in ("intake", "dispatcher", "worker", "projector", "janitor"):
        exposed = set(re.findall(r"# TYPE (realname_[a-z_]+) ", generate_latest(Metrics(process).registry).decode()))
        expected = {row.name + ("_total" if row.kind == "counter" else "") for row in TABLE if process in row.processes}
        assert {name for name in exposed if not name.endswith("_created")} == expected
