from __future__ import annotations

from realname.envelope import seal_record
from realname.messages import RegistrationDecided
from realname.reasons import Reason
from services.dispatcher.deadletter import UNKNOWN, DeadLetterLimit, TooNew, Unreadable, open_submission, parked
from services.dispatcher.records import Received
from tests.builders import NOON, a_submission, an_id

TAG = "realname.registration.submitted.v1"


def received(value: bytes | None, key: str | None, tag: str | None = TAG) -> Received:
    headers = [] if tag is None else [("ce_type", tag.encode())]
    return Received(3, 14, key.encode() if key is not None else None, value, headers, int(NOON.timestamp() * 1000))


def test_a_submission_is_opened() -> None:
    submitted = a_submission()
    record = seal_record(submitted, key=submitted.id)
    assert open_submission(Received(0, 0, record.key, record.value, record.headers, 0)) == submitted


def test_a_newer_version_stops_instead_of_being_parked() -> None:
    assert open_submission(received(b"{}", an_id(), "realname.registration.submitted.v2")) == TooNew()


def test_a_broken_record_whose_key_is_a_registration_id_is_decided_too() -> None:
    identity = an_id()
    assert open_submission(received(b"\xff{", identity)) == Unreadable("does_not_decode", identity, UNKNOWN, UNKNOWN)


def test_a_broken_record_whose_key_is_none_is_only_parked() -> None:
    for key in ("order-17", "", None, an_id().upper()):
        opened = open_submission(received(b"{}", key))
        assert isinstance(opened, Unreadable)
        assert opened.registration_id is None


def test_the_operator_is_read_where_the_record_still_names_one() -> None:
    opened = open_submission(received(b'{"operator": "north", "store": {"no": "name"}}', an_id()))
    assert isinstance(opened, Unreadable)
    assert (opened.operator, opened.store) == ("north", UNKNOWN)


def test_another_kind_of_message_and_another_ids_key_are_unreadable() -> None:
    submitted = a_submission()
    decided = RegistrationDecided(
        id=submitted.id,
        operator="north",
        store="s",
        verdict="review",
        reasons=(Reason.REFEREE_PATH,),
        policy="p",
        submitted_at=NOON,
        decided_at=NOON,
    )
    wrong_type = seal_record(decided, key=submitted.id)
    wrong_key = seal_record(submitted, key=an_id())
    errors = [open_submission(Received(0, 0, r.key, r.value, r.headers, 0)) for r in (wrong_type, wrong_key)]
    assert [each.error for each in errors if isinstance(each, Unreadable)] == ["wrong_type", "key_is_not_the_id"]


def test_a_parked_record_is_its_address_and_nothing_of_its_content() -> None:
    message = parked(received(b"secret", "k"), "does_not_decode")
    assert (message.topic, message.partition, message.offset, message.parked_at) == ("registrations.submitted", 3, 14, NOON)
    assert b"secret" not in seal_record(message, key="k").value


def test_the_limit_counts_ten_minutes_of_record_time() -> None:
    limit = DeadLetterLimit(records_max=2)
    assert limit.admits((0, 0), 0)
    assert limit.admits((0, 1), 1)
    assert not limit.admits((0, 2), 600_000)
    assert limit.admits((0, 3), 600_001)
    assert not limit.admits((0, 4), 600_001)


def test_a_record_that_is_read_again_counts_once_however_long_ago_it_came() -> None:
    limit = DeadLetterLimit(records_max=1)
    for _ in range(3):
        assert limit.admits((0, 0), 0)
        assert limit.admits((0, 1), 700_000)
    assert not limit.admits((1, 0), 700_000)
    assert not limit.admits((1, 0), 700_000), "what was refused stays so when it is read again"
