"""The supervised stack: real Kafka and Valkey under the real supervisor, with stand-ins for our own services."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer

from deploy.local.errors import NotReady, PortTaken, StackError
from deploy.local.layout import Stack, ports_from, recorded, stack_of
from deploy.local.ports import LOOPBACK, free_run
from deploy.local.processes import NAMES, SERVICES
from deploy.local.status import report_of
from deploy.local.supervision import Supervision, leftovers
from deploy.local.up import bring_up, check_ports, take_down
from deploy.local.valkey import answers_ping
from realname.topics import DISPATCHER_GROUP, SUBMITTED
from tests.eventually import eventually

STAND_INS = tuple(service._replace(module="tests.integration.stand_in") for service in SERVICES)
PORTS = len(ports_from(20000, {}))


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack of this test's own; whatever of it still runs at the end is ended."""
    made = stack_of(tmp_path / "state", ports_from(free_run(PORTS), {}), {})
    yield made
    take_down(made, quiet)


def test_a_second_start_finds_its_data_again(stack: Stack) -> None:
    said: list[str] = []
    bring_up(stack, os.environ, said.append, services=STAND_INS)
    assert {line.split()[0] for line in said if " ready after " in line} == set(NAMES)
    keys = {path.name: path.read_bytes() for path in stack.keys.iterdir()}
    send(stack, 3)

    assert take_down(stack, quiet)
    check_ports(stack)
    bring_up(stack, os.environ, quiet, services=STAND_INS)

    report = report_of(recorded(Path(stack.state)))
    assert report.all_ready
    assert report.lags is not None
    assert {(lag.group, lag.topic): lag.total for lag in report.lags} == {(DISPATCHER_GROUP, SUBMITTED): 3}
    assert report.queues is not None
    assert set(report.queues.waiting.values()) == {0}
    assert {path.name: path.read_bytes() for path in stack.keys.iterdir()} == keys


def test_what_ends_is_started_again_and_a_second_start_is_refused(stack: Stack) -> None:
    supervision = bring_up(stack, os.environ, quiet, services=STAND_INS)
    with pytest.raises(StackError, match="already runs"):
        bring_up(stack, os.environ, quiet, services=STAND_INS)

    before = supervision.states()["dispatcher-0"]
    eventually(lambda: supervision.states()["dispatcher-0"].state == "RUNNING", within_s=10)
    os.kill(before.pid, signal.SIGKILL)
    eventually(lambda: supervision.states()["dispatcher-0"].pid not in {0, before.pid}, within_s=10)


def test_a_killed_supervisor_leaves_nothing_that_the_next_up_or_down_does_not_end(stack: Stack) -> None:
    first = bring_up(stack, os.environ, quiet, services=STAND_INS).states()
    kill_supervisor(stack)
    assert set(leftovers(stack).values()) == set(NAMES)

    said: list[str] = []
    # its pid file and its socket still lie there, and kafka was not stopped cleanly
    again = bring_up(stack, os.environ, said.append, services=STAND_INS).states()
    assert "left behind" in said[0]
    assert not {state.pid for state in again.values()} & {state.pid for state in first.values()}

    kill_supervisor(stack)
    assert take_down(stack, quiet)
    assert not leftovers(stack)
    check_ports(stack)
    assert not take_down(stack, quiet)


def test_a_process_that_keeps_ending_is_named_with_its_last_words(stack: Stack) -> None:
    environment = {**os.environ, "STAND_IN_BREAKS": "1"}
    with pytest.raises(NotReady, match=r"(?s)dispatcher-1 keeps ending.*broken on purpose"):
        bring_up(stack, environment, quiet, services=STAND_INS)
    assert not Supervision(stack).is_answering()
    assert not leftovers(stack)
    check_ports(stack)


@pytest.mark.parametrize("moment", ["kafka", "topics"])
def test_a_start_that_is_broken_off_leaves_nothing_running(stack: Stack, moment: str) -> None:
    def say(line: str) -> None:
        if line.startswith(f"{moment} ") and "stopped" not in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_up(stack, os.environ, say, services=STAND_INS)
    assert not Supervision(stack).is_answering()
    assert not leftovers(stack)
    check_ports(stack)


def test_ctrl_c_stops_everything_and_exits_without_complaint(stack: Stack) -> None:
    script = """
import sys, msgspec
from rich.console import Console
from deploy.local.layout import Stack
from services.cli.stack import run_stack
from tests.integration.test_up_and_down import STAND_INS
run_stack(msgspec.json.decode(sys.argv[1], type=Stack), STAND_INS, Console(soft_wrap=True), stay=True)
"""
    command = [sys.executable, "-c", script, msgspec.json.encode(stack).decode()]
    window = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert window.stdout is not None
    shown = ""
    while "Ctrl-C stops everything" not in shown:
        line = window.stdout.readline()
        assert line, shown
        shown += line
    assert leftovers(stack)

    window.send_signal(signal.SIGINT)
    shown, _ = window.communicate(timeout=60)

    assert window.returncode == 0, shown
    assert {line.split()[0] for line in shown.splitlines() if " stopped after " in line} == set(NAMES)
    assert shown.index("intake") < shown.index("dispatcher-0") < shown.index("kafka")
    assert not leftovers(stack)
    check_ports(stack)


def test_a_taken_port_is_named_with_its_holder_before_anything_starts(stack: Stack) -> None:
    with socket.create_server((LOOPBACK, stack.ports.intake)):
        words = rf"port {stack.ports.intake} \(intake\) is taken by another program \(pid {os.getpid()}, .*REALNAME_INTAKE_PORT"
        with pytest.raises(PortTaken, match=words):
            bring_up(stack, os.environ, quiet, services=STAND_INS)
    assert not Supervision(stack).is_answering()
    assert not answers_ping(stack.ports.valkey)


def quiet(_line: str) -> None:
    """Says nothing."""


def kill_supervisor(stack: Stack) -> None:
    """SIGKILL, by its pid file; returns when it is gone."""
    os.kill(int((stack.run / "supervisord.pid").read_text()), signal.SIGKILL)
    eventually(lambda: not Supervision(stack).is_answering(), within_s=10)


def send(stack: Stack, count: int) -> None:
    """That many records to the submissions, acknowledged."""
    with KafkaProducer(bootstrap_servers=stack.kafka, acks="all", max_block_ms=5000) as producer:
        for number in range(count):
            producer.send(SUBMITTED, b"{}", partition=number).get(10)
