"""What the Celery app is set to, and what of Celery's lines reaches the log."""

from __future__ import annotations

import logging

import pytest
from kombu import Connection

from realname.log import start_logging
from realname.settings import Worker as WorkerSettings
from realname.stages import PAYLOAD, TASKS, Stage, queue_of, task_id_of
from tests.worker_fakes import Worker, a_liveness_job, a_matching_job
from workers.app import build_app, sender, serves_both, without_message_bodies
from workers.transport import Transport


def an_app(**settings):
    return build_app(WorkerSettings(redis="memory://", **settings), Worker().runtime)


def test_messages_are_data_and_nothing_else_is_taken():
    conf = an_app().conf
    assert conf.accept_content == ["msgpack"]
    assert conf.task_serializer == "msgpack"
    assert conf.result_backend is None


def test_a_message_is_acknowledged_after_its_work_and_none_is_hoarded():
    conf = an_app().conf
    assert (conf.task_acks_late, conf.worker_prefetch_multiplier, conf.worker_disable_prefetch) == (True, 1, True)


def test_an_abandoned_message_comes_back_within_seconds():
    options = an_app().conf.broker_transport_options
    assert options["visibility_timeout"] == 30
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] == 5


def test_what_is_half_done_is_taken_before_what_is_not_begun():
    conf = an_app(queues="liveness,matching").conf
    assert [queue.name for queue in conf.task_queues] == ["matching", "liveness"]
    assert conf.broker_transport_options["queue_order_strategy"] == "priority"


def test_a_queue_that_does_not_exist_stops_the_start():
    with pytest.raises(AssertionError, match="livenes"):
        an_app(queues="livenes")


@pytest.mark.parametrize(
    ("queues", "both"),
    [
        ("liveness,matching", True),
        ("liveness.solo, matching.solo", True),
        ("liveness,matching,liveness.solo,matching.solo", True),
        ("liveness", False),
        ("liveness,matching.solo", False),
        ("liveness,matching,liveness.solo", False),
    ],
)
def test_stages_are_joined_only_where_each_liveness_queue_has_its_matching_queue_beside_it(queues, both):
    assert serves_both(queues) is both


def test_both_tasks_are_known_by_their_wire_names():
    assert set(TASKS.values()) <= set(an_app().tasks)


class Recorder:
    """An app that keeps what it should send."""

    def __init__(self) -> None:
        self.sent = []

    def send_task(self, name, **options):
        self.sent.append((name, options))


@pytest.mark.parametrize("alone", [False, True])
def test_a_job_is_sent_to_the_queue_of_its_stage_under_its_own_id(alone):
    app = Recorder()
    liveness, matching = a_liveness_job(alone=alone), a_matching_job(alone=alone)
    for job in (liveness, matching):
        sender(app)(job)
    assert [name for name, _ in app.sent] == [TASKS[Stage.LIVENESS], TASKS[Stage.MATCHING]]
    assert [options["queue"] for _, options in app.sent] == [queue_of(stage, alone=alone) for stage in Stage]
    assert app.sent[0][1]["task_id"] == task_id_of(liveness.submitted.id, Stage.LIVENESS)


def test_headers_of_a_message_quote_none_of_it():
    app = Recorder()
    sender(app)(a_liveness_job())
    (_, options) = app.sent[0]
    assert list(options["kwargs"]) == [PAYLOAD]
    assert (options["argsrepr"], options["kwargsrepr"]) == ("-", "-")


def a_record(name: str, text: str, *args: object, **extra: object) -> logging.LogRecord:
    record = logging.getLogger(name).makeRecord(name, logging.ERROR, "f", 1, text, args, None, extra=extra)
    assert without_message_bodies(record)
    return record


def test_of_celerys_lines_only_the_first_stays():
    record = a_record("celery.worker.consumer.consumer", "Received unregistered task %s.\nbody: %s", "x", "MARKED")
    assert record.getMessage() == "Received unregistered task x."


def test_of_a_failed_tasks_line_no_value_stays():
    record = a_record(
        "celery.app.trace", "Task %(name)s raised: %(exc)s", {"name": "n", "exc": "MARKED"}, data={"kwargs": "MARKED"}
    )
    assert "MARKED" not in record.getMessage()
    assert "data" not in vars(record)


def test_our_own_lines_stay_as_they_are():
    record = a_record("workers.tasks", "stage_failed\n%s", "x", data=1)
    assert record.getMessage() == "stage_failed\nx"
    assert vars(record)["data"] == 1


def test_a_long_line_of_celery_is_cut():
    assert len(a_record("kombu.connection", "%s", "x" * 5000).getMessage()) == 200


def test_logging_starts_without_celery_touching_it():
    root = logging.getLogger()
    before = list(root.handlers), root.level
    try:
        start_logging("INFO")
        handlers = list(root.handlers)
        an_app()
        assert root.handlers == handlers
    finally:
        root.handlers, root.level = before


def test_a_broker_channel_keeps_its_client_until_its_pool_changes(valkey):
    with Connection(valkey.url, transport=Transport) as connection:
        channel = connection.channel()
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
        assert channel.client is not first, "the event loop's connection is its own"
        channel._pool = None
        with channel.conn_or_acquire() as third:
            assert third is not first
            assert third.ping()
