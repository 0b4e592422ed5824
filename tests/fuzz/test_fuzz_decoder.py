"""What is broken? Clips and pictures, at random places. What must still be true? Each is decoded or refused with a reason,
within its limits, and the decoder works afterwards. FUZZ_S and FUZZ_SEED make it longer and other.
"""

import os
import random
import time
from collections import Counter

import pytest

from realname.errors import BadRecording
from tests.recordings import clip_bytes, picture, picture_bytes
from tests.watched_decoder import Watched, watched
from workers.decoder.process import Cause

FUZZ_S = float(os.environ.get("FUZZ_S", "5"))
SEED = int(os.environ.get("FUZZ_SEED", "7"))

CLIPS = [clip_bytes(codec, width=320, height=240) for codec in ("libx264", "libvpx", "libvpx-vp9", "libsvtav1")]
CLIPS.append(clip_bytes(width=320, height=240, options={"movflags": "frag_keyframe+empty_moov"}))
PICTURES = [picture_bytes(kind, picture(300, 200)) for kind in (".jpg", ".png", ".webp")]


def mutated(whole: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, mostly anywhere, else in the head; now and then a piece cut out or doubled."""
    body = bytearray(whole)
    for _ in range(chance.choice([1, 5, 50, 500])):
        end = len(body) if chance.random() < 0.7 else min(len(body), 600)
        body[chance.randrange(end)] = chance.randrange(256)
    if chance.random() < 0.2:
        start = chance.randrange(len(body))
        piece = body[start : start + chance.randrange(1, 2000)]
        body[start : start + chance.choice([0, len(piece)])] = chance.choice([b"", bytes(piece)])
    return bytes(body)


def outcome(decoder: Watched, body: bytes, *, is_clip: bool) -> str:
    try:
        if is_clip:
            clip = decoder.decode_clip(body, 12.0)
            assert (clip.at_s[1:] > clip.at_s[:-1]).all()
        else:
            assert max(decoder.decode_portrait(body).shape) <= 1600
    except BadRecording as refusal:
        return refusal.reason.value
    return "decoded"


@pytest.mark.timeout(FUZZ_S + 120)
def test_fuzz_leaves_the_decoder_working():
    chance = random.Random(SEED)
    outcomes: Counter[str] = Counter()
    with watched(children=2) as decoder:
        until = time.monotonic() + FUZZ_S
        while time.monotonic() < until:
            is_clip = chance.random() < 0.8
            outcomes[outcome(decoder, mutated(chance.choice(CLIPS if is_clip else PICTURES), chance), is_clip=is_clip)] += 1
        slowest_s = max(cost.wall_s for cost in decoder.costs)
        print(f"seed {SEED}: {dict(outcomes)}, deaths {decoder.deaths}, slowest {slowest_s:.2f} s")
        assert outcomes["decoded"]
        assert outcomes["clip_unreadable"]
        assert Cause.PROTOCOL not in decoder.deaths
        for whole in CLIPS:
            assert outcome(decoder, whole, is_clip=True) == "decoded"
        for whole in PICTURES:
            assert outcome(decoder, whole, is_clip=False) == "decoded"
