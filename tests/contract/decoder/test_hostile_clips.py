"""What is broken? The clip, on purpose. What must still be true? A reason comes back, soon, and no child has died."""

import random
from collections.abc import Callable

import pytest

from realname.reasons import Reason
from tests.recordings import clip_bytes, growing_clip, two_streams
from tests.watched_decoder import Watched

UNREADABLE, TOO_LONG = Reason.CLIP_UNREADABLE, Reason.CLIP_TOO_LONG
MP4 = clip_bytes(width=320, height=240, frames=75)
FRAGMENTED = clip_bytes(width=320, height=240, frames=75, options={"movflags": "frag_keyframe+empty_moov"})
WEBM = clip_bytes("libvpx-vp9", width=320, height=240, frames=75)
NOISE = random.Random(3).randbytes(200_000)

SDP = b"""v=0
o=- 0 0 IN IP4 127.0.0.1
s=x
c=IN IP4 127.0.0.1
t=0 0
m=video 5004 RTP/AVP 96
a=rtpmap:96 H264/90000
"""

HOSTILE: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "sdp text": (lambda: SDP, UNREADABLE),
    "hls playlist": (lambda: b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", UNREADABLE),
    "ffconcat": (lambda: b"ffconcat version 1.0\nfile /etc/hostname\n", UNREADABLE),
    "6000x6000": (lambda: clip_bytes("libvpx", width=6000, height=6000, frames=2, grey=90), UNREADABLE),
    "640x480, then 5000x5000": (lambda: growing_clip((640, 480), (5000, 5000)), UNREADABLE),
    "320x240, then 640x480": (lambda: growing_clip((320, 240), (640, 480)), UNREADABLE),
    "20,000 tiny frames": (lambda: clip_bytes("libvpx", width=64, height=64, frames=20_000, rate_hz=1000, grey=90), TOO_LONG),
    "25 s": (lambda: clip_bytes(width=64, height=64, frames=300, rate_hz=12), TOO_LONG),
    "two video streams": (two_streams, UNREADABLE),
    "mpeg4": (lambda: clip_bytes("mpeg4", container="mp4"), UNREADABLE),
    "mp4 without its index": (lambda: MP4[: len(MP4) // 2], UNREADABLE),
    "head, then noise, mp4": (lambda: MP4[:400] + NOISE, UNREADABLE),
    "head, then noise, webm": (lambda: WEBM[:400] + NOISE, UNREADABLE),
    "noise in the middle": (lambda: MP4[:20_000] + NOISE[:80_000] + MP4[100_000:], UNREADABLE),
    "noise": (lambda: NOISE, UNREADABLE),
    "nothing": (lambda: b"", UNREADABLE),
    "one byte": (lambda: b"\x1a", UNREADABLE),
    "a head alone, mp4": (lambda: MP4[:32], UNREADABLE),
    "a head alone, webm": (lambda: WEBM[:32], UNREADABLE),
}


@pytest.mark.parametrize(("make", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_clip_is_refused_soon_and_cheaply(shared: Watched, make: Callable[[], bytes], reason: Reason):
    clip = make()
    assert shared.outcome(clip) is reason
    assert shared.costs[-1].cpu_s < 0.25


@pytest.mark.parametrize("percent", [10, 50, 90])
@pytest.mark.parametrize("whole", [FRAGMENTED, WEBM], ids=["fragmented mp4", "webm"])
def test_a_clip_that_ends_early_gives_the_frames_up_to_there(shared: Watched, whole: bytes, percent: int):
    clip = shared.decode_clip(whole[: len(whole) * percent // 100], 12.0)
    assert 75 * (percent - 5) / 100 <= clip.frames_decoded < 75
    assert clip.frames_decoded <= 75 * (percent + 5) / 100


def test_a_frame_that_goes_back_in_time_is_left_out(shared: Watched):
    clip = clip_bytes("libvpx", frames=4)
    at_80_ms = b"\x81\x00\x50\x00"  # track, time, flags of a SimpleBlock; source: RFC 9559, section 10.2
    assert clip.count(at_80_ms) == 1
    back = clip.replace(at_80_ms, b"\x81\x00\x14\x00")
    assert shared.decode_clip(back, 1000.0).at_s == pytest.approx([0.0, 0.04, 0.12])
