from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realname import ids

instants = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
randomness = st.binary(min_size=10, max_size=10)


@given(instants, randomness)
def test_the_instant_is_readable_in_the_id_to_the_millisecond(at, random_bytes):
    identity = ids.mint(at, random_bytes)
    assert ids.is_registration_id(identity)
    assert abs(ids.minted_at(identity) - at) <= timedelta(milliseconds=1)


@given(instants, randomness, st.integers(1, 1000))
def test_an_id_has_one_partition_in_range(at, random_bytes, partitions):
    identity = ids.mint(at, random_bytes)
    assert 0 <= ids.partition_of(identity, partitions) < partitions
    assert ids.partition_of(identity, partitions) == ids.partition_of(identity, partitions)


def test_partitions_are_filled_evenly():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    counts = [0] * 12
    for number in range(12_000):
        counts[ids.partition_of(ids.mint(at, number.to_bytes(10, "big")), 12)] += 1
    assert max(counts) - min(counts) <= 1


@given(st.uuids(), st.integers(0, 35), st.sampled_from("0123456789abcdef89abABCF-7z{\n\u0663"))
def test_what_is_an_id_the_library_reads_as_a_version_7_of_the_same_bits(value, place, character):
    text = str(value)[:14] + "7" + str(value)[15:]
    text = text[:place] + character + text[place + 1 :]
    try:
        read = UUID(text)
    except ValueError:
        read = None
    is_id = read is not None and read.version == 7 and str(read) == text
    assert ids.is_registration_id(text) == is_id
    if read is not None and is_id:
        assert ids.partition_of(text, 997) == (read.int & 0xFFFF_FFFF) % 997


@given(st.text())
def test_no_other_text_is_an_id(text):
    if ids.is_registration_id(text):
        assert len(text) == 36


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not-an-id",
        "00000000-0000-4000-8000-000000000000",
        "01A20FC6-9076-7508-A92C-B4A351C2FEDB",
        "{01a20fc6-9076-7508-a92c-b4a351c2fedb}",
    ],
)
def test_other_versions_and_other_spellings_are_refused(text):
    assert not ids.is_registration_id(text)
    with pytest.raises(ValueError, match="registration id"):
        ids.partition_of(text, 12)


def test_randomness_of_another_length_is_refused():
    with pytest.raises(ValueError, match="10 bytes"):
        ids.mint(datetime(2026, 1, 1, tzinfo=UTC), b"short")
