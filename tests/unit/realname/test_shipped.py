"""Files that name each other: a shipped name, or a path that leads from the file that says it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from realname.calibration import load_calibration
from realname.errors import SettingsWrong
from realname.policy import load_policy
from realname.shipped import read_toml

TABLE = files("realname").joinpath("calibrations", "lfw-fr-feature.toml").read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files; the process runs in another one."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_calibration_lies_beside_the_policy_that_names_it(folder: Path):
    written(folder / "ours.toml", TABLE.replace('name = "lfw-fr-feature"', 'name = "ours"'))
    policy = written(folder / "mine.toml", "inherits = 'production'\nversion = 'x'\n[match]\ncalibration = 'ours.toml'\n")
    assert load_policy(str(policy)).calibration.name == "ours"
    assert load_policy("../mine.toml").calibration.name == "ours"
    assert load_policy(str(policy)).match.calibration == "ours.toml"  # as it was written: two folders, one policy


def test_what_a_policy_inherits_lies_beside_it_with_its_own_calibration(folder: Path):
    written(folder / "base" / "ours.toml", TABLE.replace('name = "lfw-fr-feature"', 'name = "ours"'))
    written(folder / "base" / "base.toml", "inherits = 'production'\nversion = 'b'\n[match]\ncalibration = 'ours.toml'\n")
    policy = written(folder / "mine.toml", "inherits = 'base/base.toml'\nversion = 'x'\n[match]\nframes = 5\n")
    found = load_policy(str(policy))
    assert (found.version, found.calibration.name, found.match.frames) == ("x", "ours", 5)


def test_a_policy_in_another_folder_may_name_a_shipped_calibration_over_an_inherited_one(folder: Path):
    written(folder / "ours.toml", TABLE.replace('name = "lfw-fr-feature"', 'name = "ours"'))
    written(folder / "base.toml", "inherits = 'production'\nversion = 'b'\n[match]\ncalibration = 'ours.toml'\n")
    policy = written(folder / "mine.toml", "inherits = 'base.toml'\nversion = 'x'\n[match]\ncalibration = 'lfw-fr-feature'\n")
    assert load_policy(str(policy)).calibration.name == "lfw-fr-feature"


def test_a_path_that_a_person_gives_leads_from_where_the_process_runs(folder: Path):
    written(folder / "elsewhere" / "ours.toml", TABLE)
    assert load_calibration("ours.toml").name == "lfw-fr-feature"
    with pytest.raises(SettingsWrong, match="neither shipped nor a readable file"):
        load_calibration("ours.toml", folder)


def test_only_a_name_is_a_shipped_file(folder: Path):
    written(folder / "production.toml", "version = 'mine'")
    assert read_toml("policy", "realname", "policies", "production").beside is None
    for path in ("../policies/production", str(folder / "production")):
        with pytest.raises(SettingsWrong, match="neither shipped"):
            read_toml("policy", "realname", "policies", path)
