"""`realname models`: what is said of each file, by what lies in the folder."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import msgspec
from rich.console import Console

from models.manifest import Role
from models.profiles import Loadout, read_loadout
from services.cli.models import Presence, in_short, lines_of, table_of


def loadout_of(content: bytes) -> Loadout:
    """The default models as if every one were these bytes."""
    digest, loadout = hashlib.sha256(content).hexdigest(), read_loadout()
    entries = {role: msgspec.structs.replace(entry, loaded_sha256=digest) for role, entry in loadout.entries.items()}
    return dataclasses.replace(loadout, entries=entries)


def test_a_model_is_there_or_missing_or_another_file(tmp_path: Path) -> None:
    loadout = loadout_of(b"weights")
    (tmp_path / loadout.entries[Role.DETECTOR].file).write_bytes(b"weights")
    (tmp_path / loadout.entries[Role.SPOOF].file).write_bytes(b"weight5")
    presence = {line.role: line.presence for line in lines_of(loadout, tmp_path)}
    assert presence == {
        "detector": Presence.HOLDS,
        "landmarks": Presence.MISSING,
        "spoof": Presence.WRONG,
        "embedder": Presence.MISSING,
    }


def test_each_model_says_where_it_is_from(tmp_path: Path) -> None:
    lines = lines_of(read_loadout(), tmp_path)
    assert {line.role for line in lines} == {role.value for role in Role}
    for line in lines:
        name, _, version = line.package.partition("@")
        assert version == read_loadout().packages[name].version
        assert line.licence
        assert line.provenance


def test_the_table_shows_the_start_of_a_hash_and_a_wrong_file(tmp_path: Path) -> None:
    loadout = loadout_of(b"weights")
    (tmp_path / loadout.entries[Role.SPOOF].file).write_bytes(b"weight5")
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table_of(lines_of(loadout, tmp_path), tmp_path))
    text, digest = captured.get(), hashlib.sha256(b"weights").hexdigest()
    assert digest[:16] in text
    assert digest[:17] not in text
    assert "WRONG hash" in text
    assert "not fetched" in text


def test_provenance_in_short_ends_before_its_first_remark() -> None:
    assert in_short("unknown; size and input are those of another") == "unknown"
    assert in_short("unknown weights and data (the usual sets)") == "unknown weights and data"


def test_a_file_that_the_operator_brings_has_no_package_and_lies_beside_its_profile(tmp_path: Path) -> None:
    loadout = loadout_of(b"weights")
    entry = msgspec.structs.replace(loadout.entries[Role.EMBEDDER], source=None, file="licensed.onnx")
    own = dataclasses.replace(loadout, entries=loadout.entries | {Role.EMBEDDER: entry}, beside=tmp_path / "own")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "licensed.onnx").write_bytes(b"weights")
    (line,) = (line for line in lines_of(own, tmp_path) if line.role == "embedder")
    assert (line.package, line.published_sha256, line.presence) == ("", "", Presence.HOLDS)
