"""Objects of a local vault, durable when the call returns: the power may go the moment after (invariant I3).

Written here and not by obstore: its local store renames each object into place, knows no fsync, and costs as much CPU as
sealing does. A key is random and nobody has it before the call returns, so a half file under its own name is an orphan.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_FOLDER_TRIES = 5  # whoever deletes a folder's last object takes the folder along, perhaps between our two calls
_MODE = 0o666  # less the umask, as the store would; the vault's own folder is its owner's alone
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def write_objects(folder: Path, objects: Mapping[str, bytes]) -> None:
    """New files `folder/operator/id/name`, by key. Raises OSError; what was written by then stays, for the caller to delete.

    All are written before the first is synced, so that a journalling file system commits them together.
    """
    opened: list[int] = []
    try:
        for key, content in objects.items():
            opened.append(_open_new(folder / key))
            _write(opened[-1], content)
        for descriptor in opened:
            os.fsync(descriptor)
    finally:
        for descriptor in opened:
            os.close(descriptor)
    # A name lasts once its folder is synced, and the folder's own name likewise, up to the vault's.
    for place in sorted({place for key in objects for place in _folders_of(folder, key)}, key=lambda at: -len(at.parts)):
        _sync(place)


def _open_new(path: Path) -> int:
    for _ in range(_FOLDER_TRIES):
        try:
            return os.open(path, _NEW, _MODE)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, _NEW, _MODE)


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _folders_of(folder: Path, key: str) -> tuple[Path, Path, Path]:
    path = folder / key
    return path.parent, path.parent.parent, folder


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
