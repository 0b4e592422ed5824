"""The projector as a process: `python -m services.projector`."""

from __future__ import annotations

import signal
import threading

from realname.clock import monotonic
from realname.health import Heartbeat, serve_health
from realname.log import start_logging
from realname.metrics import Metrics
from realname.settings import Projector as Settings
from realname.settings import read_settings
from realname.watchdog import end_when_standing
from services.projector.decisions import KafkaDecisions
from services.projector.loop import Projector
from services.projector.statuses import RedisStatuses

TURN_S_MAX = 60.0  # a turn asks Kafka at most 5 questions of 5 s each; kafka-python was seen to wait for ever


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    start_logging(settings.log_level)
    stopping = _stop_on_signal()
    metrics = Metrics("projector")
    heartbeat = Heartbeat(TURN_S_MAX)
    decisions = KafkaDecisions(settings.kafka, settings.partitions)
    statuses = RedisStatuses(settings.redis)
    projector = Projector(decisions, statuses, metrics, now_s=monotonic, pause=stopping.wait)
    if settings.metrics_port:
        serve_health(settings.metrics_port, metrics.registry, alive=heartbeat.check, ready=projector.problem)
    end_when_standing(heartbeat.check)
    while not stopping.is_set():
        heartbeat.beat()
        projector.run_once()
    decisions.close()
    statuses.close()


def _stop_on_signal() -> threading.Event:
    stopping = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping
