from hypothesis import given
from hypothesis import strategies as st

from workers.decoder.skipping import is_unreferenced, length_bytes_of, planned
from workers.decoder.thinning import thin

SLICE, KEY_SLICE, ENHANCEMENT, SEQUENCE_SET, PICTURE_SET, PREFIX = 1, 5, 6, 7, 8, 14
AVC_CONFIGURATION = bytes([1, 0x64, 0, 0x1F, 0xFF])


def unit(kind: int, reference: int, *, length_bytes: int = 4, payload: bytes = b"\x88\x84") -> bytes:
    body = bytes([reference << 5 | kind]) + payload
    return len(body).to_bytes(length_bytes, "big") + body


def test_a_picture_whose_slices_all_say_zero_is_referred_to_by_none():
    assert is_unreferenced(unit(ENHANCEMENT, 0) + unit(SLICE, 0) + unit(SLICE, 0), 4)


def test_one_slice_that_others_refer_to_is_enough():
    assert not is_unreferenced(unit(SLICE, 0) + unit(SLICE, 2), 4)
    assert not is_unreferenced(unit(KEY_SLICE, 3), 4)


def test_a_packet_without_a_slice_or_of_another_coding_is_left_to_the_decoder():
    assert not is_unreferenced(unit(ENHANCEMENT, 0), 4)
    assert not is_unreferenced(unit(PREFIX, 0) + unit(SLICE, 0), 4)
    assert not is_unreferenced(b"", 4)


def test_a_packet_that_holds_for_later_pictures_is_left_to_the_decoder():
    assert not is_unreferenced(unit(PICTURE_SET, 0) + unit(SLICE, 0), 4)
    assert not is_unreferenced(unit(SLICE, 0) + unit(SEQUENCE_SET, 0), 4)
    assert not is_unreferenced(unit(KEY_SLICE, 0), 4), (
        "no encoder may say 0 of it; who does would have all after it begin nowhere"
    )


def test_lengths_that_lead_beyond_the_packet_or_stop_before_its_end_tell_nothing():
    whole = unit(SLICE, 0)
    assert not is_unreferenced(whole[:-1], 4)
    assert not is_unreferenced(whole + b"\0", 4)


def test_lengths_of_two_bytes_are_read_as_such():
    assert is_unreferenced(unit(SLICE, 0, length_bytes=2), 2)


def test_the_configuration_says_how_long_lengths_are_and_units_behind_start_codes_have_none():
    assert length_bytes_of(AVC_CONFIGURATION) == 4
    assert length_bytes_of(AVC_CONFIGURATION[:4] + b"\xfd") == 2
    assert length_bytes_of(b"\0\0\0\1\x67") is None
    assert length_bytes_of(AVC_CONFIGURATION[:3]) is None
    assert length_bytes_of(None) is None


def test_every_second_picture_is_needless_where_none_refers_to_it():
    plan = planned([0.0, 0.08, 0.04, 0.16, 0.12], [False, False, True, False, True], 12.0)
    assert plan.needless == {2, 4}
    assert plan.kept_at_s == [0.0, 0.08, 0.16]


def test_what_is_looked_at_is_never_needless():
    assert planned([0.0, 1 / 15, 2 / 15], [True, True, True], 12.0).needless == frozenset()


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=40, unique_by=lambda one: one[0]))
def test_thinning_what_is_decoded_keeps_what_thinning_everything_would_have_kept(pictures: list[tuple[int, bool]]):
    times = [at / 100 for at, _ in pictures]
    plan = planned(times, [free for _, free in pictures], 12.0)
    decoded = sorted(at_s for place, at_s in enumerate(times) if place not in plan.needless)
    assert [at_s for at_s, _ in thin(((at_s, None) for at_s in decoded), 12.0)] == plan.kept_at_s
