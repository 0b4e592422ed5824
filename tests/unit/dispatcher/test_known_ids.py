from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.known_ids import KnownIds

MINUTE_MS = 60_000


def known_for_20_minutes() -> KnownIds:
    return KnownIds.for_lifetime(600)


def test_an_id_is_remembered_for_the_challenges_lifetime_and_ten_minutes() -> None:
    known = known_for_20_minutes()
    known.remember("first", offset=1, at_ms=0)
    known.remember("other", offset=2, at_ms=20 * MINUTE_MS)
    assert known.is_further("first", 3)
    known.remember("another", offset=4, at_ms=20 * MINUTE_MS + 1)
    assert not known.is_further("first", 5)
    assert len(known) == 2


def test_the_first_record_taken_again_after_an_abort_is_not_a_further_one() -> None:
    known = known_for_20_minutes()
    known.remember("id", offset=7, at_ms=0)
    known.remember("id", offset=7, at_ms=0)
    assert not known.is_further("id", 7)
    assert known.is_further("id", 8)


def test_an_id_whose_decision_was_read_back_is_known_at_every_offset() -> None:
    known = known_for_20_minutes()
    known.remember_decided("id", at_ms=5)
    assert known.is_further("id", 0)


def test_the_first_record_stays_the_first_when_its_decision_is_read_back_later() -> None:
    known = known_for_20_minutes()
    known.remember("id", offset=7, at_ms=0)
    known.remember_decided("id", at_ms=5)
    assert not known.is_further("id", 7)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 5 * MINUTE_MS)), max_size=60))
def test_within_the_time_an_id_is_first_exactly_once(records: list[tuple[str, int]]) -> None:
    known = known_for_20_minutes()
    last_ms, firsts = 0, dict[str, int]()
    for offset, (registration_id, step_ms) in enumerate(records):
        last_ms += step_ms
        if not known.is_further(registration_id, offset):
            assert last_ms - firsts.get(registration_id, -known.remember_ms - 1) > known.remember_ms
            firsts[registration_id] = last_ms
            known.remember(registration_id, offset=offset, at_ms=last_ms)
