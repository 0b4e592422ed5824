"""Serves /metrics, /healthz and /readyz of a process that has no web server of its own, from a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from realname.clock import monotonic

Check = Callable[[], str | None]  # None = fine; else the reason, a short closed word


class Heartbeat:
    """Alive = the loop turns: it beats, and `check` fails once the last beat is older than the limit."""

    def __init__(self, limit_s: float) -> None:
        """limit_s: the longest time that one turn of the loop may take."""
        self._limit_s = limit_s
        self._beaten_at = monotonic()

    def beat(self) -> None:
        """Call once a turn."""
        self._beaten_at = monotonic()

    def check(self) -> str | None:
        """None, or `loop_stands`."""
        return "loop_stands" if monotonic() - self._beaten_at > self._limit_s else None


def serve_health(
    port: int, registry: CollectorRegistry, *, alive: Check, ready: Check, host: str = "127.0.0.1"
) -> ThreadingHTTPServer:
    """Start serving; returns the server (shutdown() ends it). Raises OSError where the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
            elif self.path in {"/healthz", "/readyz"}:
                problem = (alive if self.path == "/healthz" else ready)()
                body = (problem or "ok").encode() + b"\n"
                self._answer(200 if problem is None else 503, body, "text/plain; charset=utf-8")
            else:
                self._answer(404, b"not found: /metrics, /healthz, /readyz\n", "text/plain; charset=utf-8")

        def _answer(self, code: int, body: bytes, media_type: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Scrapes are not worth a line."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
