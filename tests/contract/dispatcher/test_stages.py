"""What the dispatcher may rely on in its stages: the same suite on the fake and on a real Valkey with real Celery messages."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import pytest
from celery import Celery

from deploy.local.valkey import Valkey
from realname import stages as wire
from realname.errors import Transient
from realname.messages import MatchReport
from realname.stages import StageResult, encode_job
from services.dispatcher.policies import Plans
from services.dispatcher.ports import Stages
from services.dispatcher.records import Spent, Taken
from services.dispatcher.sender import CelerySender, task_id_of_queued
from services.dispatcher.stages import RedisStages, connect
from tests.builders import NOON, a_submission
from tests.fakes.dispatcher import NOTHING, FakeClock, FakeRedis, FakeStages, Trap


class Rig(Protocol):
    def owner(self) -> Stages:
        """A dispatcher's view; a second one is the next owner's."""
        ...

    def queued(self) -> list[str]: ...
    def finish(self, taken: Taken) -> None: ...
    def entries(self, partition: int) -> int: ...
    def wipe(self) -> None: ...
    def stop(self) -> None: ...
    def half_sent(self, taken: Taken) -> None:
        """As a dispatcher leaves it that died between the first step and the send."""
        ...


def result_of(taken: Taken) -> StageResult:
    submitted = taken.submitted
    return StageResult(submitted.id, submitted.operator, taken.partition, taken.offset, match=MatchReport(similarity=0.5))


class FakeRig:
    def __init__(self) -> None:
        self.server = FakeRedis(FakeClock())

    def owner(self) -> Stages:
        return FakeStages(self.server, Trap())

    def queued(self) -> list[str]:
        return [job.submitted.id for job in self.server.queue]

    def finish(self, taken: Taken) -> None:
        self.server.add(result_of(taken))

    def entries(self, partition: int) -> int:
        return len(self.server.streams.get(partition, {}))

    def wipe(self) -> None:
        self.server.wipe()

    def stop(self) -> None:
        self.server.is_down = True

    def half_sent(self, taken: Taken) -> None:
        self.server.marks[taken.submitted.id] = ("dispatching", 0.0, None)


class RealRig:
    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey
        self.client = valkey.client()

    def owner(self) -> Stages:
        client = connect(self.valkey.url)
        return RedisStages(client, CelerySender(client), decide_within_s=2700, plans_for=nothing_activated)

    def queued(self) -> list[str]:
        return [task_id_of_queued(each).split(":")[0] for each in reversed(self.client.lrange("liveness", 0, -1))]

    def finish(self, taken: Taken) -> None:
        self.client.xadd(wire.results_key(taken.partition), {wire.RESULT_FIELD: encode_job(result_of(taken))})

    def entries(self, partition: int) -> int:
        return self.client.xlen(wire.results_key(partition))

    def wipe(self) -> None:
        self.valkey.wipe()

    def stop(self) -> None:
        self.valkey.kill9()

    def half_sent(self, taken: Taken) -> None:
        self.client.hset(wire.marker_key(taken.submitted.id), mapping={"state": "dispatching", "at": "1.0", "stage": "liveness"})


@pytest.fixture(params=["fake", "real"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "fake":
        yield FakeRig()
        return
    yield RealRig(request.getfixturevalue("own_valkey"))


def taken(offset: int, partition: int = 0) -> Taken:
    return Taken(partition, offset, a_submission(), NOON)


def nothing_activated(_operator: str, _registration_id: str) -> Plans:
    return Plans(None, None)


def ids_of(jobs: list[Taken]) -> list[str]:
    return [job.submitted.id for job in jobs]


def test_what_is_submitted_is_queued_once_and_in_order(rig: Rig) -> None:
    jobs = [taken(0), taken(1), taken(2)]
    placed = rig.owner().submit(jobs)
    assert [job.taken for job in placed] == jobs
    assert rig.queued() == ids_of(jobs)


def test_the_next_owner_repeats_only_what_may_not_have_been_sent(rig: Rig) -> None:
    sent, half, fresh = taken(0), taken(1), taken(2)
    first = rig.owner().submit([sent])
    rig.half_sent(half)
    again = rig.owner().submit([sent, half, fresh])
    assert rig.queued() == ids_of([sent, half, fresh])
    assert [job.taken for job in again] == [sent, half, fresh]
    assert abs(again[0].at_s - first[0].at_s) < 0.001, "the time of the real dispatch is kept"


def test_sending_again_on_purpose_ignores_the_marker(rig: Rig) -> None:
    owner, job = rig.owner(), taken(0)
    owner.submit([job])
    owner.submit([job], again=True)
    assert rig.queued() == ids_of([job, job])


def test_results_come_once_to_an_owner_and_again_to_the_next_one(rig: Rig) -> None:
    owner, one, other = rig.owner(), taken(5, partition=1), taken(6, partition=2)
    rig.finish(one)
    rig.finish(other)
    assert {arrival.partition for arrival in owner.collect([1, 2], NOTHING).arrivals} == {1, 2}
    assert owner.collect([1, 2], NOTHING).arrivals == []
    found = rig.owner().collect([1], NOTHING).arrivals
    assert [arrival.result for arrival in found] == [result_of(one)]


def test_after_an_abort_a_stream_is_read_from_its_beginning(rig: Rig) -> None:
    owner, job = rig.owner(), taken(5)
    rig.finish(job)
    first = owner.collect([0], NOTHING).arrivals
    owner.read_again([0])
    assert owner.collect([0], NOTHING).arrivals == first


def test_entries_are_deleted_one_by_one_and_the_others_stay(rig: Rig) -> None:
    owner, jobs = rig.owner(), [taken(0), taken(1)]
    for job in jobs:
        rig.finish(job)
    first, second = owner.collect([0], NOTHING).arrivals
    owner.delete(Spent({0: [first.entry]}, [jobs[0].submitted.id]))
    assert rig.entries(0) == 1
    assert [each.entry for each in rig.owner().collect([0], NOTHING).arrivals] == [second.entry]


def test_what_is_spent_is_deleted_with_the_next_look(rig: Rig) -> None:
    owner, jobs = rig.owner(), [taken(0), taken(1)]
    owner.submit(jobs)
    for job in jobs:
        rig.finish(job)
    first, _ = owner.collect([0], NOTHING).arrivals
    assert owner.collect([0], Spent({0: [first.entry]}, [jobs[0].submitted.id])).arrivals == []
    assert rig.entries(0) == 1
    rig.owner().submit(jobs)
    assert rig.queued() == ids_of([*jobs, jobs[0]])


def test_a_decided_registrations_marker_is_gone(rig: Rig) -> None:
    owner, job = rig.owner(), taken(0)
    owner.submit([job])
    owner.delete(Spent({}, [job.submitted.id]))
    rig.owner().submit([job])
    assert len(rig.queued()) == 2


def test_a_redis_that_forgot_everything_is_noticed_once(rig: Rig) -> None:
    owner = rig.owner()
    assert not owner.collect([0], NOTHING).lost
    rig.wipe()
    assert owner.collect([0], NOTHING).lost
    rig.finish(taken(3))
    later = owner.collect([0], NOTHING)
    assert not later.lost
    assert len(later.arrivals) == 1


def test_jobs_can_be_sent_again_to_a_redis_that_forgot_its_queues(rig: Rig) -> None:
    owner, job = rig.owner(), taken(0)
    owner.submit([job])
    rig.wipe()
    owner.collect([], NOTHING)
    owner.submit([job])
    assert rig.queued() == ids_of([job])


def test_what_is_queued_is_held_and_what_is_not_is_missing(rig: Rig) -> None:
    owner, queued, missing = rig.owner(), taken(0), taken(1)
    owner.submit([queued])
    assert owner.held([queued, missing]) == {queued.place}


def test_the_length_of_the_queue_is_told(rig: Rig) -> None:
    owner = rig.owner()
    owner.submit([taken(0), taken(1)])
    lengths, unacked = owner.queue_lengths()
    assert (lengths["liveness"], lengths["matching"], unacked) == (2, 0, 0)


def test_a_redis_that_is_away_is_transient_for_every_call(rig: Rig) -> None:
    owner, job = rig.owner(), taken(0)
    owner.collect([0], NOTHING)
    rig.stop()
    for call in (
        lambda: owner.submit([job]),
        lambda: owner.collect([0], NOTHING),
        lambda: owner.delete(Spent({0: ["1-1"]})),
        lambda: owner.marks([job]),
        lambda: owner.held([job]),
        owner.queue_lengths,
        lambda: owner.tell_undecided({0: {"north": 1}}),
    ):
        with pytest.raises(Transient):
            call()


def test_the_real_now_is_that_of_redis(own_valkey: Valkey) -> None:
    owner = RealRig(own_valkey).owner()
    assert abs((owner.collect([], NOTHING).now - datetime.now(UTC)).total_seconds()) < 5


def test_admission_reads_each_partitions_counts_and_they_do_not_outlive_the_dispatcher(own_valkey: Valkey) -> None:
    rig = RealRig(own_valkey)
    rig.owner().tell_undecided({0: {"north": 3, "harbor": 0}, 1: {}})
    client = own_valkey.client()
    assert client.hgetall(wire.undecided_key(0)) == {b"north": b"3"}
    assert 0 < client.ttl(wire.undecided_key(0)) <= 10
    rig.owner().tell_undecided({0: {"harbor": 1}})
    assert client.hgetall(wire.undecided_key(0)) == {b"harbor": b"1"}


def test_admission_is_told_of_nothing_undecided_once_and_again_by_who_has_the_partition_anew(own_valkey: Valkey) -> None:
    rig, client = RealRig(own_valkey), own_valkey.client()
    owner, key = rig.owner(), wire.undecided_key(0)
    owner.tell_undecided({0: {}})
    client.hset(key, "north", 5)
    owner.tell_undecided({0: {"north": 0}})
    assert client.exists(key), "it was told already"
    owner.tell_undecided({})
    owner.tell_undecided({0: {}})
    assert not client.exists(key), "another had the partition meanwhile"
    client.hset(key, "north", 5)
    owner.read_again([0])
    owner.tell_undecided({0: {}})
    assert not client.exists(key), "it went and came back between two tellings"


def test_the_second_step_leaves_what_a_quick_worker_wrote(own_valkey: Valkey) -> None:
    client = own_valkey.client()

    class QuickWorker:
        """Starts the job before the dispatcher's second step."""

        def send(self, jobs: Sequence[wire.LivenessJob]) -> None:
            for job in jobs:
                client.hset(wire.marker_key(job.submitted.id), mapping={"stage": "matching", "started_at": "12.5"})

    owner, job = RedisStages(connect(own_valkey.url), QuickWorker(), decide_within_s=2700, plans_for=nothing_activated), taken(0)
    owner.submit([job])
    mark = owner.marks([job])[job.place]
    assert (mark.stage, mark.started_at_s) == ("matching", 12.5)
    assert client.hget(wire.marker_key(job.submitted.id), "state") == b"dispatched"


def test_what_is_sent_again_has_not_started(own_valkey: Valkey) -> None:
    rig, job = RealRig(own_valkey), taken(0)
    owner = rig.owner()
    owner.submit([job])
    rig.client.hset(wire.marker_key(job.submitted.id), mapping={"stage": "matching", "started_at": "12.5"})
    owner.submit([job], again=True)
    mark = owner.marks([job])[job.place]
    assert (mark.stage, mark.started_at_s) == ("liveness", None), "else it is overtaken again at once"


def test_a_message_is_the_one_that_celery_would_have_sent(own_valkey: Valkey) -> None:
    rig, job = RealRig(own_valkey), taken(0)
    rig.owner().submit([job])
    client = own_valkey.client()
    ours = msgspec.json.decode(client.rpop("liveness"))
    call = msgspec.msgpack.decode(b64decode(ours["body"]))
    app = Celery("tests", broker=own_valkey.url, set_as_current=False)
    app.conf.update(task_serializer="msgpack", accept_content=["msgpack"])
    words = {"task_id": ours["headers"]["id"], "queue": "liveness", "argsrepr": "-", "kwargsrepr": "-", "ignore_result": True}
    app.send_task(wire.TASK_LIVENESS, kwargs=call[1], **words)
    theirs = msgspec.json.decode(client.rpop("liveness"))
    app.close()
    assert call == msgspec.msgpack.decode(b64decode(theirs["body"]))
    random = {"headers": ("origin",), "properties": ("reply_to", "delivery_tag")}
    for message in (ours, theirs):
        message["body"] = None
        for part, names in random.items():
            for name in names:
                assert message[part].pop(name)
    assert ours == theirs


def test_a_job_whose_send_failed_is_sent_by_the_next_try_of_the_same_owner(own_valkey: Valkey) -> None:
    class Refusing(CelerySender):
        """A Redis that is full when the messages come."""

        refuses = True

        def send(self, jobs: Sequence[wire.LivenessJob]) -> None:
            if self.refuses:
                raise Transient("full")
            super().send(jobs)

    client, jobs = connect(own_valkey.url), [taken(0), taken(1)]
    sender = Refusing(client)
    owner = RedisStages(client, sender, decide_within_s=2700, plans_for=nothing_activated)
    with pytest.raises(Transient):
        owner.submit(jobs)
    assert client.hget(wire.marker_key(jobs[0].submitted.id), "state") == b"dispatching"
    sender.refuses = False
    owner.submit(jobs)
    assert RealRig(own_valkey).queued() == ids_of(jobs)
    assert {client.hget(wire.marker_key(each.submitted.id), "state") for each in jobs} == {b"dispatched"}


def test_no_two_messages_have_the_same_delivery_tag(own_valkey: Valkey) -> None:
    rig, job = RealRig(own_valkey), taken(0)
    owner = rig.owner()
    owner.submit([job])
    owner.submit([job], again=True)
    messages = [msgspec.json.decode(each) for each in own_valkey.client().lrange("liveness", 0, -1)]
    assert len({each["properties"]["delivery_tag"] for each in messages}) == 2


def test_markers_do_not_outlive_their_registrations_by_long(own_valkey: Valkey) -> None:
    owner, job = RealRig(own_valkey).owner(), taken(0)
    owner.submit([job])
    assert 0 < own_valkey.client().ttl(wire.marker_key(job.submitted.id)) <= wire.MARK_TTL_S


def test_a_messages_headers_show_nothing_of_the_job(own_valkey: Valkey) -> None:
    rig, job = RealRig(own_valkey), taken(0)
    rig.owner().submit([job])
    (message,) = own_valkey.client().lrange("liveness", 0, -1)
    headers = msgspec.json.decode(message)["headers"]
    assert (headers["argsrepr"], headers["kwargsrepr"]) == ("-", "-")
    assert job.submitted.store not in str(headers)


def test_a_message_that_a_worker_holds_is_held(own_valkey: Valkey) -> None:
    rig, job = RealRig(own_valkey), taken(0)
    owner = rig.owner()
    owner.submit([job])
    client = own_valkey.client()
    message = client.rpop("liveness")
    assert message is not None
    client.hset("unacked", "tag", b'[%s, "", "liveness"]' % message)
    assert owner.held([job]) == {job.place}
    client.delete("unacked")
    assert owner.held([job]) == set()


def test_an_entry_that_does_not_decode_comes_without_a_result(own_valkey: Valkey) -> None:
    own_valkey.client().xadd(wire.results_key(0), {wire.RESULT_FIELD: b"junk"})
    (arrival,) = RealRig(own_valkey).owner().collect([0], NOTHING).arrivals
    assert arrival.result is None
