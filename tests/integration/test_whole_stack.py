"""A registration from HTTP to the decision topic, on everything real. The demo's cases are the cases here."""

from __future__ import annotations

import re
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demo.cases import CASES, Decided
from demo.handing_in import Seen, hand_in
from deploy.local.layout import Stack
from deploy.local.processes import ports_of
from realname.keys import FileKeys
from realname.messages import RegistrationDecided
from realname.metrics import TABLE
from realname.policy import load_policy
from realname.topics import DECIDED, decisions_of
from realname.vault import open_vault
from services.cli.client import IntakeClient, ProblemAnswered, development_token
from tests.eventually import eventually
from tests.topics_read import read_whole

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


def client_of(stack: Stack, operator: str) -> IntakeClient:
    return IntakeClient(stack.intake_url, development_token(stack.keys, operator))


@pytest.fixture(scope="module")
def seen(stack: Stack, media_folder: Path) -> dict[str, Seen]:
    """Every case of the demo, handed in once."""

    def one(case):
        return case.name, hand_in(case, client_of(stack, case.operator), media_folder, lambda _step: None)

    with ThreadPoolExecutor(4) as pool:  # the cued visits wait for their cues most of the time
        return dict(pool.map(one, CASES))


@pytest.fixture(scope="module")
def decided(stack: Stack, seen: dict[str, Seen]) -> dict[str, list[RegistrationDecided]]:
    """What a read_committed reader finds on each decision topic, after every case ended."""
    topics = [DECIDED, *(decisions_of(operator) for operator in stack.operators)]
    return {topic: read_whole(stack.kafka, topic) for topic in topics}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_ends_as_expected(seen, case):
    assert seen[case.name].outcome == case.expected, seen[case.name].reasons


def test_every_accepted_registration_has_exactly_one_decision(seen, decided):
    ours = {each.registration_id for each in seen.values()}  # the stack serves other tests, too; refused ones are among them
    counts = Counter(each.id for each in decided[DECIDED] if each.id in ours)
    accepted = {seen[case.name].registration_id for case in CASES if isinstance(case.expected, Decided)}
    # The first request of `other-body` was accepted; only its second was refused.
    accepted |= {seen["other-body"].registration_id}
    assert counts == dict.fromkeys(accepted, 1)


def test_an_operators_topic_holds_its_own_decisions_and_all_of_them(stack, decided):
    for operator in stack.operators:
        own = [each for each in decided[DECIDED] if each.operator == operator]
        assert sorted(each.id for each in decided[decisions_of(operator)]) == sorted(each.id for each in own)


def test_a_decision_says_what_it_rests_on(decided, seen):
    approved = next(each for each in decided[DECIDED] if each.id == seen["genuine-a"].registration_id)
    assert approved.policy == "v2-development"
    assert {"detector", "landmarks", "spoof", "embedder"} <= set(approved.models)
    assert set(approved.evidence) == {"portrait", "clip"}
    similarity = next(score for score in approved.scores if score.name == "similarity")
    assert similarity.value > similarity.threshold == load_policy("development").accept_min
    assert all(trace.seen for trace in approved.liveness.actions)
    assert approved.submitted_at <= approved.decided_at


def test_a_cued_visit_is_recorded_as_one_and_a_finished_clip_is_said_to_be_one(decided, seen):
    notes = {each.id: each.notes for each in decided[DECIDED]}
    without = "a finished clip without cues was taken: policy without cues"
    assert without in notes[seen["genuine-a"].registration_id]
    for name in ("cued", "cued-late"):
        assert without not in notes[seen[name].registration_id]


def test_media_is_gone_once_approved_and_stays_while_an_objection_is_possible(stack, seen):
    vault = open_vault(f"file://{stack.vault}", FileKeys(stack.keys))

    def kept():
        return {found.registration_id for found in vault.objects()}

    gone = {seen[case.name].registration_id for case in CASES if case.expected == CASES[0].expected}
    refused = {seen[name].registration_id for name in ("a-as-b", "b-as-a", "third-as-a")}
    eventually(lambda: not gone & kept(), within_s=20)
    assert refused <= kept()


def test_another_operators_registration_is_unknown(stack, seen):
    with pytest.raises(ProblemAnswered) as answered:
        client_of(stack, "harbor").status(seen["genuine-a"].registration_id)
    assert answered.value.name == "registration_unknown"
    assert client_of(stack, "north").status(seen["genuine-a"].registration_id).verdict == "approved"


def test_metrics_of_every_process_are_the_tables_and_have_moved(stack, seen):
    processes = {"dispatcher-0": "dispatcher", "worker-solo": "worker"}
    text: dict[str, str] = {}
    for name, port in ports_of(stack).items():
        if name not in {"kafka", "valkey"}:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                text[processes.get(name, name)] = text.get(processes.get(name, name), "") + answer.read().decode()
    for row in TABLE:
        for process in row.processes:
            name = row.name + ("_total" if row.kind == "counter" else "")
            assert f"# TYPE {name} {row.kind}" in text[process], f"{name} of {process}"
    everything = "".join(text.values()) + text["dispatcher-1"]
    moved = [
        "realname_registrations_accepted_total",
        "realname_registrations_refused_total",
        "realname_upload_bytes_total",
        "realname_decision_seconds_count",
        "realname_decisions_total",
        "realname_commits_total",
        "realname_stage_run_seconds_count",
        "realname_stage_wait_seconds_count",
        "realname_batch_items_count",
        "realname_pad_live_score_count",
        "realname_similarity_score_count",
        "realname_quality_sharpness_count",
        "realname_statuses_written_total",
        "realname_vault_deletions_total",
    ]
    for name in moved:
        values = [float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? ([0-9.e+]+)$", everything, re.MULTILINE)]
        assert sum(values) > 0, name


def test_no_label_of_any_metric_holds_an_id_or_a_store(stack, seen):
    for name, port in ports_of(stack).items():
        if name not in {"kafka", "valkey"}:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                body = answer.read().decode()
            assert not [each.registration_id for each in seen.values() if each.registration_id in body]
            assert "demo-store" not in body
