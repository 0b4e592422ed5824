"""Timed cues on a real intake, broker and Valkey, in real time: from the challenge to the record in Kafka."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.kafka import Broker
from deploy.local.topics import create_topics
from deploy.local.valkey import Valkey
from realname.topics import all_topics
from tests.eventually import eventually
from tests.fakes.intake import a_challenge_request, a_clip
from tests.intake_process import OPERATORS, IntakeProcess, name_of


@pytest.fixture
def intake(tmp_path: Path, kafka: Broker, valkey: Valkey) -> Iterator[IntakeProcess]:
    create_topics(kafka.bootstrap, all_topics(OPERATORS))
    process = IntakeProcess(tmp_path, kafka, valkey)
    yield process
    process.stop()


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def age_s(issued: dict[str, Any]) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(issued["issued_at"])).total_seconds()


def follow(intake: IntakeProcess, issued: dict[str, Any]) -> Iterator[tuple[float, str, dict[str, Any]]]:
    """Each event of the stream: when it came, its name, its data."""
    headers = {"realname-challenge": issued["challenge"]}
    with intake.http.stream("GET", issued["cues"], headers=headers) as stream:
        assert stream.status_code == 200
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: "):
                yield age_s(issued), name, json.loads(line.removeprefix("data: "))


def announce(intake: IntakeProcess, issued: dict[str, Any], clip: bytes) -> httpx.Response:
    digest = hashlib.sha256(clip).hexdigest()
    body = {"challenge": issued["challenge"], "clip_sha256": digest, "clip_started_at_s": 0.5}
    return intake.http.post(f"/v1/challenges/{issued['id']}/digest", json=body)


def shows_an_action(text: str) -> bool:
    """In plain, or in what anyone can decode of a token in it."""
    parts = [part for word in text.split('"') if word.count(".") == 2 for part in word.split(".")[:2]]
    decoded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("latin-1") for part in parts]
    return any(action in piece for piece in (text, *decoded) for action in ("blink", "turn_left", "turn_right"))


def test_a_cued_registration_from_the_challenge_to_kafka(intake: IntakeProcess, aside: ThreadPoolExecutor) -> None:
    clip, other_clip = a_clip(600_000), a_clip(600_000)
    answers = [intake.http.post("/v1/challenges", json=a_challenge_request(cues=True)) for _ in range(2)]
    issued, second = (answer.json() for answer in answers)
    # Nothing shows an action before its time.
    early = announce(intake, issued, clip)
    unannounced = intake.register(issued, parts={"clip": ("c.mp4", clip)})
    assert (name_of(early), name_of(unannounced)) == ("digest_early", "receipt_missing")
    assert not any(shows_an_action(answer.text) for answer in (*answers, early, unannounced))
    beside = aside.submit(lambda: (list(follow(intake, second))[-1][2], announce(intake, second, clip).json()))
    (opened_s, first, clock), *cues, (_, last, end) = follow(intake, issued)
    assert (first, last) == ("clock", "end")
    assert 0 <= clock["now_s"] <= opened_s
    for came_s, name, cue in cues:
        assert name == "cue"
        assert 0 <= came_s - cue["at_s"] < 1.0
    # The digest, and a registration with another clip or another challenge's receipt: nothing is left behind.
    taken = announce(intake, issued, clip).json()
    receipt = taken["digest_receipt"]
    other = intake.register(issued, parts={"clip": ("c.mp4", other_clip)}, digest_receipt=receipt)
    assert (other.status_code, name_of(other)) == (422, "clip_not_as_announced")
    second_end, foreign = beside.result(20)
    wrong = intake.register(issued, parts={"clip": ("c.mp4", clip)}, digest_receipt=foreign["digest_receipt"])
    assert (wrong.status_code, name_of(wrong)) == (422, "receipt_invalid")
    assert intake.stored(issued["id"]) == []
    assert intake.published(issued["id"]) == 0
    # The right one, twice.
    first_answer, again = (intake.register(issued, parts={"clip": ("c.mp4", clip)}, digest_receipt=receipt) for _ in range(2))
    assert (first_answer.status_code, again.content) == (202, first_answer.content)
    [submitted] = intake.submissions(issued["id"])
    met = submitted.challenge
    assert list(met.actions) == [cue["action"] for _, _, cue in cues]
    assert list(met.cues_at_s) == [cue["at_s"] for _, _, cue in cues]
    assert (met.clip_started_at_s, met.digest_at_s) == (0.5, taken["digest_at_s"])
    assert met.cues_at_s[-1] <= met.digest_at_s <= end["digest_until_s"]
    # Too late.
    eventually(lambda: age_s(second) > second_end["digest_until_s"], within_s=8)
    assert name_of(announce(intake, second, clip)) == "digest_late"
    assert "blink" not in intake.log
    assert receipt not in intake.log
