"""Puts the dispatcher together and runs it until SIGTERM."""

from __future__ import annotations

import logging
import os
import threading
from typing import NoReturn

from realname.activation import read_signers
from realname.clock import monotonic
from realname.errors import RealnameError
from realname.health import Heartbeat, serve_health
from realname.log import start_logging
from realname.metrics import Metrics
from realname.policy import load_policy
from realname.settings import Dispatcher as Settings
from realname.settings import keys_folder, read_settings
from realname.stopping import stop_on_signal
from realname.topics import DECIDED, POLICIES, SUBMITTED
from realname.watchdog import end_when_standing
from services.dispatcher.kafka import KafkaSink, KafkaSource, consumer_config
from services.dispatcher.loop import Dispatcher, Pace, apply_event
from services.dispatcher.meters import Meters
from services.dispatcher.policies import PolicyBook
from services.dispatcher.policy_log import PolicyLog
from services.dispatcher.ports import Ports
from services.dispatcher.sender import CelerySender
from services.dispatcher.stages import RedisStages, connect
from services.dispatcher.tail import DecidedTail
from services.dispatcher.workload import Rules, Workload

log = logging.getLogger("dispatcher.main")

LOOP_STANDS_S = 90.0  # longer than one transaction with all its tries
LEAVE_S = 3.0  # for an orderly end after a disorderly one
EXIT_STOPPED = 3  # the supervisor starts another


def main() -> None:
    """Run; ends the process itself, since librdkafka's threads may be beyond an orderly end."""
    settings = read_settings(Settings)
    start_logging(settings.log_level)
    stop = stop_on_signal()
    heartbeat = Heartbeat(LOOP_STANDS_S)
    end_when_standing(heartbeat.check)
    try:
        _run(settings, stop, heartbeat)
    except RealnameError as error:
        log.critical("stopped", extra={"cause": type(error).__name__, "detail": str(error)})
        _exit(EXIT_STOPPED)
    log.info("left the group")
    _exit(0)


def rules_of(settings: Settings) -> Rules:
    """What the settings tell the state machine."""
    return Rules(
        operators=settings.operator_names,
        weights=settings.weights,
        partitions=settings.partitions,
        started_max=settings.started_max,
        lookahead_max=settings.lookahead_max,
        challenge_lifetime_s=settings.challenge_lifetime_s,
        decide_within_s=settings.decide_within_s,
        dead_letters_max=settings.dead_letters_max,
    )


def _run(settings: Settings, stop: threading.Event, heartbeat: Heartbeat) -> None:
    metrics = Metrics("dispatcher")
    config = consumer_config(settings.kafka, settings.group, session_timeout_s=settings.session_timeout_s)
    source = KafkaSource(config, SUBMITTED)
    sink = KafkaSink(
        settings.kafka,
        slot=settings.slot,
        topic=SUBMITTED,
        timeout_s=settings.transaction_timeout_s,
        group_metadata=source.group_metadata,
    )
    client = connect(settings.redis)
    meters = Meters(metrics, settings.operator_names, monotonic)
    book = PolicyBook(load_policy(settings.policy), read_signers(keys_folder(settings)))
    policies = PolicyLog(settings.kafka, POLICIES)
    for event in policies.read_whole():  # before anything is taken: else it would be judged by what was replaced long ago
        apply_event(book, event, meters)
    stages = RedisStages(client, CelerySender(client), decide_within_s=settings.decide_within_s, plans_for=book.plans_for)
    dispatcher = Dispatcher(
        Ports(source, sink, DecidedTail(settings.kafka, DECIDED), stages, policies),
        Workload(rules_of(settings), book),
        pace=Pace(settings.commit_every_s, settings.overtaken_check_s),
        meters=meters,
        monotonic=monotonic,
    )
    serve_health(settings.metrics_port, metrics.registry, alive=heartbeat.check, ready=dispatcher.ready)
    source.listen(dispatcher)
    log.info("started", extra={"slot": settings.slot, "pid": os.getpid()})
    try:
        dispatcher.run(stop.is_set, heartbeat.beat)
    except RealnameError:
        dispatcher.give_up()
        leaving = threading.Thread(target=source.close, name="leaving", daemon=True)
        leaving.start()
        leaving.join(LEAVE_S)  # the others need not wait for our session's end
        raise
    source.close()  # commits what is finished, and leaves the group


def _exit(code: int) -> NoReturn:
    logging.shutdown()
    os._exit(code)
