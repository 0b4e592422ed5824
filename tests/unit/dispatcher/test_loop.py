"""The loop on fakes, case by case; tests/property/dispatcher holds the invariants under everything at once."""

from __future__ import annotations

import pytest

from realname.envelope import header, seal_record
from realname.reasons import Reason
from realname.stages import StageResult
from realname.topics import DEAD, DECIDED
from services.dispatcher.loop import Broken
from services.dispatcher.offsets import Position
from tests.builders import a_match, a_submission
from tests.dispatcher_world import World

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TAG = [("ce_type", b"realname.registration.submitted.v1")]


def test_what_was_measured_is_decided_and_committed_with_its_offset() -> None:
    world = World()
    submitted = world.submit()
    world.turn()
    world.measure(submitted.id, match=a_match())
    world.turn()
    assert world.verdicts() == {submitted.id: ("approved", Reason.ALL_CHECKS_PASSED)}
    assert world.kafka.positions[0] == Position(1)
    assert world.value("realname_decisions_total", operator="north", verdict="approved", reason="all_checks_passed") == 1


def test_the_referee_path_is_decided_without_the_stages_even_without_redis() -> None:
    world = World()
    world.redis.is_down = True
    submitted = world.submit(path="referee", portrait=None, clip=None)
    world.turn()
    assert world.verdicts() == {submitted.id: ("review", Reason.REFEREE_PATH)}


@pytest.mark.parametrize(("text", "carried"), [(TRACE, TRACE), ("Mallory, 1990-01-01", None), ("0" * 300_000, None)])
def test_what_a_client_called_a_traceparent_goes_on_only_where_it_is_one(text: str, carried: str | None) -> None:
    world = World()
    submitted = a_submission()
    record = seal_record(submitted, key=submitted.id)
    world.kafka.submit(0, record.key, record.value, [*record.headers, ("traceparent", text.encode())])
    world.turn()
    assert [job.traceparent for job in world.redis.queue] == [carried]
    world.measure(submitted.id, match=a_match())
    world.turn()
    assert {header(record.headers, "traceparent") for _, _, record, _ in world.kafka.visible} == {carried}


def test_a_stage_that_cannot_measure_ends_in_review() -> None:
    world = World()
    submitted = world.submit()
    world.turn()
    world.measure(submitted.id, failure="processing_failed")
    world.turn()
    assert world.verdicts() == {submitted.id: ("review", Reason.PROCESSING_FAILED)}


def test_a_registration_that_nobody_measures_ends_in_review_by_the_brokers_time() -> None:
    world = World()
    submitted = world.submit()
    world.turn()
    world.clock.move(2690)
    world.turn()
    assert world.verdicts() == {}
    world.clock.move(20)
    world.turn()
    assert world.verdicts() == {submitted.id: ("review", Reason.DECIDED_TOO_LATE)}


def test_a_result_that_comes_too_late_is_deleted_on_sight() -> None:
    world = World()
    submitted = world.submit()
    world.turn()
    world.clock.move(2800)
    world.turn()
    world.measure(submitted.id, match=a_match())
    world.turn()
    assert world.verdicts() == {submitted.id: ("review", Reason.DECIDED_TOO_LATE)}
    assert not any(world.redis.streams.values())


def test_a_further_record_of_a_known_id_completes_without_a_decision() -> None:
    world = World()
    submitted = world.submit(path="referee")
    world.submit(registration_id=submitted.id, path="referee")
    world.turn(3)
    assert len(world.kafka.decisions()) == 1
    assert world.kafka.positions[0] == Position(2)
    assert world.value("realname_records_dropped_total", cause="known_id") == 1


def test_a_further_record_is_known_after_a_restart_by_the_decisions_of_the_last_minutes() -> None:
    world = World()
    submitted = world.submit(path="referee")
    world.turn()
    world.restart()
    world.clock.move(1100)
    world.submit(registration_id=submitted.id, path="referee")
    world.turn(3)
    assert len(world.kafka.decisions()) == 1
    assert world.kafka.positions[0] == Position(2)


def test_a_takeover_repeats_no_work_that_is_queued_or_done() -> None:
    world = World()
    queued, done = world.submit(), world.submit()
    world.turn()
    world.measure(done.id, match=a_match())
    world.restart()
    world.turn(3)
    assert world.redis.sent == 2
    assert set(world.verdicts()) == {done.id}
    world.measure(queued.id, match=a_match())
    world.turn()
    assert set(world.verdicts()) == {done.id, queued.id}


def test_a_partition_that_comes_back_has_its_results_read_again() -> None:
    world = World()
    submitted = world.submit()
    world.turn()
    world.measure(submitted.id, match=a_match())
    world.sink.fate = "abort"
    world.turn(1)
    del world.kafka.owner[0]
    world.turn(1)
    world.kafka.owner[0] = 0
    world.turn(4)
    assert set(world.verdicts()) == {submitted.id}


def test_after_a_failed_commit_everything_is_read_back_and_nothing_is_sent_twice() -> None:
    world = World()
    first, second = world.submit(), world.submit()
    world.turn()
    world.measure(first.id, match=a_match())
    world.sink.fate = "abort"
    world.turn(4)
    assert set(world.verdicts()) == {first.id}
    assert world.redis.sent == 2
    world.measure(second.id, match=a_match())
    world.turn(2)
    assert set(world.verdicts()) == {first.id, second.id}
    assert world.value("realname_commits_total", outcome="aborted") == 1


def test_a_lost_redis_has_everything_in_flight_sent_again() -> None:
    world = World()
    submitted = world.submit()
    world.turn()
    world.redis.wipe()
    world.turn()
    assert [job.submitted.id for job in world.redis.queue] == [submitted.id]
    assert world.value("realname_redispatches_total", cause="redis_lost") == 1


def test_a_job_that_redis_lost_alone_is_sent_again_once_it_is_overtaken() -> None:
    world = World()
    lost = world.submit()
    world.turn()
    world.redis.queue.clear()
    world.clock.move(11)
    later = world.submit()
    world.turn()
    world.measure(later.id, match=a_match())
    world.turn(4, each_s=3.0)
    assert [job.submitted.id for job in world.redis.queue] == [lost.id]
    assert world.value("realname_redispatches_total", cause="overtaken") == 1


def test_in_an_outage_nothing_is_sent_twice_however_long_it_takes() -> None:
    world = World()
    for _ in range(3):
        world.submit()
    world.turn(200, each_s=10.0)
    assert world.redis.sent == 3


def test_no_more_jobs_are_started_than_allowed_and_turns_go_round_the_operators() -> None:
    world = World()
    for _ in range(10):
        world.submit(operator="north")
    world.submit(operator="harbor")
    world.turn(3)
    started = [job.submitted.operator for job in world.redis.queue]
    assert len(started) == 4
    assert "harbor" in started


def test_it_looks_ahead_only_so_far_and_goes_on_when_there_is_room() -> None:
    world = World()
    ids = [world.submit().id for _ in range(25)]  # the limit is 20, and one poll may bring more
    world.turn(3)
    ids += [world.submit().id for _ in range(5)]
    world.turn(3)
    assert world.dispatcher.workload.undecided_of() == {"north": 25}
    while world.redis.queue:
        world.measure(world.redis.queue[0].submitted.id, match=a_match())
        world.turn(3)
    assert set(world.verdicts()) == set(ids)


def test_a_newer_message_stops_its_partition_and_no_other() -> None:
    world = World()
    before = world.submit(partition=0, path="referee")
    world.kafka.submit(0, b"k", b"{}", [("ce_type", b"realname.registration.submitted.v2")])
    world.submit(partition=0, path="referee")
    other = world.submit(partition=1, path="referee")
    world.turn(3)
    world.turn(1, each_s=1.1)
    assert set(world.verdicts()) == {before.id, other.id}
    assert world.kafka.positions[0] == Position(1)
    assert world.dispatcher.ready() == "record_too_new"
    assert world.value("realname_partitions_stopped") == 1


def test_an_unreadable_record_is_parked_and_decided_where_its_key_is_an_id() -> None:
    world = World()
    identity = a_submission().id
    world.kafka.submit(0, identity.encode(), b'{"operator": "north"', TAG)
    world.kafka.submit(0, b"nobody", b"{", TAG)
    world.turn(3)
    assert world.verdicts() == {identity: ("review", Reason.RECORD_UNREADABLE)}
    assert [topic for topic, *_ in world.kafka.visible].count(DEAD) == 2
    assert world.kafka.positions[0] == Position(2)


def test_too_many_dead_letters_halt_all_taking_and_lose_nothing() -> None:
    world = World()
    for _ in range(5):
        world.kafka.submit(0, b"nobody", b"{", TAG)
    world.turn(3)
    world.turn(1, each_s=1.1)
    assert [topic for topic, *_ in world.kafka.visible].count(DEAD) == 3
    assert world.kafka.positions[0] == Position(3)
    assert world.dispatcher.ready() == "dead_letters"


def test_an_unknown_operator_is_decided_on_the_internal_topic_only() -> None:
    world = World()
    submitted = world.submit(operator="stranger", path="referee")
    world.turn()
    assert [topic for topic, *_ in world.kafka.visible] == [DECIDED]
    assert set(world.verdicts()) == {submitted.id}
    assert world.value("realname_records_taken_total", operator="unknown") == 1


def test_with_nothing_to_do_it_waits_longer_for_records_and_asks_redis_once_a_second() -> None:
    world = World()
    world.turn(2)
    asked = world.redis.asked
    world.turn(40, each_s=0.25)
    assert 8 <= world.redis.asked - asked <= 11
    assert world.source.waits_s[-1] > 0
    submitted = world.submit()
    world.turn()
    asked = world.redis.asked
    world.turn(40, each_s=0.05)
    assert world.redis.asked - asked == 40, "a result may come at any time"
    assert world.source.waits_s[-1] == 0
    world.measure(submitted.id, match=a_match())
    world.turn()
    assert not any(world.redis.streams.values())
    assert submitted.id not in world.redis.marks


def test_it_is_ready_with_redis_and_says_so_when_redis_is_away() -> None:
    world = World()
    world.turn(1)
    world.turn(1, each_s=1.1)
    assert world.dispatcher.ready() is None
    world.redis.is_down = True
    world.turn(1, each_s=1.1)
    assert world.dispatcher.ready() == "redis"


def test_it_is_not_ready_from_a_failed_commit_to_the_next_good_one() -> None:
    world = World()
    world.submit(path="referee")
    world.sink.fate = "abort"
    world.turn(1, each_s=1.1)
    assert world.dispatcher.ready() == "commit"
    world.turn(2, each_s=1.1)
    assert world.dispatcher.ready() is None


def test_it_is_not_ready_while_it_holds_records_until_it_knows_the_ids_decided_before() -> None:
    world = World()
    world.tail.is_slow = True
    submitted = world.submit(path="referee")
    world.turn(2, each_s=1.1)
    assert world.verdicts() == {}
    assert world.dispatcher.ready() == "rebuilding"
    world.tail.is_slow = False
    world.turn(2, each_s=1.1)
    assert set(world.verdicts()) == {submitted.id}
    assert world.dispatcher.ready() is None


def test_admission_is_told_who_has_how_much_undecided() -> None:
    world = World()
    world.submit(partition=0)
    world.submit(partition=1, operator="harbor")
    world.turn()
    world.turn(1, each_s=1.1)
    assert world.redis.undecided == {0: {"north": 1}, 1: {"harbor": 1}}


def test_a_result_of_another_kafka_at_the_same_offset_is_dropped() -> None:
    world = World()
    submitted = world.submit()
    world.redis.add(StageResult(a_submission().id, "north", 0, 0, match=a_match()))
    world.turn()
    assert world.verdicts() == {}
    assert not any(world.redis.streams.values())
    world.measure(submitted.id, match=a_match())
    world.turn()
    assert set(world.verdicts()) == {submitted.id}


def test_a_bug_ends_the_process_without_its_message() -> None:
    world = World()

    world.trap.steps = 0  # any exception that is none of ours
    with pytest.raises(Broken) as caught:
        world.dispatcher.run(lambda: False, lambda: None)
    assert str(caught.value) == "Killed"
    assert caught.value.__suppress_context__
