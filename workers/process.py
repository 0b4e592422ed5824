"""Runs one worker process around a Runtime, real or stub, from its first breath to its last. Call in the main thread."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from realname.health import Check, serve_health
from realname.metrics import Metrics
from realname.settings import Worker
from workers.app import build_app, run_worker
from workers.presence import Presence
from workers.runtime import Runtime, Scratch
from workers.scratch import RedisScratch, connect
from workers.timing import Timing
from workers.vitals import Vitals
from workers.watchdog import Watchdog

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Body:
    """The parts that every worker has, whatever it judges with: what a Runtime is built on."""

    scratch: Scratch
    watchdog: Watchdog
    vitals: Vitals
    stopping: threading.Event = field(default_factory=threading.Event)

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the process is to run."""
        self.stopping.wait(seconds)


def body_of(settings: Worker, timing: Timing) -> Body:
    """A process of its own: a fresh random token. Connects to nothing yet."""
    scratch = RedisScratch(connect(settings.redis), secrets.token_hex(16), process_ttl_s=timing.process_ttl_s)
    return Body(scratch, Watchdog(timing.stage_deadline_s), Vitals())


def run(
    settings: Worker,
    runtime: Runtime,
    body: Body,
    metrics: Metrics,
    *,
    alive: Sequence[Check] = (),
    ready: Sequence[Check] = (),
    close: Sequence[Callable[[], None]] = (),
) -> int:
    """Serve until SIGTERM; what runs then is finished. Returns the exit code.

    alive, ready: further checks, e.g. the models' and the decoder's. close: called at the end, whatever happened.
    """
    presence = Presence(body.scratch, every_s=runtime.timing.process_refresh_s, answered=body.vitals.redis_answered)
    with ExitStack() as undo:
        for each in close:
            undo.callback(each)
        if settings.metrics_port:
            alive = (*alive, body.watchdog.check, body.vitals.alive)
            ready = (*alive, *ready, body.vitals.ready)
            server = serve_health(settings.metrics_port, metrics.registry, alive=_first(alive), ready=_first(ready))
            undo.callback(server.server_close)
            undo.callback(server.shutdown)
        presence.start()
        undo.callback(presence.stop)
        body.watchdog.start()
        undo.callback(body.watchdog.stop)
        _LOG.info("worker_starts", extra={"queues": settings.queues, "threads": settings.threads})
        code = run_worker(build_app(settings, runtime), settings, stopping=body.stopping.set)
    _LOG.info("worker_ended", extra={"code": code})
    return code


def _first(checks: Sequence[Check]) -> Check:
    def check() -> str | None:
        return next((problem for each in checks if (problem := each()) is not None), None)

    return check
