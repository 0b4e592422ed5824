"""`challenge` and `submit` against a real intake (its neighbours in memory), over HTTP on loopback."""

from __future__ import annotations

import inspect
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import uvicorn
from click.testing import Result
from typer.testing import CliRunner

from deploy.local.ports import free_run
from realname.errors import RealnameError
from realname.messages import Verdict
from realname.policy import load_policy
from realname.reasons import Reason
from realname.statuses import Status
from services.cli.client import Event, IntakeClient, upload_of
from services.cli.cued import CueStream, Recorded, record_cued
from services.cli.main import application
from services.cli.submit import command
from services.intake.requests import ChallengeIssued, ChallengeRequest, Cue, CueClock, CuesEnd, RegistrationRequest
from tests.eventually import eventually
from tests.fakes.intake import CLIP, JPEG, NOW, Intake, a_request


class Served:
    """Intake on a port; each submission is decided with `verdict` by a thread that stands for all the rest."""

    def __init__(self) -> None:
        self.intake = Intake()
        self.verdict: Verdict = "approved"
        self.reasons: tuple[Reason, ...] = (Reason.ALL_CHECKS_PASSED,)
        port = free_run(1)
        self.url = f"http://127.0.0.1:{port}"
        self._server = uvicorn.Server(uvicorn.Config(self.intake.app, port=port, log_level="critical"))
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._server.run), threading.Thread(target=self._decide)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        eventually(lambda: self._server.started)

    def stop(self) -> None:
        self._server.should_exit = True
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def _decide(self) -> None:
        while not self._stop.wait(0.02):
            for submitted in self.intake.published:
                held = self.intake.scratch.statuses.get(submitted.id)
                if held is not None and held.step == "submitted":
                    place = {"id": submitted.id, "operator": submitted.operator, "store": submitted.store, "at": NOW}
                    decided = Status(**place, step="decided", verdict=self.verdict, reasons=self.reasons)
                    self.intake.scratch.statuses[submitted.id] = decided


Run = Callable[..., Result]


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    served.start()
    yield served
    served.stop()


@pytest.fixture
def run(served: Served, tmp_path: Path) -> Run:
    (tmp_path / "portrait.jpg").write_bytes(JPEG)
    (tmp_path / "clip.mp4").write_bytes(CLIP)

    def run(command: str, *arguments: str, token: str | None = None) -> Result:
        place = ["--intake", served.url, "--token", token or served.intake.token()]
        media = [str(tmp_path / "portrait.jpg"), str(tmp_path / "clip.mp4")] if command == "submit" else []
        return CliRunner().invoke(application(), [command, *media, *place, *arguments])

    return run


@pytest.mark.parametrize(
    ("verdict", "reason", "code", "words"),
    [
        ("approved", Reason.ALL_CHECKS_PASSED, 0, "You are verified."),
        ("refused", Reason.FLAT_FACE, 1, "refused"),
        ("retry", Reason.TOO_DARK, 2, "It is too dark. Please face the light."),
        ("review", Reason.NO_CUES, 3, "a person must look"),
    ],
)
def test_the_verdict_is_printed_in_words_and_is_the_exit_code(
    served: Served, run: Run, verdict: Verdict, reason: Reason, code: int, words: str
) -> None:
    served.verdict, served.reasons = verdict, (reason,)
    result = run("submit")
    assert result.exit_code == code
    assert words in result.output
    assert "decided" in result.output


def test_reasons_are_said_in_chinese_on_request(served: Served, run: Run) -> None:
    served.verdict, served.reasons = "retry", (Reason.TOO_DARK,)
    assert "光线太暗，请面向光源。" in run("submit", "--language", "zh").output


def test_for_programs_there_is_one_json_document_and_nothing_else(run: Run) -> None:
    result = run("submit", "--json")
    body = json.loads(result.stdout)
    assert body["verdict"] == "approved"
    assert body["reasons"][0]["customer"] == "You are verified."
    assert body["steps"][-1]["step"] == "decided"


def test_a_challenge_is_said_in_words_in_order(run: Run) -> None:
    output = run("challenge").output
    assert "1. " in output
    assert "blink" in output
    assert "turn your head to your" in output


def test_a_saved_challenge_is_used_with_all_that_it_is_bound_to(served: Served, run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "c.json"
    saved.write_text(run("challenge", "--json", "--store", "store-7", "--person", "person-0815").stdout)
    assert run("submit", "--challenge", str(saved)).exit_code == 0
    assert served.intake.published[0].store == "store-7"
    assert served.intake.published[0].id == json.loads(saved.read_text())["issued"]["id"]


def test_a_problem_is_told_in_its_own_words_and_is_no_verdict(run: Run) -> None:
    result = run("submit", token="none")
    assert result.exit_code == 4
    assert "realname: " in result.stderr
    assert json.loads(run("submit", "--json", token="none").stdout)["type"] == "urn:realname:problem:token_invalid"


def test_what_is_no_answer_is_no_verdict_either(run: Run, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").unlink()
    missing = run("submit")
    assert missing.exit_code == 5
    assert "clip.mp4 does not read" in missing.stderr
    (tmp_path / "clip.mp4").write_bytes(CLIP)
    away = run("submit", "--intake", f"http://127.0.0.1:{free_run(1)}")
    assert away.exit_code == 5
    (tmp_path / "c.json").write_text("{}")
    assert run("submit", "--challenge", str(tmp_path / "c.json")).exit_code == 5


def test_a_file_that_intake_would_not_take_is_not_read_whole(served: Served, run: Run, tmp_path: Path) -> None:
    with (tmp_path / "clip.mp4").open("r+b") as stream:
        stream.truncate(30 * 1024**3)  # sparse
    result = run("submit")
    assert result.exit_code == 5
    assert "clip.mp4 is larger than the" in result.stderr
    assert not served.intake.published


def test_the_length_that_the_help_names_is_the_policys() -> None:
    clip = load_policy("development").clip
    words = inspect.get_annotations(command, eval_str=True)["clip"].__metadata__[0].help
    assert f"{clip.duration_s_min:g} to {clip.duration_s_max:g} seconds" in words


def test_a_cut_stream_is_asked_for_again_with_a_pause() -> None:
    asked = 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def cut() -> None:
            nonlocal asked
            while True:
                connection, _ = server.accept()
                with connection:
                    if connection.recv(1) == b"x":
                        return
                asked += 1

        cutter = threading.Thread(target=cut)
        cutter.start()
        client = IntakeClient(f"http://127.0.0.1:{server.getsockname()[1]}", "token")
        assert list(client.follow_on("any", within_s=1.2)) == []
        client.close()
        with socket.create_connection(server.getsockname()) as last:
            last.sendall(b"x")
        cutter.join(5)
    assert 2 <= asked <= 3


def test_a_decision_that_does_not_come_is_said_with_its_id(served: Served, run: Run) -> None:
    served._stop.set()
    result = run("submit", "--within", "1")
    assert result.exit_code == 5
    assert served.intake.published[0].id in result.stderr


def test_cues_are_shown_as_they_come_and_the_clip_is_announced_before_it_is_handed_in(
    served: Served, run: Run, tmp_path: Path
) -> None:
    saved = tmp_path / "c.json"
    shown = run("challenge", "--cues", "--save", str(saved))
    assert shown.exit_code == 0
    assert "record now" in shown.output
    assert shown.output.count("BLINK") + shown.output.count("TURN YOUR HEAD") in {2, 3}
    assert "hand in within 5.0 s" in shown.output
    handed_in = run("submit", "--challenge", str(saved), "--clip-started-at", "0.5")
    assert handed_in.exit_code == 0, handed_in.output
    met = served.intake.published[0].challenge
    assert (len(met.cues_at_s), met.clip_started_at_s) == (len(met.actions), 0.5)


def test_cues_are_shown_in_chinese_on_request(run: Run) -> None:
    shown = run("challenge", "--cues", "--language", "zh").output
    assert "眨眼" in shown
    assert "请开始录制" in shown


def test_for_programs_cues_are_lines_of_json_behind_the_challenge(served: Served, run: Run, tmp_path: Path) -> None:
    first, *lines = [json.loads(line) for line in run("challenge", "--cues", "--json").stdout.splitlines()]
    assert first["issued"]["actions"] == []
    assert [line["event"] for line in lines] == ["cue"] * (len(lines) - 1) + ["end"]
    assert lines[-1]["digest_until_s"] == pytest.approx(lines[-2]["at_s"] + 5.0)
    whole = tmp_path / "c.json"
    whole.write_text("\n".join(map(json.dumps, [first, *lines])))
    assert run("submit", "--challenge", str(whole)).exit_code == 0
    assert served.intake.published[0].challenge.cues_at_s == tuple(line["at_s"] for line in lines[:-1])


def test_a_clip_that_comes_too_late_after_its_cues_is_told_so(served: Served, run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "c.json"
    run("challenge", "--cues", "--save", str(saved))
    served.intake.pass_time(5.1)
    result = run("submit", "--challenge", str(saved))
    assert result.exit_code == 4
    assert "The clip was announced too late" in result.stderr


def test_a_clip_that_is_made_to_its_cues_goes_through_the_whole_flow(served: Served) -> None:
    client = IntakeClient(served.url, served.intake.token())
    seen: list[Cue] = []

    def record(cues: CueStream) -> Recorded:
        seen.extend(cues)
        return Recorded(CLIP + "".join(cue.action for cue in seen).encode(), 0.25)

    cued = record_cued(client, ChallengeRequest("store-1", "till-1", "person-4711"), record)
    request = msgspec.convert(
        a_request({"challenge": cued.issued.challenge, "path": "face"}, digest_receipt=cued.taken.digest_receipt),
        type=RegistrationRequest,
    )
    assert client.register(upload_of(request, JPEG, cued.clip)).id == cued.issued.id
    client.close()
    met = served.intake.published[0].challenge
    assert [(cue.action, cue.at_s) for cue in cued.cues] == list(zip(met.actions, met.cues_at_s, strict=True))
    assert met.digest_at_s == cued.taken.digest_at_s


ISSUED = ChallengeIssued("i" * 36, "c" * 40, "face", (), NOW, NOW, "/v1/challenges/i/cues")


class CutLine:
    """Intake behind a line that is cut after each event, `cuts` times."""

    def __init__(self, cuts: int) -> None:
        self.cuts, self.opened = cuts, 0

    def cues(self, issued: ChallengeIssued) -> Iterator[Event]:  # noqa: ARG002
        self.opened += 1
        yield Event("clock", msgspec.json.encode(CueClock(NOW, NOW, 0.0)))
        for index, action in enumerate(("blink", "turn_left", "blink")[: self.opened if self.opened <= self.cuts else 3]):
            yield Event("cue", msgspec.json.encode(Cue(index, action, 1.0 + index)))  # type: ignore[arg-type]
        if self.opened > self.cuts:
            yield Event("end", msgspec.json.encode(CuesEnd(8.0)))


def test_a_stream_that_is_cut_is_opened_again_and_gives_each_cue_once() -> None:
    line = CutLine(cuts=2)
    stream = CueStream(line, ISSUED)  # type: ignore[arg-type]
    assert [cue.index for cue in stream] == [0, 1, 2]
    assert (line.opened, stream.digest_until_s) == (3, 8.0)


def test_a_stream_that_stays_cut_is_given_up() -> None:
    with pytest.raises(RealnameError, match="was cut"):
        list(CueStream(CutLine(cuts=99), ISSUED))  # type: ignore[arg-type]
