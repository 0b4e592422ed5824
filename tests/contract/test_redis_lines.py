"""Scripts over kept connections, on a real Valkey."""

from __future__ import annotations

import threading
import time

import pytest
import redis

from deploy.local.valkey import Valkey
from realname.redis_lines import CUT, Call, Command, Lines, Script
from workers.scratch import connect

ECHO = Script("return {KEYS[1], ARGV[1]}")
COUNT = Script("return redis.call('INCR', KEYS[1])")
BAD = Script("return redis.call('HGET', KEYS[1])")


@pytest.fixture
def lines(own_valkey: Valkey) -> Lines:
    return Lines(connect(own_valkey.url).connection_pool)


def test_a_script_that_redis_does_not_know_is_run_and_known_from_then_on(lines, own_valkey):
    assert lines.run(ECHO, ["key"], ["value"]) == [b"key", b"value"]
    assert own_valkey.client().script_exists(ECHO.sha) == [True]
    own_valkey.client().script_flush()
    assert lines.run(ECHO, ["key"], ["value"]) == [b"key", b"value"]


def test_answers_come_in_the_order_of_their_calls_and_an_error_stands_in_its_place(lines):
    first, error, last = lines.run_all(Call(COUNT, ["n"], []), Call(BAD, ["n"], []), Call(COUNT, ["n"], []))
    assert (first, last) == (1, 2)
    assert isinstance(error, redis.ResponseError)


def test_an_answer_that_is_an_error_is_raised_and_the_next_answer_is_the_next_calls(lines):
    with pytest.raises(redis.ResponseError):
        lines.run(BAD, ["n"], [])
    assert lines.run(ECHO, ["k"], ["v"]) == [b"k", b"v"]


def test_a_connection_that_was_cut_is_made_anew(lines, own_valkey):
    lines.run(COUNT, ["n"], [])
    own_valkey.client().client_kill_filter(_type="normal", skipme=True)
    assert lines.run(COUNT, ["n"], []) == 2


def test_a_server_that_came_back_empty_is_served(lines, own_valkey):
    lines.run(COUNT, ["n"], [])
    own_valkey.wipe()
    assert lines.run(COUNT, ["n"], []) == 1


def test_a_server_that_is_away_is_an_error_and_no_old_answer_is_taken_for_a_new_one(own_valkey):
    lines = Lines(connect(own_valkey.url, answer_within_s=0.3).connection_pool)
    lines.run(ECHO, ["k"], ["before"])
    own_valkey.freeze()
    with pytest.raises((redis.TimeoutError, redis.ConnectionError)):
        lines.run(ECHO, ["k"], ["lost"])
    own_valkey.thaw()
    assert lines.run(ECHO, ["k"], ["after"]) == [b"k", b"after"]


def test_an_answer_that_nobody_waited_for_is_not_the_next_calls(own_valkey):
    class Interrupted(redis.Connection):
        interrupts = False

        def read_response(self, *args, **keywords):
            if self.interrupts:
                self.interrupts = False
                raise KeyboardInterrupt
            return super().read_response(*args, **keywords)

    made: list[Interrupted] = []

    def connection(**keywords) -> Interrupted:
        made.append(Interrupted(**keywords))
        return made[-1]

    lines = Lines(redis.ConnectionPool(connection_class=connection, host="127.0.0.1", port=own_valkey.port))
    lines.run(ECHO, ["k"], ["first"])
    made[0].interrupts = True
    with pytest.raises(KeyboardInterrupt):
        lines.run(ECHO, ["k"], ["second"])
    assert lines.run(ECHO, ["k"], ["third"]) == [b"k", b"third"]


def test_threads_do_not_read_each_others_answers(lines):
    wrong: list[object] = []

    def ask(number: int) -> None:
        wrong.extend(answer for _ in range(200) if (answer := lines.run(ECHO, ["k"], [number])) != [b"k", b"%d" % number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert wrong == []


def test_any_command_goes_with_scripts_in_one_round_trip_and_its_error_is_raised(lines):
    lines.run(COUNT, ["n"], [])  # known from here on
    assert lines.ask_all(Command(("SET", "n", 4)), Call(COUNT, ["n"], []), Command(("GET", "n"))) == [b"OK", 5, b"5"]
    with pytest.raises(redis.ResponseError):
        lines.ask_all(Command(("HGET", "n")), Command(("GET", "n")))
    assert lines.ask_all(Command(("GET", "n"))) == [b"5"]
    assert lines.ask_all() == []


def test_who_comes_round_again_waits_once_for_a_frozen_server_and_not_at_all_for_a_cut_connection(own_valkey):
    lines = Lines(connect(own_valkey.url, answer_within_s=1.0).connection_pool, again_after=CUT)
    lines.run(COUNT, ["n"], [])
    own_valkey.client().client_kill_filter(_type="normal", skipme=True)
    assert lines.run(COUNT, ["n"], []) == 2
    own_valkey.freeze()
    before = time.monotonic()
    with pytest.raises(redis.TimeoutError):
        lines.run(COUNT, ["n"], [])
    waited_s = time.monotonic() - before
    own_valkey.thaw()
    assert waited_s < 1.9, "twice would be 2"
