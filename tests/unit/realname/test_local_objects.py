"""Objects of a local vault: whole under their keys, and there however folders come and go beside them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from obstore.store import LocalStore

from realname.errors import Transient
from realname.local_objects import write_objects
from realname.vault import Plain, Vault
from tests.builders import an_id
from tests.fakes.intake import FakeKeys


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


LARGE = os.urandom(3_000_000)  # more than one write() is asked for in practice


def test_every_object_lies_whole_under_its_key(tmp_path: Path) -> None:
    write_objects(tmp_path, {"north/a/1": b"portrait", "north/a/2": LARGE, "north/b/3": b""})
    assert (tmp_path / "north/a/1").read_bytes() == b"portrait"
    assert (tmp_path / "north/a/2").read_bytes() == LARGE
    assert (tmp_path / "north/b/3").read_bytes() == b""


def test_a_key_is_never_written_twice(tmp_path: Path) -> None:
    write_objects(tmp_path, {"north/a/1": b"first"})
    with pytest.raises(FileExistsError):
        write_objects(tmp_path, {"north/a/1": b"second"})
    assert (tmp_path / "north/a/1").read_bytes() == b"first"


def test_a_failure_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = descriptors()
    for _ in range(5):
        with pytest.raises(NotADirectoryError):
            write_objects(tmp_path, {f"north/{an_id()}/1": b"x", "north/f": b"x", "north/f/2": b"x"})
        (tmp_path / "north/f").unlink()
    assert descriptors() == before


class BrokenVault(Vault):
    """Its second object of each registration cannot be written: its folder is a file."""

    def _write(self, objects):
        first, *rest = objects
        super()._write({first: objects[first]} | {f"{first}/{number}": objects[key] for number, key in enumerate(rest)})


def test_of_a_registration_that_cannot_be_written_whole_nothing_is_left(tmp_path: Path) -> None:
    vault = BrokenVault(LocalStore(str(tmp_path)), FakeKeys(), folder=tmp_path)
    media = {"portrait": Plain(b"p", "image/jpeg"), "clip": Plain(b"c", "video/mp4")}
    with pytest.raises(Transient):
        vault.put_all(media, operator="north", registration_id=an_id())
    assert list(vault.objects()) == []


def test_a_folder_that_goes_with_its_last_object_is_made_again(tmp_path: Path) -> None:
    """The store of a local vault takes empty folders along when it deletes: also one that a put has just looked for."""
    store = LocalStore(str(tmp_path), automatic_cleanup=True)
    failed: list[OSError] = []
    over = threading.Event()

    def put() -> None:
        try:
            for number in range(150):
                write_objects(tmp_path, {f"north/same/{number}": b"x"})
                store.delete(f"north/same/{number}")
        except OSError as error:
            failed.append(error)
        finally:
            over.set()

    def delete() -> None:
        number = 0
        while not over.is_set():
            write_objects(tmp_path, {f"north/same/other-{number}": b"x"})
            store.delete(f"north/same/other-{number}")
            number += 1

    threads = [threading.Thread(target=put), threading.Thread(target=delete)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
