"""The command line's own parts: its page, commands that are not there, how status is shown."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from deploy.local.status import Lag, ProcessLine, Queues, Report, own_lags
from realname.errors import RealnameError
from services.cli.main import COMMANDS, Command, application, load
from services.cli.stack_table import as_json, show, span

REPORT = Report(
    "/srv/.realname",
    running=True,
    processes=(
        ProcessLine("kafka", "RUNNING", 41, 19092, 3725.0, ready=True, note="pid 41"),
        ProcessLine("worker", "BACKOFF", 0, 18083, 0.0, ready=False, note="Exited too quickly"),
    ),
    lags=(Lag("dispatcher", "registrations.submitted", {0: 3, 1: None, 2: 4}),),
    queues=Queues({"liveness": 2, "matching": 0}, 5),
)


def test_the_page_names_every_command() -> None:
    page = CliRunner().invoke(application(), ["--help"]).output
    assert [command.name for command in COMMANDS if f" {command.name} " not in page] == []
    assert "A first session" in page


def test_a_command_gets_the_rest_of_its_line_as_it_is() -> None:
    page = CliRunner().invoke(application(), ["up", "--help"])
    assert page.exit_code == 0
    assert "--ports-from" in page.output


def test_a_command_that_is_not_there_breaks_no_other() -> None:
    with pytest.raises(RealnameError, match="this installation has no `absent`"):
        load(Command("absent", "services.cli.absent:command", "", ""))


def test_status_shows_who_is_not_ready_and_why() -> None:
    console = Console(width=120, file=io.StringIO())
    with console.capture() as captured:
        show(REPORT, console)
    text = captured.get()
    assert "worker: Exited too quickly; see /srv/.realname/log/worker.log" in text
    assert "1 h 2 min" in text
    assert "3 - 4" in text
    assert "liveness 2, matching 0; held by workers: 5" in text


def test_status_for_programs_carries_totals() -> None:
    body = json.loads(as_json(REPORT))
    assert body["all_ready"] is False
    assert body["lags"][0]["total"] == 7
    assert body["lags"][0]["partitions"] == {"0": 3, "1": None, "2": 4}
    assert body["queues"] == {"waiting": {"liveness": 2, "matching": 0}, "unacked": 5}


def test_the_projectors_lag_is_what_it_says_of_itself() -> None:
    page = """# HELP realname_consumer_lag_records Records behind the end of the partition
# TYPE realname_consumer_lag_records gauge
realname_consumer_lag_records{partition="0",topic="registrations.decided"} 2.0
realname_consumer_lag_records{partition="1",topic="registrations.decided"} 5.0
# TYPE realname_partitions_stopped gauge
realname_partitions_stopped 1.0
"""
    (lag,) = own_lags("projector", page)
    assert (lag.topic, lag.partitions, lag.total) == ("registrations.decided", {0: 2, 1: 5}, 7)
    assert own_lags("projector", "") == ()


def test_status_of_no_stack_says_so_to_programs_too() -> None:
    body = json.loads(as_json(Report.of_nothing("none runs")))
    assert (body["running"], body["said"], body["lags"]) == (False, "none runs", None)


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (349_300, "4 d 1 h")])
def test_a_span_is_shown_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert span(seconds) == shown
