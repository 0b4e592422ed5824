"""Objects of a local vault: whole under their keys, and there however folders come and go beside them."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from obstore.store import LocalStore

from realname.errors import Transient, VaultFull
from realname.local_objects import LocalObjects
from realname.vault import Plain, Vault, open_vault
from tests.builders import an_id
from tests.fakes.intake import FakeKeys


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


LARGE = os.urandom(3_000_000)  # more than one write() is asked for in practice


def test_every_object_lies_whole_under_its_key(tmp_path: Path) -> None:
    LocalObjects(tmp_path).write({"north/a/1": b"portrait", "north/a/2": LARGE, "north/b/3": b""})
    assert (tmp_path / "north/a/1").read_bytes() == b"portrait"
    assert (tmp_path / "north/a/2").read_bytes() == LARGE
    assert (tmp_path / "north/b/3").read_bytes() == b""


def test_a_key_is_never_written_twice(tmp_path: Path) -> None:
    LocalObjects(tmp_path).write({"north/a/1": b"first"})
    with pytest.raises(FileExistsError):
        LocalObjects(tmp_path).write({"north/a/1": b"second"})
    assert (tmp_path / "north/a/1").read_bytes() == b"first"


@pytest.mark.parametrize("key", ["../out/1", "north/../1", "/north/a/1", "north/a", "north/a/b/1", "north//1", "north/a/.", ""])
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "vault"
    folder.mkdir()
    with pytest.raises(ValueError):  # noqa: PT011 - a bug of the caller; its words are nobody's
        LocalObjects(folder).write({"north/a/2": b"x", key: b"x"})
    assert [path for path in tmp_path.rglob("*") if path != folder] == []


def test_where_no_object_can_be_made_no_folder_is_left(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        LocalObjects(tmp_path).write({f"north/a/{'n' * 300}": b"x"})
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_no_descriptor_open(tmp_path: Path) -> None:
    (tmp_path / "south").write_bytes(b"")
    before = descriptors()
    objects = LocalObjects(tmp_path)
    for _ in range(5):
        with pytest.raises(NotADirectoryError):
            objects.write({f"north/{an_id()}/1": b"x", "south/f/2": b"x"})
    assert descriptors() <= before + 1, "its operator's folder"
    del objects
    assert descriptors() == before


def test_only_an_operators_folder_stays_open(tmp_path: Path) -> None:
    before = descriptors()
    objects = LocalObjects(tmp_path)
    for number in range(20):
        objects.write({f"north/{an_id()}/{number}": b"x", f"harbor/{an_id()}/{number}": b"x"})
    assert descriptors() == before + 2


def test_an_operators_folder_that_another_process_removed_or_made_anew_is_found(tmp_path: Path) -> None:
    objects = LocalObjects(tmp_path)
    store = LocalStore(str(tmp_path), automatic_cleanup=True)
    objects.write({"north/a/1": b"first"})
    store.delete("north/a/1")
    assert list(tmp_path.iterdir()) == []
    objects.write({"north/b/2": b"second"})
    assert (tmp_path / "north/b/2").read_bytes() == b"second"
    store.delete("north/b/2")
    LocalObjects(tmp_path).write({"north/c/3": b"another's"})
    objects.write({"north/d/4": b"fourth"})
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*/*")) == ["north/c/3", "north/d/4"]


def test_an_operators_folder_that_was_moved_away_is_not_written_to(tmp_path: Path) -> None:
    objects = LocalObjects(tmp_path)
    objects.write({"north/a/1": b"first"})
    (tmp_path / "north").rename(tmp_path / "kept")
    objects.write({"north/b/2": b"second"})
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*/*")) == ["kept/a/1", "north/b/2"]


@pytest.mark.parametrize("free_bytes_min", [0, 1])
def test_a_vault_whose_folder_is_gone_takes_nothing_and_is_not_made_anew_for_all_to_read(
    tmp_path: Path, free_bytes_min: int
) -> None:
    folder = tmp_path / "vault"
    vault = open_vault(f"file://{folder}", FakeKeys(), free_bytes_min=free_bytes_min)
    folder.rmdir()
    with pytest.raises(Transient):
        vault.put(b"p", operator="north", registration_id=an_id(), kind="clip", media_type="v")
    assert not folder.exists()


class BrokenVault(Vault):
    """Its second object of each registration cannot be written: its name is too long."""

    def _write(self, objects):
        first, *rest = objects
        super()._write({first: objects[first]} | {key + "n" * 300: objects[key] for key in rest})


def test_of_a_registration_that_cannot_be_written_whole_nothing_is_left(tmp_path: Path) -> None:
    vault = BrokenVault(LocalStore(str(tmp_path)), FakeKeys(), folder=tmp_path)
    media = {"portrait": Plain(b"p", "image/jpeg"), "clip": Plain(b"c", "video/mp4")}
    with pytest.raises(Transient):
        vault.put_all(media, operator="north", registration_id=an_id())
    assert list(vault.objects()) == []


class BlockedVault(Vault):
    """A file stands where a folder of its own must be, so that no object can be made."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "north").write_bytes(b"")
        super().__init__(LocalStore(str(folder), automatic_cleanup=True), FakeKeys(), folder=folder)


def test_a_path_with_space_in_its_name_is_not_a_full_vault(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        BlockedVault(tmp_path / "workspace" / "quota").put(
            b"p", operator="north", registration_id=an_id(), kind="clip", media_type="v"
        )


class FullStore:
    """No disk in a test can be full; this store says what the system would."""

    def __init__(self, number: int) -> None:
        self._number = number

    def put(self, *_: object, **__: object) -> None:
        raise OSError(self._number, os.strerror(self._number))

    def delete(self, _: str) -> None:
        raise FileNotFoundError


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_full_vault(number: int) -> None:
    with pytest.raises(VaultFull):
        Vault(FullStore(number), FakeKeys()).put(b"p", operator="north", registration_id=an_id(), kind="clip", media_type="v")


def test_a_folder_that_goes_with_its_last_object_is_made_again(tmp_path: Path) -> None:
    """The store of a local vault takes empty folders along when it deletes: also one that a put has just looked for."""
    store = LocalStore(str(tmp_path), automatic_cleanup=True)
    shared = LocalObjects(tmp_path)
    failed: list[OSError] = []
    over = threading.Event()

    def put() -> None:
        try:
            for number in range(150):
                shared.write({f"north/same/{number}": b"x"})
                store.delete(f"north/same/{number}")
        except OSError as error:
            failed.append(error)
        finally:
            over.set()

    def delete(objects: LocalObjects) -> None:
        number = 0
        while not over.is_set():
            objects.write({f"north/same/{id(objects)}-{number}": b"x"})
            store.delete(f"north/same/{id(objects)}-{number}")
            number += 1

    others = (shared, LocalObjects(tmp_path))  # of this process, and as another process would
    threads = [threading.Thread(target=put), *(threading.Thread(target=delete, args=(each,)) for each in others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
