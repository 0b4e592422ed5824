"""The id rule: new, the same again, or another's; and how far Redis can be believed."""

from __future__ import annotations

import pytest

from services.intake.known import Seen, Sight, standing_of, standing_unrecorded

NOTHING = Seen(claimed_by=None, accepted=False, accepted_as=None, remembered=True)


@pytest.mark.parametrize(
    ("seen", "standing"),
    [
        (NOTHING, "new"),
        (NOTHING._replace(claimed_by="mine"), "unfinished"),
        (NOTHING._replace(claimed_by="other"), "other"),
        (NOTHING._replace(accepted=True, accepted_as="mine"), "accepted"),
        (NOTHING._replace(accepted=True, accepted_as="other"), "other"),
        # the status knows better than a claim that came after Redis was lost
        (NOTHING._replace(claimed_by="other", accepted=True, accepted_as="mine", remembered=False), "accepted"),
        (NOTHING._replace(claimed_by="mine", accepted=True, accepted_as="other", remembered=False), "other"),
        # only a later step is known, or Redis was lost since the challenge was issued
        (NOTHING._replace(accepted=True), "ask_ledger"),
        (NOTHING._replace(remembered=False), "ask_ledger"),
        (NOTHING._replace(claimed_by="mine", remembered=False), "ask_ledger"),
        (NOTHING._replace(claimed_by="other", remembered=False), "ask_ledger"),
        (None, "ask_ledger"),
    ],
)
def test_what_redis_says_decides_where_it_can(seen: Seen | None, standing: str) -> None:
    assert standing_of(seen, "mine") == standing


@pytest.mark.parametrize(("claimed_by", "standing"), [(None, "new"), ("mine", "new"), ("other", "other")])
def test_where_kafka_has_no_record_the_claim_decides(claimed_by: str | None, standing: str) -> None:
    assert standing_unrecorded(NOTHING._replace(claimed_by=claimed_by, remembered=False), "mine") == standing
    assert standing_unrecorded(None, "mine") == "new"


def test_before_the_first_answer_nothing_was_in_sight() -> None:
    assert not Sight().covers(10)


def test_what_was_issued_since_the_sight_began_is_covered_and_nothing_else() -> None:
    sight = Sight()
    sight.gain(100, gaps=0)
    sight.gain(200, gaps=0)
    assert [sight.covers(issued_us) for issued_us in (99, 100, 300, None)] == [False, True, True, False]


def test_after_a_gap_sight_begins_again() -> None:
    sight = Sight()
    sight.gain(100, gaps=0)
    sight.lose()
    assert not sight.covers(150)
    sight.gain(200, gaps=1)
    assert [sight.covers(issued_us) for issued_us in (150, 200)] == [False, True]


def test_an_answer_from_before_a_gap_does_not_bridge_it() -> None:
    sight = Sight()
    sight.lose()
    sight.gain(100, gaps=0)
    assert not sight.covers(150)
