"""Objects of a local vault, durable when the call returns: the power may go the moment after (invariant I3).

Written here and not by obstore: its local store renames each object into place, knows no fsync, and costs as much CPU as
sealing does. A key is random and nobody has it before the call returns, so a half file under its own name is an orphan.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

_FOLDER_TRIES = 5  # whoever deletes a folder's last object takes the folder along, perhaps between our two calls
_MODE = 0o666  # less the umask, as the store would; the vault's own folder is its owner's alone
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def write_objects(folder: Path, objects: Mapping[str, bytes]) -> None:
    """New files `folder/operator/id/name`, by key. Raises OSError; what was written by then stays, for the caller to delete.

    A key that is not three plain names is a bug, found before anything is written: it could lead out of the folder.
    All objects are written before the first is synced, so that a journalling file system commits them together.
    """
    paths = {key: _path_of(folder, key) for key in objects}
    opened: list[int] = []
    try:
        for key, content in objects.items():
            opened.append(_open_new(paths[key]))
            _write(opened[-1], content)
        for descriptor in opened:
            os.fsync(descriptor)
    except OSError:
        _remove_empty({place for path in paths.values() for place in (path.parent, path.parent.parent)})
        raise
    finally:
        for descriptor in opened:
            os.close(descriptor)
    # A name lasts once its folder is synced, and the folder's own name likewise, up to the vault's.
    for place in _deepest_first({place for path in paths.values() for place in (path.parent, path.parent.parent, folder)}):
        _sync(place)


def _path_of(folder: Path, key: str) -> Path:
    operator, identity, name = key.split("/")  # ValueError for any other number
    if not all(part.strip(".") for part in (operator, identity, name)):
        raise ValueError("a part of the key is no name")
    return folder / operator / identity / name


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


def _remove_empty(places: set[Path]) -> None:
    """Folders that were made for objects which then could not be: no object's end would take them along."""
    for place in _deepest_first(places):
        with contextlib.suppress(OSError):  # not empty, or not there
            place.rmdir()


def _deepest_first(places: set[Path]) -> list[Path]:
    return sorted(places, key=lambda at: -len(at.parts))


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
