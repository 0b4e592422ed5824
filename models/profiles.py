"""Which file plays which role: the manifest's own, or what a profile puts in place of some. No code knows a profile.

A profile is a TOML file: entries as in models/manifest.toml for the roles that it replaces. It ships with the code
(models/profiles/) or lies with the operator, its model files in the models' folder or beside it. docs/models.md shows
one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from math import isfinite, prod
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from models.alignment import AlignmentWrong, template_of
from models.manifest import Manifest, ModelEntry, Package, Role, read_manifest
from models.pixels import size_of
from realname.errors import SettingsWrong
from realname.shipped import read_toml
from realname.stages import CHIPS_BYTES_MAX

DEFAULT = "default"  # the manifest's own models
# What a profile may replace. The detector's boxes and the order of the landmarks are read by code.
REPLACEABLE = frozenset({Role.SPOOF, Role.EMBEDDER})
CHANNELS = {"gray": 1, "RGB": 3, "BGR": 3}
SCALE_MIN, SCALE_MAX = 1e-4, 10.0  # of pixels in 0..255; those in use are 1 / 128, 1 / 255, 1 / (255 x .22) and 1
CROP_SCALE_MIN, CROP_SCALE_MAX = 0.5, 6.0  # MiniFASNet's are 1 to 4
# Of one chip: bytes of its packing and sealing beyond its pixels, at most. Lossless packing of noise gains nothing.
CHIP_EXTRA_BYTES = 1500


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """The file. packages: where its models are fetched from, if they are."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    about: str
    models: dict[Role, ModelEntry]
    packages: dict[str, Package] = {}


@dataclass(frozen=True, slots=True)
class Loadout:
    """What a process loads. beside: the folder of the operator's profile; None for a shipped one."""

    name: str
    entries: dict[Role, ModelEntry]
    packages: dict[str, Package]
    beside: Path | None = None

    def path_of(self, role: Role, folder: Path) -> Path:
        """Where the role's file is looked for: in the models' folder, else beside the profile."""
        kept = folder / self.entries[role].file
        if self.beside is None or kept.is_file():
            return kept
        placed = self.beside / self.entries[role].file
        return placed if placed.is_file() else kept


def read_loadout(name_or_path: str = DEFAULT) -> Loadout:
    """The models of a profile that ships with the code, or of a TOML file. Raises SettingsWrong, naming what is wrong."""
    manifest = read_manifest()
    if name_or_path == DEFAULT:
        return Loadout(DEFAULT, dict(manifest.models), dict(manifest.packages))
    toml = read_toml("models profile", "models", "profiles", name_or_path)
    try:
        profile = msgspec.convert(tomllib.loads(toml.text), type=Profile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsWrong(f"models profile {name_or_path!r}: {error}") from error
    if toml.beside is not None and profile.name in shipped_profiles():
        raise SettingsWrong(f"models profile {name_or_path!r}: {profile.name!r} ships with the code: give it a name of its own")
    return _laid_over(manifest, profile, toml.beside)


def profiles_by_name(names_or_paths: Iterable[str]) -> dict[str, str]:
    """The name that each profile bears -> how it was given. Raises SettingsWrong where two bear one name.

    A plan names its weights by that name, so of two the later would judge what the first was activated for.
    """
    found: dict[str, str] = {}
    for given in names_or_paths:
        name = read_loadout(given).name
        if found.setdefault(name, given) != given:
            raise SettingsWrong(f"models profiles {found[name]!r} and {given!r} are both named {name!r}: rename one")
    return found


def shipped_profiles() -> list[str]:
    """The names of the profiles that ship with the code, the default one first."""
    folder = files("models").joinpath("profiles")
    return [DEFAULT, *sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))]


def _laid_over(manifest: Manifest, profile: Profile, beside: Path | None) -> Loadout:
    for role, entry in profile.models.items():
        wrong = fault_of(role, entry)
        if wrong is None and entry.source is not None and entry.source.package not in manifest.packages | profile.packages:
            wrong = f"no package {entry.source.package} is described"
        if wrong is not None:
            raise SettingsWrong(f"models profile {profile.name!r}: models.{role.value}: {wrong}")
    return Loadout(profile.name, manifest.models | profile.models, manifest.packages | profile.packages, beside)


def fault_of(role: Role, entry: ModelEntry) -> str | None:
    """Why the entry cannot play the role; None where it can."""
    if role not in REPLACEABLE:
        return f"only {' and '.join(sorted(REPLACEABLE))} can be replaced: how this one is read is code"
    height, width = size_of(entry)
    channels = prod(entry.input_shape) // (height * width)
    if channels != CHANNELS[entry.colour]:
        return f"{entry.colour} has {CHANNELS[entry.colour]} channels, input_shape as {entry.layout} has {channels}"
    wrong = _pixels_fault(entry, channels)
    if wrong is not None:
        return wrong
    if len(entry.output_shapes) != 1 or len(entry.output_shapes[0]) != 1:
        return f"one output of one dimension is read, output_shapes has {entry.output_shapes}"
    return _spoof_fault(entry, height, width) if role is Role.SPOOF else _embedder_fault(entry, height, width)


def _pixels_fault(entry: ModelEntry, channels: int) -> str | None:
    if entry.pixels is None or not {len(entry.pixels.mean), len(entry.pixels.scale)} <= {1, channels}:
        return f"pixels is needed: mean and scale, of 1 or {channels} numbers each"
    if not all(map(isfinite, _numbers_of(entry))):
        return "a number that is none, or infinite, means nothing"
    if not all(SCALE_MIN <= abs(scale) <= SCALE_MAX for scale in entry.pixels.scale):
        return f"pixels.scale must lie between {SCALE_MIN:g} and {SCALE_MAX:g}: beyond, all faces look alike to a model"
    return None


def _numbers_of(entry: ModelEntry) -> Iterator[float]:
    """Every number that says how the entry's input and output are read, but for the points, which template_of looks at."""
    if entry.pixels is not None:
        yield from (*entry.pixels.mean, *entry.pixels.scale)
    if entry.embedding is not None:
        yield from (entry.embedding.alignment.padding, entry.embedding.distance_unit)
    if entry.liveness is not None:
        yield entry.liveness.crop_scale


def _spoof_fault(entry: ModelEntry, height: int, width: int) -> str | None:
    if entry.liveness is None:
        return "liveness is needed: crop_scale, live_class, answer"
    if entry.liveness.live_class >= entry.output_shapes[0][0]:
        return f"live_class {entry.liveness.live_class} is beyond the output's {entry.output_shapes[0][0]} classes"
    if not CROP_SCALE_MIN <= entry.liveness.crop_scale <= CROP_SCALE_MAX:
        return f"liveness.crop_scale must lie between {CROP_SCALE_MIN:g} and {CROP_SCALE_MAX:g} heights of the face's box"
    return None if height == width else f"the crop is square, the input is {width} x {height}"


def _embedder_fault(entry: ModelEntry, height: int, width: int) -> str | None:
    """A chip travels from liveness to matching in a message of limited size; at least the best one has to fit."""
    if entry.embedding is None:
        return "embedding is needed: alignment, comparison"
    if height * width * 3 + CHIP_EXTRA_BYTES > CHIPS_BYTES_MAX:
        return f"a chip of {width} x {height} does not surely fit the {CHIPS_BYTES_MAX} bytes of a message; 160 x 160 does"
    try:
        template_of(entry.embedding.alignment, width=width, height=height)
    except AlignmentWrong as error:
        return str(error)
    return None
