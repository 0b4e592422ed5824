"""What is broken? Commits fail around records that nobody can read, and stages report what cannot be written down.
What must still be true? Whatever was taken is decided, and one bad record harms nothing but itself.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from realname.reasons import Reason
from realname.stages import StageResult
from realname.topics import DEAD
from services.dispatcher.offsets import Position
from tests.builders import a_live_report, a_match, an_id
from tests.dispatcher_world import World

TAG = [("ce_type", b"realname.registration.submitted.v1")]
NEWER = [("ce_type", b"realname.registration.submitted.v2")]


def fail_a_commit(world: World) -> None:
    """One that a referee's registration on partition 1 makes due."""
    world.submit(partition=1, path="referee")
    world.sink.fate = "abort"
    world.turn(4)
    assert world.sink.fate == "commit"


def test_what_was_taken_before_a_newer_message_is_decided_also_after_a_failed_commit() -> None:
    world = World()
    before = world.submit(partition=0)
    world.kafka.submit(0, b"k", b"{}", NEWER)
    world.turn()
    fail_a_commit(world)
    world.measure(before.id, match=a_match())
    world.turn(2)
    world.turn(1, each_s=1.1)
    assert before.id in world.verdicts()
    assert world.kafka.positions[0] == Position(1)
    assert world.dispatcher.ready() == "record_too_new"


def test_what_was_taken_before_the_dead_letters_halt_is_decided_also_after_a_failed_commit() -> None:
    world = World()
    before = world.submit(partition=0)
    world.turn()
    for _ in range(4):
        world.kafka.submit(0, b"nobody", b"{", TAG)
    world.sink.fate = "abort"
    world.turn(6)
    world.measure(before.id, match=a_match())
    world.turn(2)
    world.turn(1, each_s=1.1)
    assert before.id in world.verdicts()
    assert [topic for topic, *_ in world.kafka.visible].count(DEAD) == 3
    assert world.kafka.positions[0] == Position(4)
    assert world.dispatcher.ready() == "dead_letters"


def test_one_bad_record_that_is_read_again_after_each_failed_commit_counts_once() -> None:
    world = World()
    world.kafka.submit(0, b"nobody", b"{", TAG)
    for _ in range(10):
        world.sink.fate = "abort"
        world.turn(1)
    after = world.submit(partition=0, path="referee")
    world.turn(3)
    world.turn(1, each_s=1.1)
    assert world.verdicts() == {after.id: ("review", Reason.REFEREE_PATH)}
    assert [topic for topic, *_ in world.kafka.visible].count(DEAD) == 1
    assert world.dispatcher.ready() is None


@pytest.mark.parametrize(
    "changes",
    [
        {"quality": {"sharpness": math.inf}},
        {"quality": {"sharpness": math.nan}},
        {"pad_live": math.nan},  # would be written down as null, which a report may say
        {"models": {"pad": "m" * 300_000}},  # more than the topic takes
        {"capture": ("no_such_reason",)},
    ],
)
def test_a_report_that_cannot_be_written_down_ends_in_review_and_leaves_its_stream(changes: dict[str, Any]) -> None:
    world = World()
    odd, sound = world.submit(), world.submit()
    world.turn()
    world.measure(odd.id, liveness=a_live_report(**changes), match=a_match())
    world.measure(sound.id, match=a_match())
    world.turn()
    assert world.verdicts() == {
        odd.id: ("review", Reason.PROCESSING_FAILED),
        sound.id: ("approved", Reason.ALL_CHECKS_PASSED),
    }
    assert world.kafka.positions[0] == Position(2)
    assert not any(world.redis.streams.values())


def test_a_result_that_came_before_a_record_of_a_known_id_or_a_bad_one_leaves_its_stream() -> None:
    world = World()
    known = world.submit(path="referee")
    world.turn()
    for offset in (1, 2):  # of another Kafka than this one
        world.redis.add(StageResult(an_id(), "north", 0, offset, match=a_match()))
    world.turn()
    assert len(world.redis.streams[0]) == 2
    world.submit(registration_id=known.id, path="referee")
    world.kafka.submit(0, b"nobody", b"{", TAG)
    world.turn(2)
    assert world.kafka.positions[0] == Position(3)
    assert not any(world.redis.streams.values())
