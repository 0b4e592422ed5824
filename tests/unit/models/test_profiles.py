"""Profiles: another model by an entry alone, and what an entry may not say."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from msgspec.structs import replace

from models.manifest import Alignment, Pixels, Role
from models.profiles import DEFAULT, fault_of, profiles_by_name, read_loadout, shipped_profiles
from realname.errors import SettingsWrong

DEFAULTS = read_loadout()
EMBEDDER, SPOOF = DEFAULTS.entries[Role.EMBEDDER], DEFAULTS.entries[Role.SPOOF]
OWN = """
name = "licensed"
about = "a licensed embedder"

[models.embedder]
file = "licensed.onnx"
loaded_sha256 = "{digest}"
batch = "one"
input_name = "data"
input_shape = [112, 96, 3]
layout = "NHWC"
colour = "BGR"
value_range = "(x - 127.5) / 127.5"
output_shapes = [[256]]
output_meaning = "embedding"
licence = "by contract"
provenance = "as its maker says"
pixels = {{ mean = [127.5], scale = [0.00784313725] }}

[models.embedder.embedding.alignment]
template = "points"
points = [[30.3, 51.7], [65.5, 51.5], [48.0, 71.7], [33.5, 92.4], [62.7, 92.2]]
"""


def own(folder: Path, text: str = OWN) -> str:
    file = folder / "licensed.toml"
    file.write_text(text.format(digest="0" * 64))
    return str(file)


def test_a_profile_of_an_operator_replaces_what_it_names_and_keeps_the_rest(tmp_path: Path):
    loadout = read_loadout(own(tmp_path))
    assert loadout.name == "licensed"
    assert loadout.entries[Role.EMBEDDER].output_shapes == ((256,),)
    assert {role for role in Role if loadout.entries[role] == DEFAULTS.entries[role]} == set(Role) - {Role.EMBEDDER}


def test_its_file_lies_in_the_models_folder_or_beside_the_profile(tmp_path: Path):
    (tmp_path / "beside").mkdir()
    kept = tmp_path / "models"
    kept.mkdir()
    loadout = read_loadout(own(tmp_path / "beside"))
    assert loadout.path_of(Role.EMBEDDER, kept) == kept / "licensed.onnx"  # nowhere: where it is asked for is named
    (tmp_path / "beside" / "licensed.onnx").touch()
    assert loadout.path_of(Role.EMBEDDER, kept) == tmp_path / "beside" / "licensed.onnx"
    (kept / "licensed.onnx").touch()
    assert loadout.path_of(Role.EMBEDDER, kept) == kept / "licensed.onnx"
    assert loadout.path_of(Role.SPOOF, kept) == kept / "fr_liveness.onnx"


def test_the_profiles_that_ship_are_the_default_and_each_file():
    shipped = shipped_profiles()
    assert shipped[0] == DEFAULT
    for name in shipped[1:]:
        text = files("models").joinpath("profiles", f"{name}.toml").read_text("utf-8")
        assert tomllib.loads(text)["name"] == name == read_loadout(name).name


@pytest.mark.parametrize("shipped", shipped_profiles())
def test_a_file_that_bears_a_shipped_name_is_refused(tmp_path: Path, shipped: str):
    """As a candidate it would be found under that name, in place of the live weights."""
    with pytest.raises(SettingsWrong, match=f"'{shipped}' ships with the code"):
        read_loadout(own(tmp_path, OWN.replace('"licensed"', f'"{shipped}"')))


def test_two_profiles_of_one_name_are_refused_and_one_given_twice_is_one(tmp_path: Path):
    (tmp_path / "other").mkdir()
    live, candidate = own(tmp_path), own(tmp_path / "other", OWN.replace("by contract", "on trial"))
    with pytest.raises(SettingsWrong, match="both named 'licensed'"):
        profiles_by_name((live, candidate))
    assert profiles_by_name((DEFAULT, live, live)) == {"default": "default", "licensed": live}


def test_a_profile_that_is_not_there_is_named():
    with pytest.raises(SettingsWrong, match="nowhere"):
        read_loadout("nowhere")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"BGR"', '"CMYK"'), "CMYK"),
        (('"licensed.onnx"', '"../licensed.onnx"'), "file"),
        (("models.embedder", "models.detector"), "only embedder and spoof can be replaced"),
        (("[112, 96, 3]", "[112, 96, 1]"), "BGR has 3 channels"),
        (("mean = [127.5]", "mean = [1.0, 2.0]"), "pixels"),
        (("[[256]]", "[[256], [2]]"), "one output"),
        (("input_name", "input_nome"), "input_nome"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused_at_once_and_says_why(tmp_path: Path, change: tuple[str, str], words: str):
    with pytest.raises(SettingsWrong, match=words):
        read_loadout(own(tmp_path, OWN.replace(*change)))


def test_a_package_that_nobody_describes_is_named(tmp_path: Path):
    source = 'source = {{ package = "unheard-of", path = "a.onnx", sha256 = "{digest}" }}\ninput_name'
    with pytest.raises(SettingsWrong, match="no package unheard-of"):
        read_loadout(own(tmp_path, OWN.replace("input_name", source)))


def test_a_chip_that_would_not_fit_its_message_is_refused():
    assert "160 x 160 does" in (fault_of(Role.EMBEDDER, replace(EMBEDDER, input_shape=(3, 224, 224))) or "")
    assert fault_of(Role.EMBEDDER, replace(EMBEDDER, input_shape=(3, 160, 160))) is None


def test_what_a_role_needs_is_asked_for():
    assert "embedding is needed" in (fault_of(Role.EMBEDDER, replace(EMBEDDER, embedding=None)) or "")
    assert "liveness is needed" in (fault_of(Role.SPOOF, replace(SPOOF, liveness=None)) or "")
    assert "pixels is needed" in (fault_of(Role.SPOOF, replace(SPOOF, pixels=None)) or "")
    assert "live_class 3" in (fault_of(Role.SPOOF, replace(SPOOF, liveness=replace(SPOOF.liveness, live_class=3))) or "")
    assert "square" in (fault_of(Role.SPOOF, replace(SPOOF, input_shape=(3, 128, 96))) or "")
    skewed = replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, alignment=Alignment("points")))
    assert "0 points" in (fault_of(Role.EMBEDDER, skewed) or "")
    gray = replace(SPOOF, colour="gray", input_shape=(1, 128, 128), pixels=Pixels(mean=(0.0,), scale=(1.0,)))
    assert fault_of(Role.SPOOF, gray) is None


NAN = float("nan")


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (Pixels(mean=(0.0,), scale=(0.0,)), "pixels.scale"),
        (Pixels(mean=(0.0,), scale=(1.0, 0.0, 1.0)), "pixels.scale"),
        (Pixels(mean=(0.0,), scale=(1e9,)), "pixels.scale"),
        (Pixels(mean=(0.0,), scale=(NAN,)), "is none"),
        (Pixels(mean=(float("inf"),), scale=(1.0,)), "is none"),
    ],
)
def test_pixels_that_would_make_all_faces_alike_are_refused(pixels: Pixels, words: str):
    for role, entry in ((Role.EMBEDDER, EMBEDDER), (Role.SPOOF, SPOOF)):
        assert words in (fault_of(role, replace(entry, pixels=pixels)) or "")


@pytest.mark.parametrize("unit", [NAN, float("inf")])
def test_a_distance_that_is_no_number_is_refused(unit: float):
    assert "is none" in (
        fault_of(Role.EMBEDDER, replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, distance_unit=unit))) or ""
    )


@pytest.mark.parametrize("crop_scale", [1e-3, 1e9])
def test_a_crop_that_shows_no_face_is_refused(crop_scale: float):
    assert "crop_scale" in (fault_of(Role.SPOOF, replace(SPOOF, liveness=replace(SPOOF.liveness, crop_scale=crop_scale))) or "")


def test_a_file_with_a_number_that_is_none_is_refused_when_it_is_read(tmp_path: Path):
    with pytest.raises(SettingsWrong, match="is none"):
        read_loadout(own(tmp_path, OWN.replace("scale = [0.00784313725]", "scale = [nan]")))


def test_what_ships_fits_its_role():
    for name in shipped_profiles():
        entries = read_loadout(name).entries
        assert [fault_of(role, entries[role]) for role in (Role.EMBEDDER, Role.SPOOF)] == [None, None]
