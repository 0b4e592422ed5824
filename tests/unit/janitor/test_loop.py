from __future__ import annotations

from datetime import timedelta

import pytest

from realname.envelope import Record, seal_record
from realname.errors import Transient
from realname.ids import partition_of
from realname.metrics import Metrics
from services.janitor.loop import Janitor
from services.janitor.orphan_sweep import OrphanSweep
from services.janitor.schedule import Retention
from services.janitor.sweep import Listing, list_vault
from tests.builders import NOON, an_id
from tests.fakes.janitor import FakeBroker, FakeDecisionLog, FakeSweep, FakeVault
from tests.transactions import a_decision

PARTITIONS = 2
RETENTION = Retention(objection_s=1800, review_s=72 * 3600)
ORPHAN_S = 7200


class House:
    """A janitor on fakes under a clock of its own; its broker and its vault outlive it."""

    def __init__(self) -> None:
        self.broker, self.vault = FakeBroker(PARTITIONS), FakeVault()
        self.at_s = 0.0
        self.tells_time = True
        self.clock_off_s = 0.0  # of Redis TIME
        self.start()

    def start(self) -> None:
        self.metrics = Metrics("janitor")
        self.log = FakeDecisionLog(self.broker)
        sweep = OrphanSweep(FakeSweep(self._list), self.metrics, orphan_s=ORPHAN_S, sweep_every_s=60)
        self.janitor = Janitor(
            self.log,
            self.vault,
            sweep,
            tell_time=self._tell_time,
            retention=RETENTION,
            metrics=self.metrics,
            now_s=lambda: self.at_s,
        )

    @property
    def now(self):
        return NOON + timedelta(seconds=self.at_s)

    def upload(self, registration_id: str | None = None, name: str = "clip") -> str:
        identity = registration_id or an_id()
        self.vault.store("north", identity, name, self.now)
        return identity

    def decide(self, identity: str, verdict: str) -> None:
        decided = a_decision(identity, verdict=verdict)
        self.broker.write(partition_of(identity, PARTITIONS), seal_record(decided, key=identity), self.now)

    def run(self, *, seconds: float = 0.0, turns: int = 3) -> None:
        """Some turns now, and as many after the seconds."""
        for _ in range(turns):
            self.janitor.run_once()
        self.at_s += seconds
        for _ in range(turns if seconds else 0):
            self.janitor.run_once()
            self.at_s += 1.0

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def committed(self, identity: str) -> int:
        return self.broker.committed.get(partition_of(identity, PARTITIONS), 0)

    def _tell_time(self):
        if not self.tells_time:
            raise Transient("redis_silent")
        return self.now + timedelta(seconds=self.clock_off_s)

    def _list(self, owned, stored_before, is_pending) -> Listing:
        if self.vault.is_silent:
            raise Transient("vault_silent")
        return list_vault(
            Lister(self.vault), partitions=PARTITIONS, owned=owned, stored_before=stored_before, is_pending=is_pending
        )


class Lister:
    """The one method of a vault that a listing needs."""

    def __init__(self, vault: FakeVault) -> None:
        self._vault = vault

    def objects(self):
        return iter(tuple(self._vault.objects.values()))


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize("verdict", ["approved", "retry"])
def test_media_of_a_settled_registration_goes_at_once_with_every_copy(house: House, verdict: str) -> None:
    identity = house.upload()
    house.upload(identity, "portrait")
    house.upload(identity, "clip of a repeated request")
    house.decide(identity, verdict)
    house.run(seconds=2)
    assert not house.vault.holds(identity)
    assert house.value("realname_vault_deletions_total", cause=verdict) == 3
    assert house.committed(identity) == 1


@pytest.mark.parametrize(("verdict", "stays_s"), [("refused", 1800), ("review", 72 * 3600)])
def test_media_of_an_open_end_stays_until_its_time(house: House, verdict: str, stays_s: int) -> None:
    identity = house.upload()
    house.decide(identity, verdict)
    house.run(seconds=stays_s - 60)
    assert house.vault.holds(identity)
    assert house.committed(identity) == 0
    assert house.value("realname_deletions_pending") == 1
    house.run(seconds=120)
    assert not house.vault.holds(identity)


def test_a_restart_waits_for_the_same_instant(house: House) -> None:
    identity = house.upload()
    house.decide(identity, "refused")
    house.run(seconds=1000)
    house.start()
    house.run(seconds=700)
    assert house.vault.holds(identity)
    house.run(seconds=120)
    assert not house.vault.holds(identity)


def test_a_death_between_deletion_and_commit_repeats_the_deletion(house: House) -> None:
    identity = house.upload()
    house.decide(identity, "approved")
    house.janitor.run_once()
    left = house.upload(identity, "portrait, which the deletion had not reached")
    house.broker.committed.clear()
    house.start()
    house.run(seconds=2)
    assert not house.vault.holds(left)


def test_a_silent_vault_is_asked_again_and_the_position_waits(house: House) -> None:
    identity = house.upload()
    house.decide(identity, "approved")
    house.vault.is_silent = True
    house.run(seconds=10)
    assert house.janitor.problem() == "vault_silent"
    assert house.committed(identity) == 0
    house.vault.is_silent = False
    house.run(seconds=70)
    assert not house.vault.holds(identity)
    assert house.janitor.problem() is None
    assert house.committed(identity) == 1


def test_without_the_time_only_what_goes_at_once_goes(house: House) -> None:
    house.tells_time = False
    approved, refused = house.upload(), house.upload()
    house.decide(approved, "approved")
    house.decide(refused, "refused")
    house.run(seconds=10_000)
    assert not house.vault.holds(approved)
    assert house.vault.holds(refused)
    house.tells_time = True
    house.run(seconds=60)
    assert not house.vault.holds(refused)


def test_a_clock_that_jumped_ahead_is_seen_and_believed_only_after_a_while(house: House) -> None:
    identity = house.upload()
    house.decide(identity, "refused")
    house.run(seconds=5)
    house.clock_off_s = 7200.0  # this machine slept for two hours, say: the monotonic clock does not know
    house.run(turns=300)
    house.run(seconds=5)
    assert house.janitor.problem() == "clock_jumped"
    assert house.value("realname_clock_doubted") == 1
    assert house.vault.holds(identity), "a doubt ends in deleting late"
    for _ in range(300):
        house.run(seconds=2, turns=1)
    assert house.janitor.problem() is None
    assert house.value("realname_clock_doubted") == 0
    assert not house.vault.holds(identity)


def test_a_clock_that_was_wrong_for_a_moment_deletes_nothing(house: House) -> None:
    identity = house.upload()
    house.decide(identity, "refused")
    house.run(seconds=5)
    house.clock_off_s = 7200.0
    house.run(seconds=60)
    assert house.janitor.problem() == "clock_jumped"
    house.clock_off_s = 0.0
    house.run(seconds=60)
    assert house.janitor.problem() is None
    assert house.vault.holds(identity)


def test_a_refused_commit_is_made_again(house: House) -> None:
    identity = house.upload()
    house.decide(identity, "approved")
    house.log.refuses = True
    house.run(seconds=5)
    assert house.janitor.problem() == "kafka_silent"
    assert house.committed(identity) == 0
    house.log.refuses = False
    house.run(seconds=5)
    assert house.committed(identity) == 1


def test_a_record_of_a_newer_version_stops_its_partition_and_its_position(house: House) -> None:
    in_0, in_1 = id_in(0), id_in(1)
    house.broker.write(0, Record(b"k", b"{}", [("ce_type", b"realname.registration.decided.v2")]), NOON)
    for identity in (in_0, in_1):
        house.upload(identity)
        house.decide(identity, "approved")
    house.run(seconds=5)
    assert house.vault.holds(in_0)
    assert not house.vault.holds(in_1)
    assert house.committed(in_0) == 0
    assert house.janitor.problem() == "record_too_new"
    assert house.value("realname_partitions_stopped") == 1


def test_an_unreadable_record_is_passed(house: House) -> None:
    identity = id_in(0)
    house.broker.write(0, Record(b"k", b"{", [("ce_type", b"realname.registration.decided.v1")]), NOON)
    house.upload(identity)
    house.decide(identity, "approved")
    house.run(seconds=2)
    assert not house.vault.holds(identity)
    assert house.committed(identity) == 3


def test_media_whose_registration_never_came_goes_after_the_orphan_limit(house: House) -> None:
    identity = house.upload()
    house.run(seconds=ORPHAN_S - 120)
    assert house.vault.holds(identity)
    house.run(seconds=300)
    assert not house.vault.holds(identity)
    assert house.value("realname_vault_deletions_total", cause="orphan") == 1


def test_media_of_an_undecided_registration_is_never_swept(house: House) -> None:
    identity = house.upload()
    house.broker.submitted[partition_of(identity, PARTITIONS)] = 1  # accepted; the dispatchers stand still for a week
    for _ in range(50):
        house.run(seconds=7 * 24 * 3600 / 50)
    assert house.vault.holds(identity)
    house.broker.complete[partition_of(identity, PARTITIONS)] = 1
    house.decide(identity, "refused")
    house.run(seconds=1000)
    assert house.vault.holds(identity), "its objection window runs"
    house.run(seconds=1000)
    assert not house.vault.holds(identity)


def test_a_copy_that_came_after_the_deletion_is_an_orphan(house: House) -> None:
    identity = house.upload()
    house.decide(identity, "approved")
    house.run(seconds=5)
    house.upload(identity, "clip of a late repeat")
    house.run(seconds=ORPHAN_S + 200)
    house.run(seconds=200)
    assert not house.vault.holds(identity)


def test_what_lies_in_the_vault_is_counted_by_operator(house: House) -> None:
    house.upload()
    house.upload()
    house.run(seconds=60)
    house.run(seconds=60)
    assert house.value("realname_vault_objects", operator="north") == 2
    assert house.value("realname_vault_bytes", operator="north") == 20
    assert (house.value("realname_vault_oldest_seconds", operator="north") or 0) >= 60


def id_in(partition: int) -> str:
    return next(found for found in iter(an_id, "") if partition_of(found, PARTITIONS) == partition)
