"""What is fetched and loaded, typed. Reads models/manifest.toml, which ships with this package.

A model of another maker is put in its place by a profile (models/profiles.py): its entry says in fields what its input
is and how its answer is read, so that no code has to know it.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

if TYPE_CHECKING:
    from pathlib import Path

DIGEST_CHARS = 16  # of a sha256, in reports
READ_BYTES = 1 << 20  # a file is hashed in pieces of this size

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]  # of a folder's own: no way out of it
Positive = Annotated[float, Meta(gt=0)]


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
    sha256: Sha256
    size_bytes: int
    licence: str


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a model's published file is. path: inside the package. sha256: of the published file.

    conversion: what is done to it; `free_batch` frees its batch dimension and spells out PRelu, `face_api` builds the
                network round face-api's weights.
    beside:     further files of the package that the conversion needs: path -> sha256.
    """

    package: str
    path: str
    sha256: Sha256
    conversion: Literal["free_batch", "face_api"] = "free_batch"
    beside: dict[str, Sha256] = {}


class Pixels(Struct, frozen=True, forbid_unknown_fields=True):
    """(x - mean) * scale for x in 0..255: one number, or one for each channel in the model's own order."""

    mean: Annotated[tuple[float, ...], Meta(min_length=1, max_length=3)]
    scale: Annotated[tuple[float, ...], Meta(min_length=1, max_length=3)]


class Alignment(Struct, frozen=True, forbid_unknown_fields=True):
    """How a face is laid into the chip.

    template:  `arcface`: eye centres, nose tip and mouth corners, of a 112 px chip and scaled to this one's size.
               `dlib`: eye corners and the nose's base, as dlib's get_face_chip lays them.
               `points`: as given.
    padding:   of `dlib` alone: the margin on each side, as a share of the face.
    points:    of `points` alone: x, y in pixels of the chip.
    landmarks: of `points` alone: for each of them the iBUG-68 points whose middle goes there; left out: eye centres
               (image left before right), nose tip, mouth corners (the same), for five points.
    """

    template: Literal["arcface", "dlib", "points"]
    padding: Annotated[float, Meta(ge=0, le=2)] = 0.25
    points: tuple[tuple[float, float], ...] = ()
    landmarks: tuple[tuple[Annotated[int, Meta(ge=0, le=67)], ...], ...] = ()


class Embedding(Struct, frozen=True, forbid_unknown_fields=True):
    """How an embedder's chip is cut and how two of its answers are compared.

    normalise:     whether an answer is divided by its length first; `cosine` always does.
    comparison:    `cosine`: the similarity is the scalar product. `euclidean`: it is 1 - distance / distance_unit,
                   -1 at least.
    distance_unit: the distance that counts as a similarity of 0.
    """

    alignment: Alignment
    comparison: Literal["cosine", "euclidean"] = "cosine"
    normalise: bool = True
    distance_unit: Positive = 1.0


class Liveness(Struct, frozen=True, forbid_unknown_fields=True):
    """How a passive PAD model's crop is cut and its answer read.

    crop_scale: the crop's side in heights of the face's box.
    answer:     `logits`: a softmax is taken; `probabilities`: they are as they are.
    live_class: which of them is the live one.
    """

    crop_scale: Positive
    live_class: Annotated[int, Meta(ge=0)]
    answer: Literal["logits", "probabilities"] = "logits"


class ModelEntry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model's contract.

    loaded_sha256: of the file that is loaded; of a converted one, after its conversion.
    source:        where it is fetched from; None: the operator puts the file into its place.
    batch:         `free`: any number at once. `one`: the file takes one image, so they are run one by one.
    input_shape:   of one item, without the batch.
    output_shapes: of one item, in the order in which the file declares its outputs.
    value_range, output_meaning: in words; pixels, embedding and liveness say it in numbers, where code reads it.
    """

    file: FileName
    loaded_sha256: Sha256
    source: Source | None = None
    batch: Literal["free", "one"] = "free"
    input_name: str
    input_shape: tuple[int, int, int]
    layout: Literal["NCHW", "NHWC"]
    colour: Literal["RGB", "BGR", "gray"]
    value_range: str
    output_shapes: tuple[tuple[int, ...], ...]
    output_meaning: str
    licence: str
    provenance: str
    pixels: Pixels | None = None
    embedding: Embedding | None = None
    liveness: Liveness | None = None


class MediaEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One clip or still for the demo and the tests."""

    package: str
    path: str
    sha256: Sha256
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
        package = entry.package if isinstance(entry, MediaEntry) else entry.source and entry.source.package
        assert package in manifest.packages, entry
    assert set(manifest.models) == set(Role), sorted(manifest.models)
    return manifest


def digest_of(entry: ModelEntry) -> str:
    """How a report names a model: file, the first 16 characters of the loaded file's sha256, and 16 of its reading's.

    Read otherwise, the same file gives other numbers, so a calibration is of a file and of a way to read it. Where the
    reading is code (detector, landmarks) only the file is named. Reading: layout, colour, shape, and what pixels,
    embedding and liveness say beyond their defaults, as msgpack: a field that is added with a default changes no digest.
    """
    named = f"{entry.file}:{entry.loaded_sha256[:DIGEST_CHARS]}"
    if entry.pixels is None:
        return named
    rules = [_said(each) for each in (entry.pixels, entry.embedding, entry.liveness)]
    reading = (entry.layout, entry.colour, entry.input_shape, *rules)
    read = hashlib.sha256(msgspec.msgpack.encode(reading, order="deterministic")).hexdigest()
    return f"{named}:{read[:DIGEST_CHARS]}"


def _said(value: object) -> object:
    """A struct as what it says beyond its defaults, by field; anything else as it is."""
    if not isinstance(value, Struct):
        return value
    named = {field.name: (getattr(value, field.name), field.default) for field in fields(value)}
    return {name: _said(own) for name, (own, default) in named.items() if own != default}


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()
