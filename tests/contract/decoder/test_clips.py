"""What the decoder makes of honest clips, of each codec and container that browsers record."""

from pathlib import Path

import numpy as np
import pytest

from tests.recordings import clip_bytes, picture, turned
from tests.watched_decoder import Watched
from workers.clip import Clip

CODECS = ["libx264", "libvpx", "libvpx-vp9", "libsvtav1"]


def likeness(clip: Clip, index: int, expected: np.ndarray) -> float:
    return float(np.abs(clip.bgr(index).astype(int) - expected.astype(int)).mean())


@pytest.mark.parametrize("codec", CODECS)
def test_each_codec_of_a_browser_is_decoded_to_the_picture_that_was_taken(shared: Watched, codec: str):
    clip = shared.decode_clip(clip_bytes(codec), 12.0)
    assert (clip.height, clip.width, clip.frames_decoded) == (120, 160, 25)
    assert likeness(clip, 0, picture(160, 120)) < 25
    assert likeness(clip, 0, picture(160, 120)) < likeness(clip, 0, picture(160, 120, 60))


@pytest.mark.parametrize(
    ("container", "options"), [("matroska", {}), ("mp4", {"movflags": "frag_keyframe+empty_moov"}), ("mov", {"brand": "mp42"})]
)
def test_h264_is_decoded_from_each_container_that_browsers_write(shared: Watched, container: str, options: dict[str, str]):
    clip = shared.decode_clip(clip_bytes(container=container, options=options), 12.0)
    assert clip.frames_decoded == 25


def test_frames_are_thinned_by_time_and_the_recordings_own_rate_is_told(shared: Watched):
    clip = shared.decode_clip(clip_bytes(frames=51, rate_hz=25), 12.0)
    assert clip.frames_decoded == 51
    assert clip.at_s == pytest.approx(np.arange(26) * 0.08)
    assert clip.duration_s == pytest.approx(2.0)
    assert clip.frame_rate_hz == pytest.approx(25.0)


def test_the_last_frames_have_their_times_though_the_codec_holds_them_back(shared: Watched):
    clip = shared.decode_clip(clip_bytes(frames=25, rate_hz=12), 12.0)
    assert len(clip) == 25
    assert clip.at_s[-1] == pytest.approx(2.0, abs=0.01)


def test_times_come_from_the_frames_not_from_the_container_s_rate(shared: Watched):
    at_ms = [0, 17, 80, 452, 500, 560, 933, 960, 1010, 1300]
    clip = shared.decode_clip(clip_bytes("libvpx", frames=10, pts=at_ms), 1000.0)
    assert clip.at_s == pytest.approx(np.array(at_ms) / 1000)


def test_a_clip_that_does_not_start_at_zero_is_counted_from_its_first_frame(shared: Watched):
    clip = shared.decode_clip(clip_bytes("libvpx", pts=[5000 + 40 * n for n in range(25)]), 12.0)
    assert clip.at_s[0] == 0.0
    assert clip.duration_s == pytest.approx(0.96)


def test_an_odd_side_is_cropped_by_one(shared: Watched):
    clip = shared.decode_clip(clip_bytes("libvpx-vp9", width=161, height=121), 12.0)
    assert (clip.height, clip.width) == (120, 160)
    assert likeness(clip, 0, picture(161, 121)[:120, :160]) < 25


@pytest.mark.parametrize(("grey", "luma"), [(0, 16), (255, 235), (128, 126)])
def test_full_range_becomes_video_range(shared: Watched, grey: int, luma: int):
    clip = shared.decode_clip(clip_bytes(pixel_format="yuvj420p", grey=grey), 12.0)
    assert clip.gray(0).mean() == pytest.approx(luma, abs=1)


@pytest.mark.parametrize("pixel_format", ["yuv422p", "yuv444p", "yuv420p10le"])
def test_other_pixel_formats_are_converted(shared: Watched, pixel_format: str):
    clip = shared.decode_clip(clip_bytes(pixel_format=pixel_format), 12.0)
    assert likeness(clip, 0, picture(160, 120)) < 25


def test_a_clip_that_says_show_me_a_quarter_turn_clockwise_is_shown_so(shared: Watched):
    lying = shared.decode_clip(clip_bytes(width=160, height=120), 12.0)
    upright = shared.decode_clip(turned(clip_bytes(width=160, height=120)), 12.0)
    assert (upright.height, upright.width) == (160, 120)
    assert np.array_equal(upright.bgr(3)[..., 1].shape, (160, 120))
    assert np.array_equal(upright.gray(3), np.rot90(lying.gray(3), -1))


def test_the_frames_are_read_only(shared: Watched):
    clip = shared.decode_clip(clip_bytes(), 12.0)
    with pytest.raises(ValueError, match="read-only"):
        clip.planes[0, 0, 0] = 0


def test_the_child_says_what_it_spent(shared: Watched):
    clip = shared.decode_clip(clip_bytes(width=640, height=480, frames=50), 12.0)
    cost = shared.costs[-1]
    assert cost.kind == "clip"
    assert clip.decode_cpu_s == cost.cpu_s
    assert 0.001 < cost.cpu_s <= cost.wall_s


@pytest.mark.parametrize(("name", "frames"), [("single_face.mp4", 72), ("no_face.mp4", 95)])
def test_real_clips_are_decoded_whole(shared: Watched, media_folder: Path, name: str, frames: int):
    clip = shared.decode_clip((media_folder / name).read_bytes(), 12.0)
    assert clip.frames_decoded == frames
    assert len(clip) / clip.duration_s >= 12.0
