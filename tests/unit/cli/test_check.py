"""`realname check`: what it takes, what it prints, with which code it ends. No model is opened here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from realname.errors import RealnameError
from realname.messages import ActionTrace, Challenge, LivenessReport, MatchReport
from realname.policy import load_policy
from realname.reasons import Reason
from realname.verdicts import Evidence, decide
from services.cli.check import NOT_CHECKED, asked_of, command, cued_of
from services.cli.check_view import NO_CHALLENGE, Checked, as_json, show
from services.cli.main import WRONG_USE, application
from services.cli.verdict import EXIT_CODES
from tests.builders import a_live_report, a_match, a_submission
from workers.check import costs_of

POLICY = load_policy("development")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
BLINK = ActionTrace("blink", seen=True, at_s=1.08, strength=0.51)
TRACES = (BLINK, ActionTrace("turn_left", seen=False))
MET = (BLINK, ActionTrace("turn_left", seen=True, at_s=2.0, strength=17.0))


def a_check(liveness: LivenessReport | None = None, match: MatchReport | None = None, *, asked=("blink", "turn_left")) -> Checked:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    submitted = a_submission(challenge=Challenge(actions=asked or (), issued_at=at))
    evidence = Evidence(liveness or a_live_report(actions=TRACES), match or a_match())
    decision = decide(submitted, evidence, POLICY, decided_at=at)
    return Checked(decision, POLICY, asked, (360, 288), {"decode": 60.25, "liveness detect": 12.0}, {"liveness detect": 300.5})


def shown(checked: Checked) -> str:
    console = Console(width=120, highlight=False)
    with console.capture() as captured:
        show(checked, "en", console)
    return captured.get()


def code_and_words(capsys: pytest.CaptureFixture[str], *arguments: Path, **options) -> tuple[object, str]:
    with pytest.raises(SystemExit) as ended:
        command(*arguments, **options)
    return ended.value.code, capsys.readouterr().err


def test_each_verdict_has_its_own_exit_code_and_an_error_has_none_of_them() -> None:
    assert EXIT_CODES == {"approved": 0, "refused": 1, "retry": 2, "review": 3}
    assert min(NOT_CHECKED, WRONG_USE) > max(EXIT_CODES.values())


@pytest.mark.parametrize("wrong", [["--colour", "blue"], ["--language", "fr"], ["a", "b", "c"]], ids=" ".join)
def test_a_line_that_does_not_parse_is_no_verdict(wrong: list[str]) -> None:
    assert CliRunner().invoke(application(), ["check", *wrong]).exit_code == WRONG_USE


def test_an_error_of_check_keeps_its_code_behind_the_table_of_commands() -> None:
    assert CliRunner().invoke(application(), ["check"]).exit_code == NOT_CHECKED


def test_actions_are_read_in_their_order() -> None:
    assert asked_of("turn_left, blink", example=False) == ("turn_left", "blink")


def test_without_actions_nothing_is_asked_but_of_the_example() -> None:
    assert asked_of(None, example=False) is None
    assert asked_of(None, example=True) == ("blink", "turn_left")


@pytest.mark.parametrize("actions", ["jump", "blink,jump", "", " , ", "blink,blink,blink,turn_left"])
def test_what_no_challenge_would_ask_is_an_error(actions: str) -> None:
    with pytest.raises(RealnameError, match="--actions"):
        asked_of(actions, example=False)


def test_cues_are_seconds_of_the_clip() -> None:
    recorded = cued_of("1.0, 3.2", ("blink", "turn_left"))
    assert (recorded.cues_at_s, recorded.clip_started_at_s) == ((1.0, 3.2), 0.0)
    assert cued_of(None, None).cues_at_s == ()


@pytest.mark.parametrize("cues", ["soon", "1.0", "3.2,1.0", "1.0,2.0,3.0", "nan,1.0", ""])
def test_cues_that_fit_no_challenge_are_an_error(cues: str) -> None:
    with pytest.raises(RealnameError, match="--cues"):
        cued_of(cues, ("blink", "turn_left"))


def test_a_late_action_is_shown_with_its_window_its_frames_and_its_cause() -> None:
    late = ActionTrace(
        "blink",
        seen=False,
        at_s=6.0,
        strength=0.51,
        asked_at_s=1.0,
        until_s=5.0,
        first_frame=71,
        last_frame=73,
        cause=Reason.ACTION_LATE,
    )
    report = a_live_report(actions=(late,), challenge_unmet=(Reason.ACTION_LATE,))
    (row,) = [line for line in shown(a_check(report)).splitlines() if line.startswith("1. blink")]
    assert all(words in row for words in ("1.00 to 5.00 s", "no, action_late", "6.00 s", "71 to 73", "0.51 shut"))
    trace = json.loads(as_json(a_check(report), "en"))["challenge"]["actions"][0]
    assert (trace["asked_at_s"], trace["until_s"], trace["first_frame"], trace["cause"]) == (1.0, 5.0, 71, "action_late")


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, words = code_and_words(capsys, tmp_path / "absent.jpg", tmp_path / "absent.mp4")
    assert code == NOT_CHECKED
    assert "absent.jpg does not read: No such file" in words


def test_what_is_no_image_or_no_clip_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portrait, text = tmp_path / "portrait.jpg", tmp_path / "words.txt"
    portrait.write_bytes(JPEG)
    text.write_text("not a recording")
    assert "words.txt is not an image" in code_and_words(capsys, text, portrait)[1]
    assert "words.txt is not a clip" in code_and_words(capsys, portrait, text)[1]


def test_a_file_that_intake_would_not_take_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portrait = tmp_path / "large.jpg"
    portrait.write_bytes(JPEG)
    with portrait.open("r+b") as stream:
        stream.truncate(6 * 1024 * 1024)
    code, words = code_and_words(capsys, portrait, portrait)
    assert code == NOT_CHECKED
    assert "larger than the 5242880 bytes" in words


def test_two_files_or_the_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "or --example" in code_and_words(capsys)[1]
    assert "or --example" in code_and_words(capsys, tmp_path / "one.jpg")[1]
    assert "give it none" in code_and_words(capsys, tmp_path / "one.jpg", tmp_path / "one.mp4", example=True)[1]


def test_an_unknown_policy_is_named_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    code, words = code_and_words(capsys, policy="nowhere", example=True)
    assert (code, "nowhere" in words) == (NOT_CHECKED, True)


def test_for_programs_every_signal_is_there() -> None:
    body = json.loads(as_json(a_check(a_live_report(actions=MET)), "zh"))
    assert body["verdict"] == "approved"
    assert body["reasons"][0]["customer"] == "已通过核验。"
    assert body["challenge"]["held"] is True
    assert body["challenge"]["asked"] == ["blink", "turn_left"]
    blink = body["challenge"]["actions"][0]
    assert (blink["action"], blink["seen"], blink["at_s"], blink["strength"]) == ("blink", True, 1.08, 0.51)
    assert {score["name"] for score in body["scores"]} == {"pad_live", "parallax", "similarity", "copy_correlation"}
    assert all(score["threshold"] > 0 for score in body["scores"])
    assert body["cpu_ms"] == {"decode": 60.25, "liveness detect": 12.0}
    assert body["waited_ms"] == {"liveness detect": 300.5}
    assert (body["liveness"]["yaw_range_deg"], body["match"]["similarity"]) == (25.0, 0.7)


def test_waiting_is_no_cpu() -> None:
    (step,) = [line.split() for line in shown(a_check()).splitlines() if line.startswith("liveness detect")]
    (total,) = [line.split() for line in shown(a_check()).splitlines() if line.startswith("in all")]
    assert step[-2:] == ["12.0", "300.5"]
    assert total[-2:] == ["72.2", "300.5"]


def test_the_costs_of_both_stages_stand_apart_by_step() -> None:
    liveness = LivenessReport(cpu_ms={"detect": 12.0, "pad": 3.0}, device_ms={"detect": 300.0})
    costs = costs_of(liveness, a_match(cpu_ms={"embed": 7.0}, device_ms={"embed": 1.0}))
    assert costs.cpu_ms == {"liveness detect": 12.0, "liveness pad": 3.0, "matching embed": 7.0}
    assert costs.waited_ms == {"liveness detect": 300.0, "matching embed": 1.0}
    assert costs_of(liveness, None).waited_ms == {"liveness detect": 300.0}


def test_a_check_without_a_challenge_says_so() -> None:
    text = shown(a_check(asked=None))
    assert NO_CHALLENGE in " ".join(text.split())
    assert "actions seen (none was asked)" in text
    assert json.loads(as_json(a_check(asked=None), "en"))["challenge"]["held"] is False


def test_a_check_with_a_challenge_does_not_say_so() -> None:
    assert "no challenge" not in shown(a_check())


def test_people_read_measure_threshold_and_reason() -> None:
    text = shown(a_check(match=a_match(similarity=0.2)))
    assert "0.2000" in text
    assert ">= 0.412 (FMR 0.0001), refused < 0.338" in text
    assert "refused\n  You do not match the photo on the document." in text
    assert "[not_the_same_person]" in text


def test_an_action_that_was_not_seen_stands_beside_one_that_was() -> None:
    rows = {line.split("  ")[0].strip(): line for line in shown(a_check()).splitlines() if line[:2] in {"1.", "2."}}
    assert "yes" in rows["1. blink"]
    assert "0.51 shut" in rows["1. blink"]
    assert " no " in rows["2. turn left"]
    assert ">= 15 degrees" in rows["2. turn left"]


def test_a_clip_that_could_not_be_decoded_is_told_in_words() -> None:
    unread = Checked(
        a_check(LivenessReport(capture=(Reason.CLIP_UNREADABLE,)), asked=None).decision,
        POLICY,
        asked=None,
        size_px=None,
        cpu_ms={},
        waited_ms={},
    )
    text = shown(unread)
    assert "could not be decoded" in text
    assert "[clip_unreadable]" in text
    assert "try again" in text
