import math

import msgspec
import pytest

from realname.settings import Worker
from workers.decoder.answers import fault_of
from workers.decoder.limits import limits_of
from workers.decoder.wire import Answer, Because, Decode, Frames, Picture, Refused

LIMITS = limits_of(Worker())
A_CLIP = Decode(kind="clip", process_hz=12.0, buffer=0)
A_PORTRAIT = Decode(kind="portrait", process_hz=0.0, buffer=0)
FRAMES = Frames(height=480, width=640, at_s=[0.0, 0.08, 0.16], duration_s=0.2, frames_decoded=6)
PICTURE = Picture(height=600, width=400)


def changed(**fields: object) -> Frames:
    return msgspec.structs.replace(FRAMES, **fields)


def decoded(answer: Answer) -> Answer:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Answer)


def test_an_honest_answer_holds():
    assert fault_of(FRAMES, A_CLIP, LIMITS) is None
    assert fault_of(PICTURE, A_PORTRAIT, LIMITS) is None
    assert fault_of(Refused(because=Because.CODEC), A_CLIP, LIMITS) is None


def test_an_answer_of_the_other_kind_does_not_hold():
    assert fault_of(PICTURE, A_CLIP, LIMITS) == "kind"
    assert fault_of(FRAMES, A_PORTRAIT, LIMITS) == "kind"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (changed(height=481), "pixels"),
        (changed(width=641), "pixels"),
        (changed(height=2000, width=2000), "pixels"),
        (changed(height=1280, width=1280, at_s=[n / 100 for n in range(400)], duration_s=4.0, frames_decoded=400), "bytes"),
        (changed(at_s=[0.1, 0.2]), "times"),
        (changed(at_s=[0.0, 0.2, 0.1]), "times"),
        (changed(at_s=[0.0, 0.1, 0.1]), "times"),
        (changed(at_s=[0.0, 0.3]), "times"),
        (changed(duration_s=1000.0), "times"),
        (changed(frames_decoded=2), "count"),
    ],
)
def test_frames_that_cannot_be_do_not_hold(answer: Frames, fault: str):
    assert fault_of(answer, A_CLIP, LIMITS) == fault


def test_a_portrait_larger_than_agreed_does_not_hold():
    assert fault_of(Picture(height=1601, width=10), A_PORTRAIT, LIMITS) == "pixels"


@pytest.mark.parametrize(
    "answer",
    [
        changed(at_s=[]),
        changed(at_s=[math.nan]),
        changed(at_s=[0.0, math.inf]),
        changed(duration_s=math.nan),
        changed(height=0),
        changed(width=-2),
        changed(frames_decoded=1 << 40),
    ],
)
def test_values_out_of_bounds_do_not_even_decode(answer: Frames):
    with pytest.raises(msgspec.ValidationError):
        decoded(answer)


def test_the_shortest_times_come_back_as_they_were_sent():
    assert decoded(FRAMES) == FRAMES
