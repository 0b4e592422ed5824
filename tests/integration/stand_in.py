"""A process that is every service to the supervisor: it serves /readyz where its settings say, and ends on SIGTERM.

STAND_IN_BREAKS=<REALNAME_SLOT>: the one with this slot ends at once, as a service with wrong settings would.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from prometheus_client import CollectorRegistry

from realname.health import serve_health


def main() -> None:
    if os.environ.get("REALNAME_SLOT", "none") == os.environ.get("STAND_IN_BREAKS"):
        sys.exit("broken on purpose")
    port = int(os.environ["REALNAME_METRICS_PORT"]) or int(os.environ["REALNAME_INTAKE_PORT"])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    serve_health(port, CollectorRegistry(), alive=lambda: None, ready=lambda: None)
    ended.wait()


if __name__ == "__main__":
    main()
