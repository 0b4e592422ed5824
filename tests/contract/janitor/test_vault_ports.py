"""Deletions and listings as the janitor expects them, on the fake and on a real vault in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from realname.ids import partition_of
from realname.keys import FileKeys
from realname.vault import StoredObject, open_vault
from services.janitor.deletions import VaultDeletions
from services.janitor.pending import Deletion
from services.janitor.ports import Deletions, Outcome
from services.janitor.sweep import VaultSweep
from tests.builders import an_id
from tests.eventually import eventually
from tests.fakes.janitor import FakeVault

PARTITIONS = 4
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Rig(NamedTuple):
    deletions: Deletions
    store: Callable[[str, str, str], str]
    keys: Callable[[], set[str]]


class Folder:
    """A vault's folder, written to as intake would, without its keys."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.vault = open_vault(f"file://{path}", FileKeys(path / "none"))

    def store(self, operator: str, registration_id: str, name: str, at: datetime = LONG_AGO) -> str:
        target = self.path / operator / registration_id / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"sealed" * 10)
        os.utime(target, (at.timestamp(), at.timestamp()))
        return f"{operator}/{registration_id}/{name}"

    def keys(self) -> set[str]:
        return {found.key for found in self.vault.objects()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "vault")


@pytest.fixture(params=["fake", "real"])
def rig(request: pytest.FixtureRequest, folder: Folder) -> Iterator[Rig]:
    if request.param == "fake":
        fake = FakeVault()
        yield Rig(fake, lambda *names: fake.store(*names, LONG_AGO), lambda: set(fake.objects))
        return
    real = VaultDeletions(folder.vault, threads=2)
    yield Rig(real, folder.store, folder.keys)
    real.close()


def a_deletion(identity: str) -> Deletion:
    return Deletion(0, 0, "north", identity, "approved")


def outcomes(deletions: Deletions, count: int) -> list[Outcome]:
    found: list[Outcome] = []
    eventually(lambda: found.extend(deletions.finished(0.1)) or len(found) >= count)
    return found


def test_a_registration_goes_with_all_its_objects_and_no_others(rig: Rig) -> None:
    identity, other = an_id(), an_id()
    for name in ("a", "b", "c"):
        rig.store("north", identity, name)
    kept = {rig.store("north", other, "a"), rig.store("harbor", identity, "a")}
    rig.deletions.start(a_deletion(identity))
    assert outcomes(rig.deletions, 1) == [Outcome(a_deletion(identity), 3)]
    assert rig.keys() == kept


def test_a_deletion_repeated_deletes_nothing_and_is_no_failure(rig: Rig) -> None:
    identity = an_id()
    rig.store("north", identity, "a")
    for expected in (1, 0):
        rig.deletions.start(a_deletion(identity))
        assert [outcome.deleted for outcome in outcomes(rig.deletions, 1)] == [expected]


def test_one_object_goes_alone(rig: Rig) -> None:
    identity = an_id()
    gone, kept = rig.store("north", identity, "a"), rig.store("north", identity, "b")
    rig.deletions.start(StoredObject(gone, "north", identity, 60, LONG_AGO))
    outcomes(rig.deletions, 1)
    assert rig.keys() == {kept}


def test_nothing_has_finished_where_nothing_runs(rig: Rig) -> None:
    assert rig.deletions.finished(0.0) == []
    assert rig.deletions.room > 0


def test_a_listing_counts_all_and_offers_only_what_is_old_ours_and_not_pending(folder: Folder) -> None:
    now = datetime.now(tz=UTC)
    old, young, pending, foreign = an_id(), an_id(), an_id(), an_id()
    for identity, at in ((old, LONG_AGO), (young, now), (pending, LONG_AGO)):
        folder.store("north", identity, "a", at)
    folder.store("harbor", foreign, "a")
    folder.store("north", "not-an-id", "a")
    owned = frozenset(partition_of(identity, PARTITIONS) for identity in (old, young, pending))
    sweep = VaultSweep(folder.vault, partitions=PARTITIONS)
    sweep.start(owned, now - timedelta(hours=2), lambda identity: identity == pending)
    assert sweep.is_running
    listing = eventually(sweep.result)
    assert not sweep.is_running
    foreign_is_ours = partition_of(foreign, PARTITIONS) in owned
    wanted = {old, foreign} if foreign_is_ours else {old}
    assert {found.stored.registration_id for found in listing.candidates} == wanted
    north = listing.holdings["north"]
    assert (north.objects, north.size_bytes, north.oldest_at) == (3, 180, LONG_AGO)
    sweep.close()


def test_without_the_time_a_listing_only_counts(folder: Folder) -> None:
    folder.store("north", an_id(), "a")
    sweep = VaultSweep(folder.vault, partitions=1)
    sweep.start(frozenset({0}), None, lambda _: False)
    listing = eventually(sweep.result)
    assert listing.candidates == []
    assert listing.holdings["north"].objects == 1
    sweep.close()
