"""Which software judged: its version, and a digest of its sources and of the libraries that it judges with."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import as_file, files

PACKAGES = ("realname", "models", "workers")  # what `models` and `workers` may import, so all that a verdict comes from
SOURCES = (".py", ".toml")
LIBRARIES = ("av", "numpy", "onnxruntime", "onnxruntime-gpu", "opencv-python-headless")
DIGEST_CHARS = 16


def software() -> str:
    """`0.1.0 (1f0c...)`. Another digest: another release, a changed line, or another version of a library."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        with as_file(files(package)) as folder:
            for file in sorted(path for path in folder.rglob("*") if path.suffix in SOURCES and path.is_file()):
                name = f"{package}/{file.relative_to(folder).as_posix()}"
                digest.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    for library in LIBRARIES:
        digest.update(f"{library} {_version(library)}\n".encode())
    return f"{_version('realname')} ({digest.hexdigest()[:DIGEST_CHARS]})"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
