"""The committed position never passes media that is still there, whatever the order of ends, failures and rebalances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.janitor.pending import RETRY_S_MAX, Deletion, PartitionOffsets, Pending

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PARTITIONS = 3


class PendingAgainstAVault(RuleBasedStateMachine):
    """A log that is read again from the committed position at each assignment, and the set of ids that hold media."""

    @initialize()
    def start(self):
        self.pending = Pending()
        self.log = {partition: [] for partition in range(PARTITIONS)}  # (offset, id or None, due_at)
        self.next_offset = dict.fromkeys(range(PARTITIONS), 0)
        self.committed = dict.fromkeys(range(PARTITIONS), 0)
        self.position = {}
        self.running = []
        self.vault = set()
        self.now = NOON
        self.at_s = 0.0

    @rule(partition=st.integers(0, PARTITIONS - 1), gap=st.integers(0, 2), due_s=st.one_of(st.none(), st.integers(0, 50)))
    def decide(self, partition, gap, due_s):
        offset = self.next_offset[partition] + gap
        self.next_offset[partition] = offset + 1
        identity = f"{partition}/{offset}"
        self.vault.add(identity)
        due_at = None if due_s is None else self.now + timedelta(seconds=due_s)
        self.log[partition].append((offset, identity, due_at))

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def write_a_record_without_media(self, partition):
        self.log[partition].append((self.next_offset[partition], None, None))
        self.next_offset[partition] += 1

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def assign(self, partition):
        self.pending.open(partition)
        self.position[partition] = self.committed[partition]

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def revoke(self, partition):
        self.pending.close(partition)
        self.position.pop(partition, None)

    @rule(count=st.integers(1, 5))
    def read(self, count):
        for partition in tuple(self.position):
            unread = [entry for entry in self.log[partition] if entry[0] >= self.position[partition]]
            for offset, identity, due_at in unread[:count]:
                self.position[partition] = offset + 1
                if identity is None:
                    self.pending.take(partition, offset)
                else:
                    self.pending.add(Deletion(partition, offset, "north", identity, "refused", due_at))

    @rule(limit=st.integers(1, 4))
    def start_due(self, limit):
        due = self.pending.take_due(self.now, self.at_s, limit)
        assert len(due) <= limit
        assert all(each.due_at is None or each.due_at <= self.now for each in due), "too early"
        self.running += due

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 100), works=st.booleans())
    def end_one(self, which, works):
        deletion = self.running.pop(which % len(self.running))
        if works:
            self.vault.discard(deletion.registration_id)
            self.pending.finish(deletion)
        else:
            self.pending.fail(deletion, self.at_s)

    @rule(seconds=st.integers(1, 30))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.at_s += seconds

    @rule()
    def commit(self):
        self.committed |= self.pending.committable()

    @rule()
    def kill(self):
        self.pending, self.position, self.running = Pending(), {}, []

    @invariant()
    def nothing_below_the_committed_position_holds_media(self):
        for partition, entries in getattr(self, "log", {}).items():
            left = [offset for offset, identity, _ in entries if identity in self.vault]
            assert not left or self.committed[partition] <= min(left)

    @invariant()
    def what_was_read_and_still_holds_media_is_held(self):
        for partition, position in getattr(self, "position", {}).items():
            for offset, identity, _ in self.log[partition]:
                if self.committed[partition] <= offset < position and identity in self.vault:
                    assert self.pending.holds(identity)

    def teardown(self):
        """Left alone, a janitor deletes everything and commits to the end."""
        if not hasattr(self, "log"):
            return
        self.kill()
        for partition in range(PARTITIONS):
            self.assign(partition)
        self.read(10_000)
        self.now += timedelta(days=1)
        self.start_due(10_000)
        while self.running:
            self.end_one(0, works=True)
        self.commit()
        assert not self.vault
        assert len(self.pending) == 0
        assert all(self.committed[p] == self.next_offset[p] or not self.log[p] for p in range(PARTITIONS))


TestPendingAgainstAVault = PendingAgainstAVault.TestCase


@given(st.permutations(range(8)))
def test_the_position_is_the_lowest_unfinished_offset_in_any_order_of_ends(order):
    offsets = PartitionOffsets()
    assert offsets.committable is None
    for offset in range(8):
        offsets.take(offset)
    unfinished = set(range(8))
    for offset in order:
        offsets.finish(offset)
        unfinished.discard(offset)
        assert offsets.committable == min(unfinished, default=8)


def test_an_offset_that_goes_back_is_a_bug():
    offsets = PartitionOffsets()
    offsets.take(5)
    with pytest.raises(AssertionError):
        offsets.take(5)


def test_a_failed_deletion_waits_twice_as_long_each_time_up_to_a_limit():
    pending = Pending()
    pending.open(0)
    pending.add(Deletion(0, 0, "north", "id", "approved"))
    at_s, waits = 0.0, []
    for _ in range(9):
        (deletion,) = pending.take_due(None, at_s, 1)
        pending.fail(deletion, at_s)
        assert pending.take_due(None, at_s + 0.9, 1) == []
        waits.append(next(step for step in range(1, 100) if pending_is_due(pending, at_s + step)))
        at_s += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, RETRY_S_MAX, RETRY_S_MAX, RETRY_S_MAX]


def pending_is_due(pending: Pending, at_s: float) -> bool:
    """Looks without taking: what is due is put back by failing at the instant it came from."""
    due = pending.take_due(None, at_s, 1)
    pending._ready.extend(due)
    return bool(due)


def test_without_a_known_time_only_what_goes_at_once_is_due():
    pending = Pending()
    pending.open(0)
    pending.add(Deletion(0, 0, "north", "refused", "refused", NOON))
    pending.add(Deletion(0, 1, "north", "approved", "approved"))
    assert [each.registration_id for each in pending.take_due(None, 0.0, 10)] == ["approved"]
    assert [each.registration_id for each in pending.take_due(NOON, 0.0, 10)] == ["refused"]
