# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUntypedFunctionDecorator=false, reportUntypedBaseClass=false, reportMissingTypeArgument=false
# Celery has no types; nothing of it leaves this file.
"""The Celery app of a worker: a threads pool on Redis, whose messages are acknowledged after their work.

What the settings below hang on was measured: no message is lost by a killed worker, a lost Redis is survived,
and nothing that a message holds is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from celery import Celery, bootsteps, signals
from celery.exceptions import Reject
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from redis import RedisError

from realname.errors import Transient
from realname.settings import Worker
from realname.stages import PAYLOAD, QUEUES, TASKS, Job, Stage, encode_job, queue_of, task_id_of
from workers.runtime import Runtime
from workers.starts import stage_of
from workers.tasks import Again, Send, perform
from workers.timing import Timing
from workers.transport import SteadyAmqp
from workers.vitals import Vitals

LINE_CHARS_MAX = 200  # of a Celery log line
SOCKET_TIMEOUT_S = 10.0  # without one, a publish to a Redis that vanished would wait for ever
HEALTH_CHECK_S = 10.0  # a half-open connection is dropped after about 21 s


def build_app(settings: Worker, runtime: Runtime) -> Any:
    """The app with its two tasks bound to a runtime, real or stub. Connects to nothing yet."""
    app: Any = Celery("realname", broker=settings.redis, amqp=SteadyAmqp, set_as_current=False, fixups=[])
    app.conf.update(_configuration(settings, runtime.timing))
    app.steps["consumer"].add(_loop_step(runtime.vitals))
    send, walking = sender(app), replace(runtime, joins=settings.join_stages and serves_both(settings.queues))
    for stage in Stage:
        _add_task(app, walking, send, stage)
    return app


def sender(app: Any) -> Send:
    """Sends a job to the queue of its stage. The message's headers show none of it."""

    def send(job: Job) -> None:
        stage = stage_of(job)
        try:
            app.send_task(
                TASKS[stage],
                kwargs={PAYLOAD: encode_job(job)},
                task_id=task_id_of(job.submitted.id, stage),
                queue=queue_of(stage, alone=job.alone),
                argsrepr="-",
                kwargsrepr="-",
                ignore_result=True,
            )
        except (OperationalError, RedisError, OSError) as error:
            raise Transient(f"the broker took no message: {type(error).__name__}") from None

    return send


def run_worker(app: Any, settings: Worker, *, stopping: Callable[[], None]) -> int:
    """Consume until SIGTERM, finish what runs, and return the exit code. Call in the main thread.

    stopping: called when the end is asked for, before what runs is waited for.
    """

    def is_stopping(**_: Any) -> None:
        stopping()

    signals.setup_logging.connect(_leave_logging_alone)
    signals.worker_shutting_down.connect(is_stopping)
    logging.captureWarnings(True)  # Celery's come as JSON lines, too
    _quieten(logging.getLogger())
    worker: Any = app.Worker(
        pool="threads",
        concurrency=settings.threads,
        queues=settings.queues,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _configuration(settings: Worker, timing: Timing) -> dict[str, Any]:
    return {
        # The wire: a message is data, never code.
        "accept_content": ["msgpack"],
        "task_serializer": "msgpack",
        "result_serializer": "msgpack",
        "task_queues": [Queue(name) for name in _ordered(settings.queues)],
        "task_create_missing_queues": True,  # for sending; what is consumed is said at the start
        # No result backend, no events, no remote control: results go to our stream, metrics to Prometheus.
        "result_backend": None,
        "task_ignore_result": True,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "worker_enable_remote_control": False,
        # Acknowledged after the work; one message a thread is held, none waits in the process.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_enable_prefetch_count_reduction": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Our own JSON lines.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        **_broker(settings, timing),
    }


def _broker(settings: Worker, timing: Timing) -> dict[str, Any]:
    return {
        "broker_transport": "workers.transport:Transport",
        # Redis may be away for as long as it likes.
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_pool_limit": max(10, settings.threads),
        "broker_transport_options": {
            "visibility_timeout": timing.visibility_timeout_s,
            # Both, or an abandoned message waits 100 s however short its visibility timeout is.
            "unacked_restore_interval": timing.restore_every_s,
            "unacked_restore_throttle": 1,
            "priority_steps": [0],
            "queue_order_strategy": "priority",  # in the order of task_queues: what is half done comes first
            "socket_timeout": SOCKET_TIMEOUT_S,
            "socket_connect_timeout": SOCKET_TIMEOUT_S,
            "socket_keepalive": True,
            "health_check_interval": HEALTH_CHECK_S,
        },
    }


def serves_both(queues: str) -> bool:
    """Whether whoever takes a liveness job here would take its matching job as well."""
    wanted = set(_names(queues))
    twins = [(queue_of(Stage.LIVENESS, alone=alone), queue_of(Stage.MATCHING, alone=alone)) for alone in (False, True)]
    return all(liveness not in wanted or matching in wanted for liveness, matching in twins)


def _names(queues: str) -> list[str]:
    return [name.strip() for name in queues.split(",") if name.strip()]


def _ordered(queues: str) -> list[str]:
    """Matching before liveness: a registration half done holds memory, one not begun holds none."""
    wanted = _names(queues)
    unknown = sorted(set(wanted) - set(QUEUES))
    assert not unknown, f"no such queue: {unknown}"
    return sorted(wanted, key=lambda name: (not name.startswith(Stage.MATCHING.value), name))


def _add_task(app: Any, runtime: Runtime, send: Send, stage: Stage) -> None:
    def run(**keywords: bytes) -> None:
        try:
            perform(runtime, send, stage, keywords[PAYLOAD])
        except Again as again:
            raise Reject(str(again), requeue=True) from None

    app.task(run, name=TASKS[stage], ignore_result=True, typing=False, shared=False)


def _loop_step(vitals: Vitals) -> type:
    class LoopStep(bootsteps.StartStopStep):
        """Tells the vitals that the consumer's loop turns. Celery takes it away and adds it again at a reconnect."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def register_with_event_loop(self, _consumer: Any, hub: Any) -> None:
            hub.call_repeatedly(1.0, vitals.loop_turned)

    return LoopStep


def _leave_logging_alone(**_: Any) -> None:
    """A receiver of setup_logging keeps Celery from configuring any logger."""


def _quieten(root: logging.Logger) -> None:
    logging.getLogger("celery").setLevel(max(root.level, logging.WARNING))
    logging.getLogger("kombu").setLevel(max(root.level, logging.WARNING))
    for handler in root.handlers:
        handler.addFilter(without_message_bodies)


def without_message_bodies(record: logging.LogRecord) -> bool:
    """Celery quotes arguments and whole bodies in some of its lines: only a first line stays, and no extra field."""
    if record.name.partition(".")[0] in {"celery", "kombu"}:
        outcome_of_a_task = record.__dict__.pop("data", None) is not None  # its text would quote the error's
        text = str(record.msg) if outcome_of_a_task else record.getMessage()
        record.msg = (text.splitlines() or [""])[0][:LINE_CHARS_MAX]
        record.args = ()
    return True
