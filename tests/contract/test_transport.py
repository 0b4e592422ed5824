"""What our transport notes of a message that is taken, and when it is struck out; on a real Valkey, beside kombu's own."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from kombu import Connection
from kombu.transport import redis as kombus

from deploy.local.valkey import Valkey
from realname.stages import Stage, task_id_of
from services.dispatcher.sender import CelerySender, task_id_of_unacked
from services.dispatcher.stages import connect
from tests.worker_fakes import a_liveness_job
from workers.transport import Transport

QUEUE = Stage.LIVENESS.value


class Taker:
    """A consumer without Celery around it: takes a message when told to."""

    def __init__(self, valkey: Valkey, transport: type = Transport) -> None:
        self.client = valkey.client()
        self.connection = Connection(valkey.url, transport=transport, transport_options={"priority_steps": [0]})
        self.channel = self.connection.channel()

    def take(self):
        (_, raw) = self.client.brpop([QUEUE], timeout=5)
        message = self.channel.Message(msgspec.json.decode(raw), channel=self.channel)
        self.channel.qos.append(message, message.delivery_tag)
        return message

    @property
    def held(self) -> list[str]:
        """Task ids of what is noted as taken, as the dispatcher reads them."""
        notes = self.client.hgetall("unacked")
        assert set(notes) == set(self.client.zrange("unacked_index", 0, -1))
        return sorted(map(task_id_of_unacked, notes.values()))


@pytest.fixture
def taker(own_valkey: Valkey) -> Iterator[Taker]:
    made = Taker(own_valkey)
    yield made
    made.connection.close()


def send(valkey: Valkey, count: int) -> list[str]:
    jobs = [a_liveness_job() for _ in range(count)]
    CelerySender(connect(valkey.url)).send(jobs)
    return [task_id_of(job.submitted.id, Stage.LIVENESS) for job in jobs]


def test_a_taken_message_is_noted_as_kombu_notes_it(own_valkey, taker):
    send(own_valkey, 1)
    raw = own_valkey.client().lindex(QUEUE, 0)
    tag = taker.take().delivery_tag
    ours = msgspec.json.decode(taker.client.hget("unacked", tag))
    own_valkey.client().lpush(QUEUE, raw)
    their = Taker(own_valkey, kombus.Transport)
    assert their.take().delivery_tag == tag
    assert ours == msgspec.json.decode(taker.client.hget("unacked", tag))
    their.connection.close()


def test_an_acknowledged_message_is_struck_out_with_the_next_note(own_valkey, taker):
    first, second = send(own_valkey, 2)
    taker.take().ack()
    assert taker.held == [first]
    taker.take()
    assert taker.held == [second]


def test_what_waits_for_no_next_message_is_struck_out_by_the_timer(own_valkey, taker):
    send(own_valkey, 3)
    for _ in range(3):
        taker.take().ack()
    taker.connection.transport._flush_acks()
    assert taker.held == []


def test_the_timer_goes_with_the_transports_last_channel(taker):
    class Timer:
        cancelled = False

        def cancel(self):
            self.cancelled = True

    timer = taker.connection.transport._acks_timer = Timer()
    taker.connection.transport._flush_acks()
    assert not timer.cancelled
    taker.connection.transport.channels.clear()
    taker.connection.transport._flush_acks()
    assert timer.cancelled


def test_at_the_end_what_is_not_acknowledged_is_put_back_and_what_is_is_not(own_valkey, taker):
    done, undone = send(own_valkey, 2)
    first, _ = taker.take(), taker.take()
    first.ack()
    assert taker.held == sorted([done, undone])
    taker.channel.close()
    assert taker.held == []
    (left,) = taker.client.lrange(QUEUE, 0, -1)
    assert task_id_of_unacked(b'[%s, "", ""]' % left) == undone != done


def test_a_redis_that_is_away_does_not_keep_a_channel_from_its_end(own_valkey, taker):
    send(own_valkey, 1)
    taker.take().ack()
    own_valkey.kill9()
    taker.channel.close()
    assert not taker.channel.qos._acked
    own_valkey.start()
    own_valkey.wait_ready()


def test_more_acknowledgements_than_one_script_takes_are_all_struck_out(own_valkey, taker):
    send(own_valkey, 1)
    for number in range(20_000):
        taker.channel.qos._acked.append(f"of-another-{number}")
    taker.take().ack()
    taker.connection.transport._flush_acks()
    assert not taker.channel.qos._acked
    assert taker.held == []


def test_a_message_that_comes_again_before_its_acknowledgement_is_struck_out_is_held(own_valkey, taker):
    (sent,) = send(own_valkey, 1)
    raw = own_valkey.client().lindex(QUEUE, 0)
    taker.take().ack()
    own_valkey.client().lpush(QUEUE, raw)  # as another worker puts it back after the visibility timeout
    taker.take()
    assert taker.held == [sent]


def test_an_acknowledgement_after_the_end_is_not_kept_back(own_valkey, taker):
    send(own_valkey, 1)
    message = taker.take()
    taker.channel.qos._is_closing = True
    message.ack()
    assert taker.held == []


def test_a_message_that_is_put_back_is_marked_as_delivered_before(own_valkey, taker):
    (sent,) = send(own_valkey, 1)
    taker.take().requeue()
    assert taker.held == []
    (again,) = taker.client.lrange(QUEUE, 0, -1)
    assert msgspec.json.decode(again)["headers"]["redelivered"]
    assert task_id_of_unacked(b'[%s, "", ""]' % again) == sent


def test_acknowledgements_that_redis_did_not_take_are_tried_again(own_valkey, taker):
    (first,) = send(own_valkey, 1)
    taker.take().ack()
    own_valkey.kill9()
    taker.connection.transport._flush_acks()
    own_valkey.start()
    own_valkey.wait_ready()
    client = own_valkey.client()
    (tag,) = taker.channel.qos._acked
    client.hset("unacked", tag, b'[{"headers": {"id": "%s"}}, "", ""]' % first.encode())
    client.zadd("unacked_index", {tag: 1})
    taker.connection.transport._flush_acks()
    assert taker.held == []


def test_a_full_redis_still_takes_acknowledgements(own_valkey, taker):
    send(own_valkey, 1)
    taker.take().ack()
    taker.client.config_set("maxmemory", 1)
    taker.connection.transport._flush_acks()
    taker.client.config_set("maxmemory", 0)
    assert taker.held == []


def test_a_full_redis_takes_the_note_that_comes_with_an_acknowledgement(own_valkey, taker):
    _, second = send(own_valkey, 2)
    taker.take().ack()
    taker.client.config_set("maxmemory", 1)
    taker.take()
    taker.client.config_set("maxmemory", 0)
    assert taker.held == [second]
