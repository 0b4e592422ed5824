"""Start of the process: settings, keys, the parts, the server."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import signal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import uvicorn
from litestar.types import ASGIApp

from realname.allocator import keep_freed_memory
from realname.clock import wall_clock
from realname.errors import SettingsWrong
from realname.health import serve_health
from realname.keys import FileKeys
from realname.log import start_logging
from realname.metrics import Metrics
from realname.policy import load_policy
from realname.settings import Intake, keys_folder, read_settings
from realname.vault import open_vault
from services.intake import challenge
from services.intake.admission import Admission, shares
from services.intake.app import build_app
from services.intake.auth import Callers, read_keys
from services.intake.cueing import Cueing
from services.intake.cues import bounds_of
from services.intake.evidence import Evidence
from services.intake.issuing import Issuing
from services.intake.openapi import build_document
from services.intake.pages import pages_of
from services.intake.publisher import KafkaPublisher
from services.intake.registering import Bounds, Registering
from services.intake.routes import Desk
from services.intake.scratch import Away, RedisScratch
from services.intake.seats import Seats
from services.intake.status import Statuses
from services.intake.status_log import KafkaStatusLog
from services.intake.upload import Limits

_COUNTS_EVERY_S = 1.0
_RECORDED_LATE_S = 600  # a submission is in Kafka no later than this after its challenge expired
_STOP_WITHIN_S = 10
_KEEP_ALIVE_S = 30


def main() -> None:
    """`python -m services.intake`. Settings: REALNAME_*, see realname/settings.py."""
    settings = read_settings(Intake)
    start_logging(settings.log_level)
    keep_freed_memory()
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    app = compose(settings)
    uvicorn.run(
        app,  # pyright: ignore[reportArgumentType] - two libraries' names for one ASGI
        host=settings.intake_host,
        port=settings.intake_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,  # its lines have paths with query strings
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )


def compose(settings: Intake) -> ASGIApp:
    """The application with its real neighbours. Raises SettingsWrong."""
    folder = keys_folder(settings)
    keys = FileKeys(folder)
    for operator in settings.operator_names:
        keys.fingerprint_secret(operator)  # a missing key file stops the start, not the first customer
    metrics = Metrics("intake")
    scratch = RedisScratch(settings.redis)
    publisher = KafkaPublisher(settings.kafka, within_s=settings.publish_within_s)
    recorded_within_s = settings.challenge_lifetime_s + _RECORDED_LATE_S
    log = KafkaStatusLog(settings.kafka, settings.partitions, accepted_within_s=recorded_within_s)
    evidence = Evidence(open_vault(settings.vault, keys, free_bytes_min=settings.vault_free_bytes_min))
    share = shares(settings.weights, lookahead_max=settings.lookahead_max, partitions=settings.partitions)
    admission = Admission(share, settings.requests_per_s_max, float(settings.requests_burst))
    callers = Callers(read_keys(_read(folder / "callers.jwks.json")), settings.operator_names)
    challenge_keys = _challenge_keys(folder / "challenge.key")
    limits = Limits(settings.request_bytes_max, settings.portrait_bytes_max, settings.clip_bytes_max)
    bounds = Bounds(limits, settings.uploads_max, settings.upload_within_s, settings.partitions)
    seats = Seats(settings.waiters_max)
    cues = bounds_of(load_policy(settings.policy), digest_within_s=settings.digest_within_s)
    statuses = Statuses(scratch, log, clock=wall_clock, seats=seats)
    issuing = Issuing(callers, admission, challenge_keys, scratch, metrics, wall_clock, settings.challenge_lifetime_s, cues)
    cueing = Cueing(callers, challenge_keys, cues, seats, metrics, wall_clock)
    registering = Registering(
        callers, challenge_keys, admission, keys, evidence, publisher, scratch, log, metrics, wall_clock, bounds
    )

    def ready() -> str | None:
        return None if publisher.is_ready else "kafka_silent"

    async def count() -> None:
        await _count_undecided(scratch, admission, settings.partitions)

    async def close_evidence() -> None:
        await asyncio.to_thread(evidence.close)

    if settings.metrics_port:
        serve_health(settings.metrics_port, metrics.registry, alive=lambda: None, ready=ready)
    pages = pages_of(build_document(_version(), limits, settings.status_wait_s_max))
    desk = Desk(issuing, cueing, registering, statuses, callers, metrics, ready, settings.status_wait_s_max, pages)
    closing = (close_evidence, publisher.close, log.close, scratch.close)
    return build_app(desk, background=(publisher.run, statuses.run, count), closing=closing, stop=_stop)


def _stop() -> None:
    """As the supervisor would: uvicorn answers what runs and ends."""
    signal.raise_signal(signal.SIGTERM)


async def _count_undecided(scratch: RedisScratch, admission: Admission, partitions: int) -> None:
    """Hear the dispatchers' counts, until cancelled. While Redis is away the last ones hold."""
    while True:
        counts = await scratch.undecided(partitions)
        if not isinstance(counts, Away):
            admission.hear(counts)
        await asyncio.sleep(_COUNTS_EVERY_S)


def _challenge_keys(path: Path) -> challenge.Keys:
    try:
        return challenge.derive_keys(base64.b64decode(_read(path).strip(), validate=True))
    except (binascii.Error, ValueError):
        raise SettingsWrong(f"{path.name} must hold 32 random bytes in base64") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise SettingsWrong(f"the keys folder has no readable {path.name}") from None


def _version() -> str:
    try:
        return version("realname")
    except PackageNotFoundError:
        return "development"
