import msgspec
import pytest
from msgspec.structs import replace

from realname.reasons import Reason
from workers.recording import EVEN_FROM, Recording, facts_of, gaps_of, marks_of, signs_of

MARKS_MIN = 3

# Read from files of MediaRecorder in Chromium 156 on a real face (a registry clip as its camera): nothing of them is kept
# but these facts. Gaps in ms.
CHROMIUM = [
    # container writer codec profile fragmented frames keys least most mean declared
    ("webm", "chrome", "vp8", "unnamed", False, 5, 1, 31, 530, 166.0, 0.0),
    ("webm", "chrome", "vp9", "main", False, 49, 1, 7, 450, 73.5, 0.0),
    ("webm", "chrome", "av1", "main", False, 50, 1, 2, 220, 77.3, 0.0),
    ("webm", "chrome", "h264", "baseline", False, 99, 1, 2, 162, 39.6, 0.0),
    ("isom", "unnamed", "h264", "baseline", True, 108, 2, 1.4, 97.5, 36.9, 27.0),
    ("isom", "unnamed", "h264", "high", True, 100, 1, 2.2, 202, 39.7, 25.2),
    ("isom", "unnamed", "vp9", "main", True, 70, 1, 1.9, 298, 57.5, 17.5),
]


def a_recording(row=CHROMIUM[4], **changes) -> Recording:
    brand, writer, codec, profile, fragmented, packets, keys, least, most, mean, declared = row
    made = Recording(
        brand=brand,
        writer=writer,
        codec=codec,
        profile=profile,
        encoder_named=False,
        reordered=False,
        edit_list=False,
        fragmented=fragmented,
        packets=packets,
        key_packets=keys,
        gap_s_min=least / 1000,
        gap_s_max=most / 1000,
        gap_s_mean=mean / 1000,
        gaps_even=False,
        repeated=0,
        declared_hz=declared,
    )
    return replace(made, **changes)


# As documented of a phone's camera: an edit list, whole files, now and then B-frames or even times, never all of them.
PHONE = a_recording(("mp42", "android", "h264", "high", False, 120, 4, 30, 36, 33.3, 30.0), edit_list=True)


@pytest.mark.parametrize("row", CHROMIUM, ids=lambda row: f"{row[0]} {row[2]} {row[3]}")
def test_what_a_browser_records_has_no_mark(row):
    assert marks_of(a_recording(row)) == 0
    assert signs_of(a_recording(row), MARKS_MIN) == ()


@pytest.mark.parametrize("changes", [{}, {"gaps_even": True}, {"reordered": True}], ids=str)
def test_a_phone_s_file_is_no_sign(changes):
    assert signs_of(replace(PHONE, **changes), MARKS_MIN) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"encoder_named": True},
        {"writer": "lavf"},
        {"writer": "gpac"},
        {
            "reordered": True,
            "gaps_even": True,
            "edit_list": True,
            "fragmented": False,
        },
        {"reordered": True, "gaps_even": True, "profile": "other"},
    ],
    ids=str,
)
def test_what_an_editor_or_converter_writes_is_a_sign(changes):
    assert signs_of(a_recording(**changes), MARKS_MIN) == (Reason.RECORDER_UNLIKELY,)


def test_of_a_clip_without_a_file_nothing_is_said():
    assert signs_of(None, MARKS_MIN) == ()
    assert facts_of(None) == {}


def test_the_facts_are_words_of_closed_sets_and_numbers():
    facts = facts_of(a_recording(reordered=True))
    assert {name for name, value in facts.items() if isinstance(value, str)} == {"brand", "writer", "codec", "profile"}
    assert (facts["reordered"], facts["packets"], facts["gap_s_max"], facts["marks"]) == (1.0, 108.0, 0.0975, 1.0)


def test_a_word_that_is_no_closed_one_does_not_cross_the_wire():
    encoded = msgspec.msgpack.encode(replace(a_recording(), writer="<script>"))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(encoded, type=Recording)


def test_gaps_are_even_to_a_tick_and_only_where_there_are_enough():
    even = [40 * index + index % 2 for index in range(EVEN_FROM + 1)]
    assert not gaps_of(even, 0.001).even  # 41, 39: two ticks apart
    assert gaps_of([100 * index // 3 for index in range(30)], 0.001).even  # 33, 33, 34
    assert not gaps_of([40 * index for index in range(EVEN_FROM)], 0.001).even


def test_gaps_are_those_of_the_shown_order():
    gaps = gaps_of([0, 120, 40, 80, 80], 0.001)
    assert (gaps.minimum_s, gaps.maximum_s, gaps.repeated) == (0.0, pytest.approx(0.04), 1)
    assert gaps.mean_s == pytest.approx(0.03)


@pytest.mark.parametrize("ticks", [[], [5]])
def test_a_clip_of_one_frame_has_no_gaps(ticks):
    assert gaps_of(ticks, 0.001).maximum_s == 0.0
