"""`decisions` on a real broker, as an operator would read them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import Result
from typer.testing import CliRunner

from deploy.local.kafka import Broker
from deploy.local.topics import create_topics
from realname.errors import RealnameError
from realname.topics import Topic
from services.cli.main import application
from tests.eventually import eventually
from tests.transactions import Transactions, a_decision, line_of

PARTITIONS = 3


class Operator:
    """An operator of this test's own, and its topic."""

    def __init__(self, broker: Broker, prefix: str) -> None:
        self.broker, self.name = broker, prefix + "north"
        self.topic = f"decisions.{self.name}"
        create_topics(broker.bootstrap, [Topic(self.topic, PARTITIONS, 86_400_000)])
        self.transactions = Transactions(broker.bootstrap)

    def decide(self, *, commits: bool = True, **changes: object) -> str:
        decided = a_decision(operator=self.name, **changes)
        self.transactions.write(self.topic, [line_of(decided, PARTITIONS)], commits=commits)
        return decided.id

    def run(self, *arguments: str) -> Result:
        place = ["--kafka", self.broker.bootstrap, "--operator", self.name]
        return CliRunner().invoke(application(), ["decisions", *place, *arguments])


@pytest.fixture
def operator(kafka: Broker, prefix: str) -> Operator:
    return Operator(kafka, prefix)


def test_each_committed_decision_is_a_line_with_its_reasons_in_words(operator: Operator) -> None:
    refused = operator.decide(verdict="refused", reasons=("flat_face",))
    aborted = operator.decide(commits=False)
    result = operator.run()
    assert result.exit_code == 0
    assert refused in result.output
    assert aborted not in result.output
    assert "refused" in result.output
    assert "flat_face" not in result.output  # words, not names


def test_for_programs_each_line_is_the_message(operator: Operator) -> None:
    identity = operator.decide()
    (line,) = operator.run("--json").output.splitlines()
    assert json.loads(line)["id"] == identity


def test_only_what_is_young_enough_is_read(operator: Operator) -> None:
    operator.decide()
    assert operator.run("--since", "now").output == ""


def test_following_prints_what_comes_until_it_is_interrupted(operator: Operator) -> None:
    command = [sys.executable, "-m", "services.cli", "decisions", "--follow", "--json"]
    place = ["--kafka", operator.broker.bootstrap, "--operator", operator.name]
    earlier = operator.decide()
    with subprocess.Popen(command + place, stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200"}) as child:
        assert child.stdout is not None
        try:
            assert json.loads(child.stdout.readline())["id"] == earlier
            later = operator.decide()
            assert json.loads(child.stdout.readline())["id"] == later
            child.send_signal(signal.SIGINT)
            assert eventually(lambda: child.poll() is not None, within_s=20)
            assert child.returncode == 0
        finally:
            child.kill()


def test_what_cannot_be_asked_is_said(operator: Operator) -> None:
    for arguments, said in (
        (("--operator", "nobody"), "no topic decisions.nobody"),
        (("--since", "soon"), "--since soon"),
        (("--kafka", "127.0.0.1:9"), "no answer from Kafka"),
    ):
        error = operator.run(*arguments).exception
        assert isinstance(error, RealnameError)
        assert said in str(error)
