"""One partition's books."""

from __future__ import annotations

from realname.envelope import Record
from realname.topics import DECIDED
from services.dispatcher.known_ids import KnownIds
from services.dispatcher.ledger import TRANSACTION_BYTES_MAX, Finished, PartitionLedger
from services.dispatcher.offsets import Position
from services.dispatcher.records import Outgoing


def ledger_of(sizes_bytes: list[int]) -> PartitionLedger:
    """Every offset is finished, and sends a record of its size."""
    ledger = PartitionLedger.resume(0, Position(0), KnownIds.for_lifetime(600))
    for offset, size_bytes in enumerate(sizes_bytes):
        ledger.offsets.take(offset)
        ledger.finish(offset, Finished((Outgoing(DECIDED, 0, Record(b"k", bytes(size_bytes), [])),)))
    return ledger


def committed(ledger: PartitionLedger) -> list[int]:
    """How many offsets each of its transactions completes, until all are."""
    counts: list[int] = []
    while (fit := ledger.fitting()) is not None:
        counts.append(len(list(ledger.settle(fit))))
    return counts


def test_a_transaction_ends_at_500_offsets_or_at_4_mb_of_one_partition() -> None:
    assert committed(ledger_of([2500] * 1100)) == [500, 500, 100]
    third = TRANSACTION_BYTES_MAX // 3
    assert committed(ledger_of([third] * 7)) == [3, 3, 1]


def test_what_is_too_large_for_the_limit_goes_alone() -> None:
    assert committed(ledger_of([TRANSACTION_BYTES_MAX + 1, 10, 10])) == [1, 2]
