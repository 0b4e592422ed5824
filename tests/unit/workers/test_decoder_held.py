"""How many decoded clips there may be: a place is taken before a clip is decoded, and free when its last view is gone."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest

from realname.errors import BadRecording, Transient
from realname.reasons import Reason
from tests.eventually import eventually
from workers.decoder.held import Room


def soon() -> float:
    return time.monotonic() + 10


def now() -> float:
    return time.monotonic()


def a_clip(room: Room) -> np.ndarray:
    """Pixels as the pool lends them: a view of an array that nobody else has."""
    with room.taken(until_s=soon()) as place:
        pixels = np.zeros(4 * 6 * 4, np.uint8).reshape(4, 6, 4)
        place.keep_for(pixels)
    return pixels


def test_a_clip_keeps_its_place_until_its_last_view_is_gone():
    room = Room(2)
    clip = a_clip(room)
    view = clip[1, 2:4]
    assert room.held == 1
    del clip
    assert room.held == 1
    del view
    assert room.held == 0


def test_a_clip_that_was_copied_keeps_its_place_as_well():
    room = Room(1)
    with room.taken(until_s=soon()) as place:
        pixels = np.zeros((4, 6, 4), np.uint8)
        place.keep_for(pixels)
    row = pixels[0]
    del pixels
    assert room.held == 1
    del row
    assert room.held == 0


def test_who_finds_no_place_waits_until_one_is_free():
    room, found = Room(1), []
    clip = a_clip(room)
    waiting = threading.Thread(target=lambda: found.append(a_clip(room)))
    waiting.start()
    eventually(waiting.is_alive)
    assert found == []
    del clip
    waiting.join(10)
    assert len(found) == 1


def test_who_waits_for_too_long_may_try_again():
    room = Room(1)
    clip = a_clip(room)
    with pytest.raises(Transient, match="too many clips"), room.taken(until_s=now()):
        pytest.fail("there is no place")
    assert clip.shape == (4, 6, 4)
    assert room.held == 1


def test_a_clip_in_a_circle_of_references_does_not_keep_its_place_for_ever():
    room, circle = Room(1), []
    gc.disable()
    try:
        circle += [circle, a_clip(room)]
        del circle
        assert room.held == 1
        with room.taken(until_s=now()):
            assert room.held == 1
        assert room.held == 0
    finally:
        gc.enable()


def test_a_recording_that_was_not_decoded_gives_its_place_back():
    room = Room(1)
    for _ in range(3):
        with pytest.raises(BadRecording), room.taken(until_s=now()):
            raise BadRecording(Reason.CLIP_UNREADABLE)
    assert room.held == 0


def test_without_a_bound_nobody_waits():
    room = Room(None)
    clips = [a_clip(room) for _ in range(50)]
    assert (len(clips), room.held) == (50, 0)


def test_never_are_there_more_clips_than_places():
    room, most = Room(3), []

    def judge() -> None:
        for _ in range(50):
            clip = a_clip(room)
            most.append(room.held)
            del clip

    threads = [threading.Thread(target=judge) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(most) == 400
    assert max(most) <= 3
    assert room.held == 0
