"""Intake as a process, on a real broker, a real Valkey and a vault on disk: what needs a socket or an outage."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from deploy.local.kafka import Broker
from deploy.local.topics import create_topics
from deploy.local.valkey import Valkey
from realname.topics import all_topics
from tests.eventually import eventually
from tests.fakes.intake import CLIP, JPEG, a_clip, a_request, multipart
from tests.intake_process import CLIP_BYTES_MAX, OPERATORS, IntakeProcess, name_of


@pytest.fixture(scope="module")
def topics(kafka: Broker) -> None:
    create_topics(kafka.bootstrap, all_topics(OPERATORS))


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory, kafka: Broker, valkey: Valkey, topics: None) -> Iterator[IntakeProcess]:
    """Shared by this file's tests: leave its neighbours alone."""
    process = IntakeProcess(tmp_path_factory.mktemp("intake"), kafka, valkey)
    yield process
    assert process.stop() in {0, -signal.SIGTERM}


def test_a_registration_is_durable_when_202_is_answered(intake: IntakeProcess) -> None:
    issued = intake.challenge()
    answer = intake.register(issued, parts={"clip": ("c.mp4", a_clip(600_000))})
    assert answer.status_code == 202, answer.text
    assert len(intake.stored(issued["id"])) == 2
    assert intake.published(issued["id"]) == 1
    assert intake.http.get(answer.json()["status"]).json()["step"] == "submitted"


def test_the_same_request_twice_and_another_body(intake: IntakeProcess) -> None:
    issued = intake.challenge()
    first, again = intake.register(issued), intake.register(issued)
    assert (again.status_code, again.content) == (202, first.content)
    other = intake.register(issued, parts={"clip": ("c.mp4", CLIP + b"x")})
    assert (other.status_code, name_of(other)) == (422, "id_already_used")
    assert intake.published(issued["id"]) == 1
    assert len(intake.stored(issued["id"])) == 2


def test_many_racing_copies_of_one_request_are_taken_in_once(intake: IntakeProcess) -> None:
    issued = intake.challenge()
    answers: list[httpx.Response] = []

    def send() -> None:
        with httpx.Client(base_url=intake.http.base_url, headers=intake.bearer(), timeout=30) as http:
            answers.append(http.post("/v1/registrations", files=multipart(issued)))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert intake.register(issued).status_code == 202
    assert intake.published(issued["id"]) == 1


def test_after_redis_was_wiped_the_ledger_knows(tmp_path: Path, kafka: Broker, own_valkey: Valkey, topics: None) -> None:
    """What is broken? Redis is empty, then away. What must still be true? The same again, another body and the status
    are answered as before, and new registrations are taken in."""
    process = IntakeProcess(tmp_path, kafka, own_valkey)
    issued, early = process.challenge(), process.challenge()
    first = process.register(issued)
    for upset in (own_valkey.wipe, own_valkey.kill9):
        upset()
        assert process.http.get(first.json()["status"]).json()["step"] == "submitted"
        assert process.register(issued).content == first.content
        other = process.register(issued, parts={"clip": ("c.mp4", CLIP + b"x")})
        assert name_of(other) == "id_already_used"
    assert process.register(early).status_code == 202
    assert process.register(process.challenge()).status_code == 202
    assert process.published(issued["id"]) == process.published(early["id"]) == 1
    assert process.is_ready()
    process.stop()


def test_while_kafka_is_down_nothing_is_taken_and_nothing_is_left(tmp_path: Path, own_kafka: Broker, valkey: Valkey) -> None:
    """What is broken? Kafka dies, with a registration under way. What must still be true? Each is answered 503 with
    Retry-After; what came after the death is known leaves no media; once Kafka is back the same requests succeed."""
    create_topics(own_kafka.bootstrap, all_topics(OPERATORS))
    process = IntakeProcess(tmp_path, own_kafka, valkey)
    doubtful, refused = process.challenge(), process.challenge()
    own_kafka.kill9()
    surprised = process.register(doubtful)
    assert (surprised.status_code, name_of(surprised)) == (503, "publish_doubtful")
    assert len(process.stored(doubtful["id"])) == 2, "it may have been taken in: the media stays"
    eventually(lambda: not process.is_ready())
    answer = process.register(refused)
    assert (answer.status_code, name_of(answer)) == (503, "ledger_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert process.stored(refused["id"]) == []
    assert process.http.get("/healthz").status_code == 200
    own_kafka.start()
    own_kafka.wait_ready()
    eventually(process.is_ready, within_s=40)
    assert process.register(doubtful).status_code == 202
    assert process.register(refused).status_code == 202
    assert process.published(refused["id"]) == 1
    process.stop()


def test_a_vault_without_room_says_so_and_keeps_nothing(tmp_path: Path, kafka: Broker, valkey: Valkey, topics: None) -> None:
    process = IntakeProcess(tmp_path, kafka, valkey, REALNAME_VAULT_FREE_BYTES_MIN=str(2**60))
    issued = process.challenge()
    answer = process.register(issued)
    assert (answer.status_code, name_of(answer)) == (503, "vault_full")
    assert answer.headers["retry-after"] == "30"
    assert process.stored(issued["id"]) == []
    assert process.published(issued["id"]) == 0
    process.stop()


def test_an_expired_challenge_is_refused(intake: IntakeProcess) -> None:
    issued = intake.challenge(lifetime_s=1)
    eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(issued["expires_at"]))
    answer = intake.register(issued)
    assert (answer.status_code, name_of(answer)) == (410, "challenge_expired")
    assert intake.stored(issued["id"]) == []


def test_another_operators_id_reads_as_an_unknown_one(intake: IntakeProcess) -> None:
    issued = intake.challenge()
    status = intake.register(issued).json()["status"]
    foreign = intake.http.get(status, headers=intake.bearer("harbor"))
    unknown = intake.http.get(f"/v1/registrations/{intake.challenge()['id']}")
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
    assert foreign.status_code == 404


def a_head(intake: IntakeProcess, length: str) -> bytes:
    lines = (
        "POST /v1/registrations HTTP/1.1",
        "Host: intake",
        f"Authorization: {intake.bearer()['authorization']}",
        "Content-Type: multipart/form-data; boundary=cut",
        length,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def pour(intake: IntakeProcess, head: bytes, first: bytes, *, chunked: bool) -> tuple[bytes, int]:
    """Send an endless clip until the server ends it: (what it answered, bytes that it let us send)."""
    piece = b"x" * 65_536
    framed = b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
    first = b"%x\r\n%s\r\n" % (len(first), first) if chunked else first
    sent = 0
    with socket.create_connection(("127.0.0.1", intake.port), timeout=10) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head + first)
            while sent < 1_000_000_000:
                connection.sendall(framed)
                sent += len(piece)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while more := connection.recv(65_536):
                answer += more
    return answer, sent


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_is_too_large_is_cut_off_while_it_streams(intake: IntakeProcess, chunked: bool) -> None:  # noqa: FBT001
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {CLIP_BYTES_MAX + 1_000_000}"
    first = b'--cut\r\nContent-Disposition: form-data; name="clip"; filename="c"\r\n\r\n' + CLIP
    answer, sent = pour(intake, a_head(intake, length), first, chunked=chunked)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    assert b'"field":"clip"' in answer
    # What the server never read still fits into the two sockets' buffers: some megabytes on loopback, not a gigabyte.
    assert sent < CLIP_BYTES_MAX + 12 * 1024 * 1024


def test_a_body_that_announces_too_much_is_refused_unread(intake: IntakeProcess) -> None:
    answer, sent = pour(intake, a_head(intake, "Content-Length: 1000000000"), b"", chunked=False)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent < 12 * 1024 * 1024


def test_a_playlist_as_a_clip_is_cut_off_with_its_head(intake: IntakeProcess) -> None:
    first = b'--cut\r\nContent-Disposition: form-data; name="clip"; filename="c.mp4"\r\n\r\n#EXTM3U\n' + b"#" * 40
    answer, sent = pour(intake, a_head(intake, "Transfer-Encoding: chunked"), first, chunked=True)
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b"clip_not_a_video" in answer
    assert sent < 12 * 1024 * 1024


def test_who_waits_for_a_100_continue_sends_nothing_that_would_be_refused(intake: IntakeProcess) -> None:
    head = a_head(intake, "Content-Length: 1000000000\r\nExpect: 100-continue")
    with socket.create_connection(("127.0.0.1", intake.port), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_goes_away_leaves_nothing_and_frees_its_place(intake: IntakeProcess) -> None:
    issued = intake.challenge()
    part = b'--cut\r\nContent-Disposition: form-data; name="request"\r\n\r\n' + json.dumps(a_request(issued)).encode()
    with socket.create_connection(("127.0.0.1", intake.port), timeout=10) as connection:
        connection.sendall(a_head(intake, "Content-Length: 1000000") + part)
        eventually(lambda: "realname_uploads_in_progress 1.0" in intake.http.get("/metrics").text)
    eventually(lambda: "realname_uploads_in_progress 0.0" in intake.http.get("/metrics").text)
    assert intake.stored(issued["id"]) == []
    assert intake.register(issued).status_code == 202


def test_a_stream_follows_a_registration(intake: IntakeProcess) -> None:
    issued = intake.challenge()
    status = intake.register(issued).json()["status"]
    with intake.http.stream("GET", f"{status}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["step"] == "submitted"
                break


def test_a_wait_that_is_over_answers_with_what_is_known(intake: IntakeProcess) -> None:
    status = intake.register(intake.challenge()).json()["status"]
    began = time.monotonic()
    answer = intake.http.get(f"{status}?wait_s=1")
    assert answer.json()["step"] == "submitted"
    assert 0.9 < time.monotonic() - began < 5


def test_nothing_of_a_request_is_in_the_log(intake: IntakeProcess) -> None:
    issued = intake.challenge(person_token="person-secret-81")
    intake.register(issued, person_token="person-secret-81", parts={"portrait": ("secret-name-81.jpg", JPEG)})
    intake.http.get(f"/v1/registrations/{issued['id']}?wait_s=secret-81")
    intake.register(issued, secret_field_81="x")
    assert "secret" not in intake.log
    assert issued["challenge"] not in intake.log


def test_a_taken_port_ends_the_start_and_is_named(intake: IntakeProcess) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "services.intake"], env=intake.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode != 0
    assert str(intake.port) in second.stderr
