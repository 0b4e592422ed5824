"""What the decoder's child reads of who made a file: facts, in closed words."""

from pathlib import Path

import pytest

from bench import media
from bench.presentations.recorder import Codec, from_a_file_tool, record
from bench.presentations.shots import Shot
from realname.reasons import Reason
from tests.recordings import clip_bytes, picture
from tests.watched_decoder import Watched
from workers.recording import Recording, facts_of, signs_of

JITTERED = [33 * index + (index * 7) % 11 for index in range(25)]  # ms


def recording(shared: Watched, clip: bytes) -> Recording:
    found = shared.decode_clip(clip, 12.0).recording
    assert found is not None
    return found


def test_a_cut_as_an_editor_writes_it_is_a_sign(shared: Watched, media_folder: Path):
    cut = recording(shared, media.cut(media_folder, media.B_BLINK_TURN))
    assert (cut.brand, cut.writer, cut.codec, cut.profile) == ("isom", "lavf", "h264", "high")
    assert (cut.encoder_named, cut.reordered, cut.gaps_even, cut.edit_list, cut.fragmented) == (True, True, True, True, False)
    assert signs_of(cut, 3) == (Reason.RECORDER_UNLIKELY,)


def test_a_cut_with_its_editor_s_names_blotted_out_is_still_one(shared: Watched, media_folder: Path):
    cut = media.cut(media_folder, media.B_BLINK_TURN)
    for name in (b"x264", b"Lavf", b"Lavc"):
        cut = cut.replace(name, b"....")
    found = recording(shared, cut)
    assert not found.encoder_named
    assert found.writer == "other"
    assert signs_of(found, 3) == (Reason.RECORDER_UNLIKELY,)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_webm_at_a_camera_s_times_is_none_unless_a_tool_names_itself(shared: Watched, codec: str):
    clip = clip_bytes(codec, pts=JITTERED)
    found = recording(shared, clip.replace(b"Lavf", b"Chro"))
    assert (found.brand, found.reordered, found.gaps_even, found.packets) == ("webm", False, False, 25)
    assert (found.gap_s_min, found.gap_s_max) == (pytest.approx(0.029), pytest.approx(0.04))
    assert signs_of(found, 3) == ()
    assert signs_of(recording(shared, clip), 3) == (Reason.RECORDER_UNLIKELY,)


def test_a_fragmented_file_says_so(shared: Watched):
    found = recording(shared, clip_bytes(options={"movflags": "frag_keyframe+empty_moov"}))
    assert (found.fragmented, found.edit_list) == (True, False)


def test_no_word_out_of_the_file_comes_through(shared: Watched):
    spoken = b"Lavf" + b"<script>alert(1)</script>"
    clip = clip_bytes()
    at = clip.index(b"Lavf")
    hostile = clip[:at] + spoken[: len(clip[at:].split(b"\0")[0])] + clip[at + len(clip[at:].split(b"\0")[0]) :]
    facts = facts_of(recording(shared, hostile))
    assert "script" not in str(facts)


@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xff", b"\0\0\0\7"])
def test_boxes_of_impossible_lengths_end_the_walk(shared: Watched, length: bytes):
    found = recording(shared, clip_bytes() + length + b"moof" + bytes(4))
    assert found.codec == "h264"
    assert found.fragmented == (length == b"\0\0\0\0")  # to the end of the file: allowed


@pytest.mark.parametrize("codec", ["h264", "vp8", "vp9"])
def test_a_clip_as_a_recorder_makes_it_is_no_sign_and_the_same_through_a_file_tool_is(shared: Watched, codec: Codec):
    """Only the file tells: behind a virtual camera an attacker records just so, too."""
    shot = Shot(tuple(picture(160, 120, shift) for shift in range(25)), tuple(shift / 25 for shift in range(25)))
    assert signs_of(recording(shared, record(shot, codec)), 3) == ()
    assert signs_of(recording(shared, from_a_file_tool(shot)), 3) == (Reason.RECORDER_UNLIKELY,)
