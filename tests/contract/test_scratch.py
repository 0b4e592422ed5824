"""One suite on the worker's scratch in memory and on a real Valkey: they must not differ."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from deploy.local.valkey import Valkey
from realname.errors import Transient
from realname.stages import (
    MARK_TTL_S,
    RESULT_FIELD,
    Stage,
    StageResult,
    decode_result,
    done_key,
    encode_job,
    marker_key,
    next_key,
    process_key,
    results_key,
    starts_key,
    tries_key,
)
from realname.statuses import RANK, decode_status, moved_channel, status_key
from tests.worker_fakes import FakeScratch, Memory, a_liveness_job, a_matching_job, a_status
from workers.scratch import RedisScratch, connect


class InMemory:
    """What a test may look at, in memory."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.partition = 3

    def process(self) -> FakeScratch:
        return FakeScratch(self.memory, secrets.token_hex(4))

    def kill(self, process: FakeScratch) -> None:
        self.memory.alive.discard(process.process)

    def entries(self) -> list[bytes]:
        return self.memory.streams[self.partition]

    def starts(self, job, stage: Stage) -> int:
        return len(self.memory.starts.get((job.submitted.id, stage), {}))

    def next_of(self, job) -> bytes | None:
        return self.memory.next.get(job.submitted.id)


class OnValkey:
    """What a test may look at, on a real server; its own partition keeps tests apart."""

    def __init__(self, server: Valkey) -> None:
        self.client = server.client()
        self.url = server.url
        self.partition = secrets.randbelow(1_000_000)
        self.tokens: dict[int, str] = {}

    def process(self) -> RedisScratch:
        token = secrets.token_hex(8)
        scratch = RedisScratch(connect(self.url), token, process_ttl_s=60)
        self.tokens[id(scratch)] = token
        return scratch

    def kill(self, process: RedisScratch) -> None:
        self.client.delete(process_key(self.tokens[id(process)]))

    def entries(self) -> list[bytes]:
        return [fields[RESULT_FIELD.encode()] for _, fields in self.client.xrange(results_key(self.partition))]

    def starts(self, job, stage: Stage) -> int:
        return self.client.hlen(starts_key(job.submitted.id, stage))

    def next_of(self, job) -> bytes | None:
        return self.client.get(next_key(job.submitted.id))


@pytest.fixture(params=["in memory", "valkey"])
def world(request):
    return InMemory() if request.param == "in memory" else OnValkey(request.getfixturevalue("valkey"))


def an_entry(job, world, **changes) -> StageResult:
    values = {"id": job.submitted.id, "operator": "north", "partition": world.partition, "offset": 7}
    return StageResult(**(values | changes))


def test_a_first_start_knows_of_nothing(world):
    job = a_liveness_job()
    begun = world.process().begin(job, "t", status=a_status(job))
    assert (begun.done, begun.next, begun.lost_pool, begun.lost_alone, begun.newly_lost) == (None, None, 0, 0, 0)
    assert world.starts(job, Stage.LIVENESS) == 1


def test_a_start_of_a_process_that_is_gone_is_lost_and_new_only_once(world):
    job, dead, living = a_liveness_job(), world.process(), world.process()
    dead.begin(job, "t1", status=a_status(job))
    world.kill(dead)
    first = living.begin(job, "t2", status=a_status(job))
    second = living.begin(job, "t3", status=a_status(job))
    assert (first.lost_pool, first.newly_lost) == (1, 1)
    assert (second.lost_pool, second.newly_lost) == (1, 0)


def test_a_lost_start_stays_lost_though_its_process_was_only_frozen(world):
    job, frozen, living = a_liveness_job(), world.process(), world.process()
    frozen.begin(job, "t1", status=a_status(job))
    world.kill(frozen)
    living.begin(job, "t2", status=a_status(job))
    frozen.refresh_process()
    assert living.begin(job, "t3", status=a_status(job)).lost_pool == 1


def test_a_lost_start_is_forgiven_when_its_frozen_process_ends_it(world):
    job, frozen, living = a_liveness_job(), world.process(), world.process()
    frozen.begin(job, "t1", status=a_status(job))
    world.kill(frozen)
    living.begin(job, "t2", status=a_status(job))
    frozen.end(job, "t1")
    assert living.begin(job, "t3", status=a_status(job)).lost_pool == 0


def test_starts_of_living_processes_are_not_lost(world):
    job = a_liveness_job()
    world.process().begin(job, "t1", status=a_status(job))
    assert world.process().begin(job, "t2", status=a_status(job)).lost_pool == 0


def test_starts_in_the_pool_and_alone_are_counted_apart(world):
    pool, alone = a_liveness_job(), None
    alone = a_liveness_job(alone=True)
    alone = type(alone)(**{f: getattr(alone, f) for f in alone.__struct_fields__} | {"submitted": pool.submitted})
    dead, living = world.process(), world.process()
    dead.begin(pool, "t1", status=a_status(pool))
    dead.begin(pool, "t2", status=a_status(pool))
    dead.begin(alone, "t3", status=a_status(pool))
    world.kill(dead)
    begun = living.begin(alone, "t4", status=a_status(pool))
    assert (begun.lost_pool, begun.lost_alone) == (2, 1)


def test_stages_have_starts_of_their_own(world):
    liveness = a_liveness_job()
    matching = a_matching_job(submitted=liveness.submitted)
    dead = world.process()
    dead.begin(liveness, "t1", status=a_status(liveness))
    world.kill(dead)
    assert world.process().begin(matching, "t2", status=a_status(liveness)).lost_pool == 0


def test_an_ended_start_is_gone(world):
    job, process = a_liveness_job(), world.process()
    process.begin(job, "t1", status=a_status(job))
    process.end(job, "t1")
    process.end(job, "never begun")
    assert world.starts(job, Stage.LIVENESS) == 0


def test_a_result_is_found_by_a_later_start_and_lies_in_the_stream(world):
    job, process = a_liveness_job(), world.process()
    process.finish(an_entry(job, world, failure="deadline"))
    begun = process.begin(job, "t", status=a_status(job))
    assert decode_result(begun.done).failure == "deadline"
    assert world.entries() == [begun.done]


def test_of_two_results_the_first_stands(world):
    job, process = a_liveness_job(), world.process()
    process.finish(an_entry(job, world))
    process.finish(an_entry(job, world, failure="processing_failed"))
    assert [decode_result(entry).failure for entry in world.entries()] == [None, None]


def test_a_result_leaves_nothing_of_the_way_to_it(world):
    job, process = a_liveness_job(), world.process()
    process.begin(job, "t1", status=a_status(job))
    process.keep_next(job, "t1", a_matching_job(submitted=job.submitted))
    process.begin(job, "t2", status=a_status(job))
    process.count_try(job.submitted.id, "chips")
    process.finish(an_entry(job, world))
    assert world.next_of(job) is None
    assert world.starts(job, Stage.LIVENESS) == 0
    assert process.count_try(job.submitted.id, "chips") == 1


def test_a_stored_entry_can_be_added_again(world):
    process = world.process()
    process.add_again(world.partition, b"as it was stored")
    assert world.entries() == [b"as it was stored"]


def test_the_stored_next_message_is_found_until_it_is_dropped(world):
    job, process = a_liveness_job(), world.process()
    following = a_matching_job(submitted=job.submitted)
    process.begin(job, "t1", status=a_status(job))
    process.keep_next(job, "t1", following)
    assert world.starts(job, Stage.LIVENESS) == 0
    assert process.begin(job, "t2", status=a_status(job)).next == encode_job(following)
    process.drop_next(job.submitted.id)
    assert process.begin(job, "t3", status=a_status(job)).next is None


def test_tries_are_counted_each_for_itself(world):
    job, process = a_liveness_job(), world.process()
    counts = [process.count_try(job.submitted.id, what) for what in ("chips", "chips", "liveness.bugs")]
    assert counts == [1, 2, 1]


def test_starts_are_stamped_with_the_servers_time(valkey):
    job = a_liveness_job()
    begun = OnValkey(valkey).process().begin(job, "t", status=a_status(job))
    assert abs(begun.at - datetime.now(tz=UTC)) < timedelta(seconds=5)


def test_everything_of_a_registration_expires(valkey):
    world, job = OnValkey(valkey), a_liveness_job()
    process = world.process()
    process.begin(job, "t", status=a_status(job))
    process.keep_next(job, "other", a_matching_job(submitted=job.submitted))
    process.count_try(job.submitted.id, "chips")
    keys = [starts_key(job.submitted.id, Stage.LIVENESS), next_key(job.submitted.id), tries_key(job.submitted.id)]
    assert all(0 < world.client.ttl(key) <= MARK_TTL_S for key in keys)
    process.finish(an_entry(job, world))
    assert 0 < world.client.ttl(done_key(job.submitted.id)) <= MARK_TTL_S


def test_a_process_lives_as_long_as_its_key(valkey):
    world = OnValkey(valkey)
    process = world.process()
    process.refresh_process()
    assert 0 < world.client.pttl(process_key(world.tokens[id(process)])) <= 60_000


def test_a_start_moves_the_status_forwards_and_tells_who_listens(valkey):
    world, job = OnValkey(valkey), a_liveness_job()
    listener = world.client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(moved_channel(job.submitted.id))
    listener.get_message(timeout=2)
    world.process().begin(job, "t1", status=a_status(job, step="matching"))
    world.process().begin(job, "t2", status=a_status(job, step="liveness"))
    assert decode_status(world.client.hget(status_key(job.submitted.id), "status")).step == "matching"
    told = [listener.get_message(ignore_subscribe_messages=True, timeout=wait_s) for wait_s in (2, 0.1)]
    assert told[0]["data"] == str(RANK["matching"]).encode()
    assert told[1] is None, "the second start was a step back"


def test_a_status_that_cannot_be_written_fails_no_start(valkey):
    world, job = OnValkey(valkey), a_liveness_job()
    world.client.set(status_key(job.submitted.id), "no hash")
    world.process().begin(job, "t", status=a_status(job))
    assert world.starts(job, Stage.LIVENESS) == 1


def test_the_last_start_stands_in_a_dispatch_marker_that_exists(valkey):
    world, job = OnValkey(valkey), a_liveness_job()
    world.process().begin(job, "t1", status=a_status(job))
    assert not world.client.exists(marker_key(job.submitted.id)), "a marker of ours would have no end"
    world.client.hset(marker_key(job.submitted.id), "state", "dispatched")
    world.process().begin(job, "t2", status=a_status(job))
    marker = world.client.hgetall(marker_key(job.submitted.id))
    assert abs(float(marker[b"started_at"]) - world.client.time()[0]) < 5
    assert marker[b"stage"] == b"liveness"


def test_a_server_that_is_away_is_transient_and_is_found_again(own_valkey):
    world, job = OnValkey(own_valkey), a_liveness_job()
    process = world.process()
    process.begin(job, "t1", status=a_status(job))
    own_valkey.kill9()
    with pytest.raises(Transient):
        process.end(job, "t1")
    with pytest.raises(Transient):
        process.begin(job, "t2", status=a_status(job))
    own_valkey.start()
    own_valkey.wait_ready()
    begun = process.begin(job, "t3", status=a_status(job))
    assert begun.lost_pool == 0


def test_a_full_server_is_transient(own_valkey):
    world, job = OnValkey(own_valkey), a_liveness_job()
    world.client.config_set("maxmemory", "1mb")
    with pytest.raises(Transient):
        world.process().begin(job, "t", status=a_status(job))
