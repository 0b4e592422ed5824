"""What is broken? A child, its pool or its worker, at the worst moment. What must still be true? The recording is
unreadable, the next one is decoded, the death is counted by its cause, and nothing is left behind.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from realname.errors import BadRecording, Transient
from realname.reasons import Reason
from tests.eventually import eventually
from tests.recordings import clip_bytes, picture, picture_bytes
from tests.watched_decoder import LIMITS, Watched, watched
from workers.decoder.process import Cause

CLIP = clip_bytes()


@contextmanager
def being_decoded(own: Watched) -> Iterator[ThreadPoolExecutor]:
    """A clip is with the child, which stands still."""
    own.decode_clip(CLIP, 12.0)
    os.kill(own.pid(), signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_a_child_killed_while_it_decodes_makes_the_clip_unreadable_and_is_replaced(own: Watched):
    with being_decoded(own) as pool:
        outcome = pool.submit(own.outcome, CLIP)
        os.kill(own.pid(), signal.SIGKILL)
        assert outcome.result(10) is Reason.CLIP_UNREADABLE
    assert own.deaths == [Cause.SIGNAL]
    assert own.outcome(CLIP) is None


def test_a_child_that_hangs_is_killed_at_the_wall_limit(own: Watched):
    with being_decoded(own) as pool:
        stopped = own.pid()
        assert pool.submit(own.outcome, CLIP).result(10) is Reason.CLIP_UNREADABLE
    assert own.deaths == [Cause.WALL]
    assert 2.0 <= own.costs[-1].wall_s < 4.0
    assert not Path(f"/proc/{stopped}").exists()
    assert own.outcome(CLIP) is None


def test_a_child_that_died_while_idle_costs_no_recording(own: Watched):
    own.decode_clip(CLIP, 12.0)
    os.kill(own.pid(), signal.SIGKILL)
    eventually(lambda: Path(f"/proc/{own.pid()}/stat").read_text().split(") ")[1][0] == "Z")
    assert own.outcome(CLIP) is None
    assert own.deaths == [Cause.SIGNAL]


def test_a_child_is_replaced_after_its_number_of_recordings_and_that_is_no_death():
    with watched(replace(LIMITS, served_max=3)) as decoder:
        pids = set()
        for _ in range(7):
            decoder.decode_clip(CLIP, 12.0)
            pids |= set(decoder.decoder.pids)
        assert len(pids) >= 3
        assert decoder.deaths == []


def test_a_child_that_cannot_start_is_a_death_and_makes_the_worker_unready():
    with watched(replace(LIMITS, address_space_bytes_max=1)) as decoder:
        eventually(lambda: decoder.deaths, within_s=30)
        assert decoder.decoder.check() == "no_decoder"


def test_the_worker_is_ready_once_a_child_is_up(own: Watched):
    eventually(lambda: own.decoder.check() is None, within_s=30)


def test_who_finds_no_child_in_time_may_try_again():
    with watched(replace(LIMITS, address_space_bytes_max=1, within_s=0.2)) as decoder, pytest.raises(Transient):
        decoder.decode_clip(CLIP, 12.0)


def test_thirty_two_at_once_are_all_decoded(shared: Watched):
    with ThreadPoolExecutor(32) as pool:
        clips = list(pool.map(lambda _: shared.decode_clip(CLIP, 12.0), range(32)))
    assert all((clip.planes == clips[0].planes).all() for clip in clips)


def test_a_clip_keeps_its_frames_while_others_are_decoded(shared: Watched):
    dark, bright = (clip_bytes(grey=grey) for grey in (40, 200))
    kept = shared.decode_clip(dark, 12.0)
    before = kept.planes.copy()
    for _ in range(10):
        shared.decode_clip(bright, 12.0)
    assert (kept.planes == before).all()


def test_a_view_of_one_frame_keeps_its_pixels_though_the_clip_is_gone(shared: Watched):
    view = shared.decode_clip(clip_bytes(grey=40), 12.0).gray(3)[10:20]
    for _ in range(10):
        shared.decode_clip(clip_bytes(grey=200), 12.0)
    assert view.max() < 60


def test_no_more_clips_are_decoded_than_may_be_held_and_who_waits_is_served_when_one_is_let_go():
    with watched(replace(LIMITS, within_s=20.0), children=2, clips_max=2) as own:
        first, second = (own.decode_clip(CLIP, 12.0) for _ in range(2))
        view = first.gray(1)
        assert own.decoder.held == 2
        with ThreadPoolExecutor(1) as pool:
            third = pool.submit(own.decode_clip, CLIP, 12.0)
            own.decode_portrait(picture_bytes(".jpg", picture(64, 48)))  # a portrait takes no clip's place
            del first
            assert not third.done()
            del view
            assert third.result(20).planes.shape == second.planes.shape
        assert own.costs[-1].waited_s > 0
        third.result().planes.any()
        assert own.decoder.held == 2


def test_a_clip_that_cannot_be_decoded_takes_no_place():
    with watched(children=1, clips_max=1) as own:
        assert own.outcome(CLIP[:100]) is Reason.CLIP_UNREADABLE
        assert own.outcome(CLIP) is None
        assert own.decoder.held == 0


def test_closing_leaves_no_process_and_ends_who_waits(own: Watched):
    with being_decoded(own) as pool:
        pids = own.decoder.pids
        waiting = [pool.submit(own.decode_clip, CLIP, 12.0)]
        eventually(waiting[0].running)
        own.decoder.close()
        assert isinstance(waiting[0].exception(10), Transient)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert own.deaths == []
    with pytest.raises(Transient):
        own.decode_clip(CLIP, 12.0)


def test_two_hundred_recordings_leave_no_descriptor_no_memory_file_and_no_zombie(own: Watched):
    good = picture_bytes(".jpg", picture(64, 48))
    own.decode_clip(CLIP, 12.0)
    before = left_behind()
    for index in range(200):
        if index % 4 == 0:
            own.outcome(CLIP[: index * 10])
        elif index % 4 == 1:
            own.decode_portrait(good)
        else:
            own.outcome(CLIP)
        if index % 100 == 50:
            os.kill(own.pid(), signal.SIGKILL)
    assert own.deaths == [Cause.SIGNAL] * 2
    eventually(lambda: own.decoder.check() is None)
    # Another test's descriptors may be collected meanwhile: there are never more than before.
    eventually(lambda: left_behind()[0] <= before[0] and left_behind()[1:] == before[1:])
    own.decoder.close()
    descriptors, memory_files, children = left_behind()
    assert (memory_files, children) == (before[1] - 3, before[2] - 1)
    assert descriptors < before[0]


def test_children_end_with_a_worker_that_is_killed():
    program = (
        "import time\n"
        "from tests.watched_decoder import *\n"
        "from tests.recordings import clip_bytes\n"
        "decoder = Watched(LIMITS, 2)\n"
        "while len(decoder.decoder.pids) < 2 or decoder.decoder.check(): time.sleep(0.02)\n"
        "print(*decoder.decoder.pids, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        pids = [int(pid) for pid in worker.stdout.readline().split()]
        assert len(pids) == 2
        os.kill(pids[0], signal.SIGSTOP)
        worker.kill()
    eventually(lambda: not any(is_running(pid) for pid in pids))


def test_a_thread_that_asked_first_may_end_before_the_child_does(own: Watched):
    asking = threading.Thread(target=own.decode_clip, args=(CLIP, 12.0))
    asking.start()
    asking.join(30)
    pid = own.pid()
    own.decode_clip(CLIP, 12.0)
    assert own.pid() == pid


def test_a_refusal_names_no_byte_of_the_clip(own: Watched):
    with pytest.raises(BadRecording) as refusal:
        own.decode_clip(b"PERSONAL" * 10, 12.0)
    assert str(refusal.value) == "clip_unreadable"


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def left_behind() -> tuple[int, int, int]:
    """Open descriptors, mapped memory files and children (zombies count) of this process."""
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    memory_files = Path("/proc/self/maps").read_text().count("/memfd:frames")
    children = sum(len(path.read_text().split()) for path in Path("/proc/self/task").glob("*/children"))
    return descriptors, memory_files, children
