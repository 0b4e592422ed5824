"""Objects of a local vault, durable when the call returns: the power may go the moment after (invariant I3).

Written here and not by obstore: its local store renames each object into place, knows no fsync, and costs as much CPU as
sealing does. A key is random and nobody has it before the call returns, so a half file under its own name is an orphan.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_FOLDER_TRIES = 5  # whoever deletes a folder's last object takes the folder along, perhaps between our two calls
_MODE = 0o666  # less the umask, as the store would; the vault's own folder is its owner's alone
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class _Open:
    """A folder that is open for as long as somebody uses it."""

    def __init__(self, descriptor: int) -> None:
        """descriptor: belongs to this object from here on."""
        self.descriptor = descriptor

    def __del__(self) -> None:
        """The last user, on whichever thread, has let go."""
        os.close(self.descriptor)

    def is_at(self, path: Path) -> bool:
        """Whether the path leads here still: somebody may have moved the folder, or mounted another over it."""
        try:
            return os.path.samestat(path.stat(), os.fstat(self.descriptor))
        except FileNotFoundError:
            return False


class _Place(NamedTuple):
    """A registration's folder within its operator's."""

    operator: _Open
    registration: _Open


class LocalObjects:
    """The folder of one vault: `folder/operator/id/name`. Thread-safe.

    Operators' folders are kept open, each once its own name is durable, so that it is synced with the vault's folder once
    and not for every registration. An open folder's inode goes to no other, and nothing can be made in one that was
    removed: what is made in it is made under a name that lasts. One that was moved is opened anew, by its name. The vault's
    own folder is never made here: open_vault does that, for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        """Touches nothing yet."""
        self._folder = folder
        self._operators: dict[str, _Open] = {}

    def write(self, objects: Mapping[str, bytes]) -> None:
        """New files, by key. Raises OSError; what was written by then stays, for the caller to delete.

        A key that is not three plain names is a bug, found before anything is written: it could lead out of the folder.
        All objects are written before the first is synced, so that a journalling file system commits them together.
        """
        keys = {key: _parts_of(key) for key in objects}
        places: dict[tuple[str, str], _Place] = {}
        opened: list[int] = []
        try:
            for key, (operator, identity, name) in keys.items():
                opened.append(self._open_new(places, operator, identity, name))
                _write(opened[-1], objects[key])
            for descriptor in opened:
                os.fsync(descriptor)
        except OSError:
            self._remove_empty({(operator, identity) for operator, identity, _ in keys.values()})
            raise
        finally:
            for descriptor in opened:
                os.close(descriptor)
        # A name lasts once its folder is synced, and the folder's own name likewise, up to the vault's.
        for place in places.values():
            os.fsync(place.registration.descriptor)
        for above in {place.operator for place in places.values()}:
            os.fsync(above.descriptor)

    def _open_new(self, places: dict[tuple[str, str], _Place], operator: str, identity: str, name: str) -> int:
        """A new file's descriptor. places: where this call has made files already: such a folder does not go."""
        tries = _FOLDER_TRIES
        while True:
            place = places.get((operator, identity))
            try:
                place = place or self._place(operator, identity)
                descriptor = os.open(name, _NEW, _MODE, dir_fd=place.registration.descriptor)
            except OSError as error:  # the operator's folder may have gone; a network's file system has another word for it
                self._operators.pop(operator, None)
                tries -= 1
                if not (tries and isinstance(error, FileNotFoundError)):
                    raise
            else:
                places[operator, identity] = place
                return descriptor

    def _place(self, operator: str, identity: str) -> _Place:
        above = self._operators.get(operator)
        if above is None or not above.is_at(self._folder / operator):
            above = self._open_operator(operator)
        with contextlib.suppress(FileExistsError):
            os.mkdir(identity, dir_fd=above.descriptor)
        return _Place(above, _Open(os.open(identity, _FOLDER, dir_fd=above.descriptor)))

    def _open_operator(self, operator: str) -> _Open:
        """Its folder, under a name that lasts: synced after it was opened, so another of that name is not mistaken for it."""
        path = self._folder / operator
        with contextlib.suppress(FileExistsError):
            path.mkdir()
        found = _Open(os.open(path, _FOLDER))
        above = _Open(os.open(self._folder, _FOLDER))
        os.fsync(above.descriptor)
        self._operators[operator] = found
        return found

    def _remove_empty(self, places: set[tuple[str, str]]) -> None:
        """Folders that were made for objects which then could not be: no object's end would take them along."""
        for operator, identity in places:
            for path in (self._folder / operator / identity, self._folder / operator):
                with contextlib.suppress(OSError):  # not empty, or not there
                    path.rmdir()


def _parts_of(key: str) -> tuple[str, str, str]:
    operator, identity, name = key.split("/")  # ValueError for any other number
    if not (operator.strip(".") and identity.strip(".") and name.strip(".")):
        raise ValueError("a part of the key is no name")
    return operator, identity, name


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
