"""`realname models`: what is said of each file, by what lies in the folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from rich.console import Console

from models.manifest import Manifest, Role, read_manifest
from services.cli.models import Presence, in_short, lines_of, table_of


def manifest_of(content: bytes) -> Manifest:
    """The manifest as if every model were these bytes."""
    digest = hashlib.sha256(content).hexdigest()
    manifest = read_manifest()
    models = {role: msgspec.structs.replace(entry, loaded_sha256=digest) for role, entry in manifest.models.items()}
    return msgspec.structs.replace(manifest, models=models)


def test_a_model_is_there_or_missing_or_another_file(tmp_path: Path) -> None:
    manifest = manifest_of(b"weights")
    (tmp_path / manifest.models[Role.DETECTOR].file).write_bytes(b"weights")
    (tmp_path / manifest.models[Role.SPOOF].file).write_bytes(b"weight5")
    presence = {line.role: line.presence for line in lines_of(manifest, tmp_path)}
    assert presence == {
        "detector": Presence.HOLDS,
        "landmarks": Presence.MISSING,
        "spoof": Presence.WRONG,
        "embedder": Presence.MISSING,
    }


def test_each_model_says_where_it_is_from(tmp_path: Path) -> None:
    lines = lines_of(read_manifest(), tmp_path)
    assert {line.role for line in lines} == {role.value for role in Role}
    for line in lines:
        name, _, version = line.package.partition("@")
        assert version == read_manifest().packages[name].version
        assert line.licence
        assert line.provenance


def test_the_table_shows_the_start_of_a_hash_and_a_wrong_file(tmp_path: Path) -> None:
    manifest = manifest_of(b"weights")
    (tmp_path / manifest.models[Role.SPOOF].file).write_bytes(b"weight5")
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table_of(lines_of(manifest, tmp_path), tmp_path))
    text, digest = captured.get(), hashlib.sha256(b"weights").hexdigest()
    assert digest[:16] in text
    assert digest[:17] not in text
    assert "WRONG hash" in text
    assert "not fetched" in text


def test_provenance_in_short_ends_before_its_first_remark() -> None:
    assert in_short("unknown; size and input are those of another") == "unknown"
    assert in_short("unknown weights and data (the usual sets)") == "unknown weights and data"
