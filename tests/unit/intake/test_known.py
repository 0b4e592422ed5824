"""The id rule: new, the same again, or another's."""

from __future__ import annotations

import pytest

from services.intake.known import Seen, standing_of

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
