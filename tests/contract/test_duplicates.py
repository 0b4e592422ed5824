"""One suite on the index of clips in memory and on a real Valkey: they must not differ."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest

from bench.stub_runtime import StubKeys
from deploy.local.valkey import Valkey
from realname.keys import duplicates_secret
from tests.builders import an_id
from tests.duplicate_worlds import DAY_S, FakeDuplicates, OperatorKeys, moving_clip, still_clip
from workers.duplicates.index import RedisDuplicates
from workers.duplicates.tokens import birth_of
from workers.scratch import connect

CLIP = b"the bytes of a clip " * 100


class InMemory:
    """The fake, old enough to know."""

    def __init__(self) -> None:
        self.index = FakeDuplicates()
        self.look("first")
        self.index.now_s = 2.0 * DAY_S

    def look(self, identity: str, media: bytes = b"another", clip=None, operator: str = "north"):
        return self.index.look(operator, identity, media, clip or still_clip())

    def lose_everything(self) -> None:
        self.index.lose_everything()

    def grow_old(self) -> None:
        self.index.now_s += DAY_S


class OnValkey:
    """A real server, whose index was born long ago."""

    def __init__(self, server: Valkey) -> None:
        self.server = server
        self.index = RedisDuplicates(connect(server.url), OperatorKeys())
        self.look("first")
        self.grow_old()

    def look(self, identity: str, media: bytes = b"another", clip=None, operator: str = "north"):
        return self.index.look(operator, identity, media, clip or still_clip())

    def lose_everything(self) -> None:
        self.server.client().flushall()

    def grow_old(self) -> None:
        """What was noted is gone, and the birth lies two days back."""
        client = self.server.client()
        for key in client.scan_iter(b"rn:clip:*"):
            client.delete(key)
        birth = b"rn:clips:" + birth_of(duplicates_secret(OperatorKeys(), "north")).hex().encode()
        client.set(birth, int(time.time()) - 2 * DAY_S)


@pytest.fixture(params=["in memory", "valkey"])
def world(request):
    return InMemory() if request.param == "in memory" else OnValkey(request.getfixturevalue("own_valkey"))


def test_what_nobody_handed_in_is_new(world):
    assert world.look(an_id(), CLIP, moving_clip(1)) == "new"


def test_the_same_file_under_another_id_was_seen(world):
    world.look(an_id(), CLIP, moving_clip(1))
    assert world.look(an_id(), CLIP, moving_clip(1)) == "file_seen"


def test_another_file_of_the_same_motion_was_seen_as_motion(world):
    world.look(an_id(), CLIP, moving_clip(1))
    assert world.look(an_id(), b"encoded anew", moving_clip(1, rate_hz=15, start_s=0.4, gain=0.8)) == "motion_seen"


def test_another_motion_is_new(world):
    world.look(an_id(), CLIP, moving_clip(1))
    assert world.look(an_id(), b"b", moving_clip(2)) == "new"


def test_still_scenes_say_nothing_of_each_other(world):
    world.look(an_id(), b"a", still_clip())
    assert world.look(an_id(), b"b", still_clip()) == "new"


def test_a_repeat_of_a_registration_does_not_find_itself(world):
    identity = an_id()
    answers = [world.look(identity, CLIP, moving_clip(1)) for _ in range(3)]
    assert answers == ["new"] * 3


def test_a_repeat_of_the_first_does_not_find_the_copy_that_came_between(world):
    first = an_id()
    world.look(first, CLIP, moving_clip(1))
    assert world.look(an_id(), CLIP, moving_clip(1)) == "file_seen"
    assert world.look(first, CLIP, moving_clip(1)) == "new"


def test_operators_know_nothing_of_each_other(world):
    world.look(an_id(), CLIP, moving_clip(1), operator="south")
    assert world.look(an_id(), CLIP, moving_clip(1)) == "new"


def test_an_index_that_was_lost_says_so_until_it_is_a_day_old(world):
    world.lose_everything()
    assert world.look(an_id(), CLIP, moving_clip(1)) == "unavailable"
    world.grow_old()
    assert world.look(an_id(), b"b", moving_clip(2)) == "new"


def test_an_index_that_was_lost_still_says_what_it_did_see_since(world):
    world.lose_everything()
    world.look(an_id(), CLIP, moving_clip(1))
    assert world.look(an_id(), CLIP, moving_clip(1)) == "file_seen"
    assert world.look(an_id(), b"b", moving_clip(1, gain=0.9)) == "motion_seen"


def test_of_two_at_once_one_sees_the_other(own_valkey):
    world = OnValkey(own_valkey)
    answers: list[str] = []
    start = threading.Barrier(8)

    def hand_in() -> None:
        start.wait()
        answers.append(world.look(an_id(), CLIP, moving_clip(1)))

    threads = [threading.Thread(target=hand_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["file_seen"] * 7 + ["new"]


def test_a_silent_redis_is_unavailable_and_what_it_missed_is_noted_when_it_is_back(own_valkey):
    index = RedisDuplicates(connect(own_valkey.url, answer_within_s=1.0), OperatorKeys())
    own_valkey.stop()
    assert index.look("north", an_id(), CLIP, moving_clip(1)) == "unavailable"
    own_valkey.start()
    own_valkey.wait_ready()
    assert index.look("north", an_id(), CLIP, moving_clip(1)) == "file_seen"


def test_a_redis_that_is_nearly_full_takes_no_clips_and_the_index_is_young_again(own_valkey):
    world = OnValkey(own_valkey)
    client = own_valkey.client()
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.2))
    index = RedisDuplicates(connect(own_valkey.url), OperatorKeys())
    keys = client.dbsize()
    assert index.look("north", an_id(), CLIP, moving_clip(1)) == "unavailable"
    assert client.dbsize() == keys
    client.config_set("maxmemory", 0)
    assert world.look(an_id(), b"b", moving_clip(2)) == "unavailable"


def test_nothing_in_redis_is_a_digest_of_the_clip_or_outlives_the_day(own_valkey):
    world = OnValkey(own_valkey)
    identity = an_id()
    world.look(identity, CLIP, moving_clip(1))
    client = own_valkey.client()
    stored = b"".join(key + (client.get(key) or b"") for key in client.scan_iter())
    plain = [hashlib.new(name, CLIP) for name in ("sha256", "sha1", "md5", "blake2b")]
    for digest in plain:
        assert digest.digest()[:6] not in stored
        assert digest.hexdigest()[:12].encode() not in stored
    assert identity.encode() not in stored
    kept = [client.ttl(key) for key in client.scan_iter(b"rn:clip:*")] + [
        client.ttl(key) for key in client.scan_iter(b"rn:move:*")
    ]
    assert len(kept) > 5
    assert all(0 < ttl <= DAY_S for ttl in kept)


def test_another_key_of_the_operator_begins_another_index(own_valkey):
    world = OnValkey(own_valkey)
    world.look(an_id(), CLIP, moving_clip(1))
    rotated = RedisDuplicates(connect(own_valkey.url), StubKeys())
    assert rotated.look("north", an_id(), CLIP, moving_clip(1)) == "unavailable"
