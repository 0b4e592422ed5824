"""The whole check as a person would start it: real models, the sandboxed decoder, a genuine cut."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench import media
from realname.messages import Verdict
from services.cli.verdict import EXIT_CODES

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n"


def checked(*arguments: str, models: Path, clips: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "REALNAME_MODELS_DIR": str(models.resolve()), "REALNAME_MEDIA_DIR": str(clips.resolve())}
    call = [sys.executable, "-m", "services.cli", "check", "--json", *arguments]
    return subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=90)


def ended_as(verdict: Verdict, done: subprocess.CompletedProcess[str]) -> dict:
    assert done.returncode == EXIT_CODES[verdict], done.stdout + done.stderr
    body = json.loads(done.stdout)
    assert body["verdict"] == verdict
    return body


def test_the_example_is_approved_and_drawn(models_folder: Path, media_folder: Path, tmp_path: Path) -> None:
    plot = tmp_path / "check.png"
    body = ended_as("approved", checked("--example", "--plot", str(plot), models=models_folder, clips=media_folder))
    assert body["challenge"]["held"] is True
    assert [trace["seen"] for trace in body["challenge"]["actions"]] == [True, True]
    assert all(score["value"] > score["threshold"] for score in body["scores"] if score["name"] != "copy_correlation")
    assert body["cpu_ms"]["decode"] > 0
    assert set(body["models"]) == {"detector", "landmarks", "spoof", "embedder"}
    assert plot.read_bytes().startswith(PNG)


def test_the_example_held_against_what_it_does_not_show_is_a_retry(models_folder: Path, media_folder: Path) -> None:
    body = ended_as("retry", checked("--example", "--actions", "turn_right", models=models_folder, clips=media_folder))
    assert body["reasons"][0]["reason"] == "wrong_side"


def test_another_persons_portrait_is_refused_without_a_challenge(models_folder: Path, media_folder: Path, tmp_path: Path) -> None:
    portrait, clip = tmp_path / "b.jpg", tmp_path / "a.mp4"
    portrait.write_bytes(media.frame_as_portrait(media_folder, *media.B_PORTRAIT))
    clip.write_bytes(media.cut(media_folder, media.A_BLINK_TURN_BLINK))
    body = ended_as("refused", checked(str(portrait), str(clip), models=models_folder, clips=media_folder))
    assert body["reasons"][0]["reason"] == "not_the_same_person"
    assert body["challenge"]["held"] is False
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.jpg"]


def test_models_that_are_not_fetched_are_named(media_folder: Path, tmp_path: Path) -> None:
    done = checked("--example", models=tmp_path, clips=media_folder)
    assert done.returncode == 4
    assert done.stdout == ""
    assert "make models" in done.stderr
