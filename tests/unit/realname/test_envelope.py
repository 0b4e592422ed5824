import msgspec
import pytest

from realname.envelope import header, open_record, seal_record, traceparent_of
from realname.errors import RecordTooNew, RecordUnreadable
from tests.builders import a_submission

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_message_comes_back_as_it_went_in():
    submitted = a_submission()
    record = seal_record(submitted, key=submitted.id)
    assert open_record(record.value, record.headers) == submitted
    assert record.key == submitted.id.encode()


def test_the_headers_are_cloudevents_in_binary_mode_and_deterministic():
    submitted = a_submission()
    first, second = (dict(seal_record(submitted, key=submitted.id, traceparent=TRACE).headers) for _ in range(2))
    assert first == second
    assert first["ce_specversion"] == b"1.0"
    assert first["ce_type"] == b"realname.registration.submitted.v1"
    assert first["traceparent"] == TRACE.encode()


@pytest.mark.parametrize(
    "text",
    [None, "", "Mallory", TRACE.upper(), TRACE + "\n", TRACE + "-more", "x" + TRACE, TRACE.replace("0", "\u0660"), "a" * 300_000],
)
def test_what_is_no_traceparent_goes_nowhere(text):
    assert traceparent_of(text) is None
    assert header(seal_record(a_submission(), key="k", traceparent=text).headers, "traceparent") is None


def test_a_traceparent_stays_as_it_is():
    assert traceparent_of(TRACE) == TRACE


def test_a_message_that_breaks_its_own_schema_is_not_sent():
    with pytest.raises(msgspec.ValidationError):
        seal_record(a_submission(operator="Not A Name"), key="k")


def test_a_newer_version_of_a_known_type_stops_the_partition():
    headers = [("ce_type", b"realname.registration.submitted.v2")]
    with pytest.raises(RecordTooNew, match="version 2"):
        open_record(b"{}", headers)


@pytest.mark.parametrize(
    "headers", [None, [], [("ce_type", b"somebody.else.v9")], [("ce_type", b"realname.registration.submitted.vX")]]
)
def test_an_unknown_type_is_unreadable(headers):
    with pytest.raises(RecordUnreadable):
        open_record(b"{}", headers)


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff\xfe", b'{"type":"realname.registration.submitted.v1"}'])
def test_what_does_not_decode_is_unreadable_and_is_not_quoted(value):
    with pytest.raises(RecordUnreadable) as caught:
        open_record(value, [("ce_type", b"realname.registration.submitted.v1")])
    assert caught.value.__cause__ is None
    assert str(caught.value) == "does not decode"


def test_a_reader_takes_a_field_that_was_added_later():
    submitted = a_submission()
    record = seal_record(submitted, key=submitted.id)
    later = record.value[:-1] + b',"a_later_field":1}'
    assert open_record(later, record.headers) == submitted
