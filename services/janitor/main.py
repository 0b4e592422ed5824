"""The janitor as a process: `python -m services.janitor`."""

from __future__ import annotations

from realname.clock import monotonic
from realname.errors import SettingsWrong
from realname.health import Heartbeat, serve_health
from realname.keys import WrappedKey
from realname.log import start_logging
from realname.metrics import Metrics
from realname.settings import Janitor as Settings
from realname.settings import read_settings
from realname.stopping import stop_on_signal
from realname.vault import open_vault
from realname.watchdog import end_when_standing
from services.janitor.decision_log import KafkaDecisionLog
from services.janitor.deletions import VaultDeletions
from services.janitor.loop import Janitor
from services.janitor.orphan_sweep import OrphanSweep
from services.janitor.redis_time import RedisTime
from services.janitor.schedule import Retention
from services.janitor.sweep import VaultSweep

TURN_S_MAX = 60.0  # a turn asks Kafka at most 6 questions of 5 s each
FINISH_S = 5.0


class NoKeys:
    """KeyProvider of a process that deletes and never opens anything: it is given no keys."""

    def wrap(self, operator: str, data_key: bytes) -> WrappedKey:  # noqa: ARG002
        """Never."""
        raise SettingsWrong("this process seals nothing")

    def unwrap(self, operator: str, wrapped: WrappedKey) -> bytes:  # noqa: ARG002
        """Never."""
        raise SettingsWrong("this process opens nothing")

    def fingerprint_secret(self, operator: str) -> bytes:  # noqa: ARG002
        """Never."""
        raise SettingsWrong("this process has no secrets")


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    start_logging(settings.log_level)
    stopping = stop_on_signal()
    metrics = Metrics("janitor")
    heartbeat = Heartbeat(TURN_S_MAX)
    log = KafkaDecisionLog(settings.kafka, settings.partitions)
    vault = open_vault(settings.vault, NoKeys())
    deletions, sweep = VaultDeletions(vault), VaultSweep(vault, partitions=settings.partitions)
    janitor = Janitor(
        log,
        deletions,
        OrphanSweep(sweep, metrics, orphan_s=settings.orphan_s, sweep_every_s=settings.sweep_every_s),
        tell_time=RedisTime(settings.redis),
        retention=Retention(objection_s=settings.objection_s, review_s=settings.review_s),
        metrics=metrics,
        now_s=monotonic,
    )
    if settings.metrics_port:
        serve_health(settings.metrics_port, metrics.registry, alive=heartbeat.check, ready=janitor.problem)
    end_when_standing(heartbeat.check)
    while not stopping.is_set():
        heartbeat.beat()
        janitor.run_once()
    janitor.finish(FINISH_S)
    log.close()
    deletions.close()
    sweep.close()
