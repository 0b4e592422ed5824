"""The projector as a process: `python -m services.projector`."""

from __future__ import annotations

from realname.clock import monotonic
from realname.health import Heartbeat, serve_health
from realname.log import start_logging
from realname.metrics import Metrics
from realname.settings import Projector as Settings
from realname.settings import read_settings
from realname.stopping import stop_on_signal
from realname.watchdog import end_when_standing
from services.projector.decisions import KafkaDecisions
from services.projector.loop import Projector
from services.projector.statuses import RedisStatuses

TURN_S_MAX = 60.0  # a turn asks Kafka at most 3 questions of 10 s each, and Redis twice


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    start_logging(settings.log_level)
    stopping = stop_on_signal()
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
