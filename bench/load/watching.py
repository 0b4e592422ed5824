"""Looks at every process once a second: CPU and memory; and every few seconds how far behind each is."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

import redis
from msgspec import Struct

from bench.accelerator import STAND_IN_CPU
from bench.cpu import own_usage, usage_of
from bench.load.summary import LOADER
from deploy.local.errors import NotReady
from deploy.local.layout import Stack
from deploy.local.ports import LOOPBACK
from deploy.local.processes import ports_of
from deploy.local.supervision import Supervision
from realname.stages import QUEUES

PIDS_EVERY_S = 5.0
PAGES_EVERY_S = 5.0  # a page of metrics costs a process some 4 ms: once a second that was 15 % of a dispatcher's Python
_ANSWER_S = 1.0
_UNACKED = "unacked"  # kombu's hash of messages that workers hold
LAG, UNDECIDED = "realname_consumer_lag_records", "realname_undecided_records"
MAP_CHARS, WINDOW = "realname_offset_map_chars", "realname_window_records"


class Point(Struct, frozen=True, kw_only=True):
    """One look. None: nobody answered.

    at_s:      from the run's start.
    cpu_s:     by process, since the run's start.
    lag:       records behind the log's end, as the dispatchers said last; undecided: taken by them and not decided.
    queued:    in Celery's queues; unacked: held by workers.
    map_chars: of the longest offset map; window: of the widest, records.
    """

    at_s: float
    cpu_s: dict[str, float]
    resident_bytes: dict[str, int]
    lag: int | None = None
    undecided: int | None = None
    queued: int | None = None
    unacked: int | None = None
    map_chars: int | None = None
    window: int | None = None


class Watcher:
    """A thread of its own, whose cost is the loader's."""

    def __init__(self, stack: Stack, *, every_s: float = 1.0) -> None:
        """Starts with `start`."""
        self.points: list[Point] = []
        self.stood_in_s: dict[str, float] = {}  # CPU, by worker, of what simulated ones do in the place of inference; once closed
        self._stack = stack
        self._every_s = every_s
        self._stop = Event()
        self._pids: dict[str, int] = {}
        self._pids_at = float("-inf")
        self._all_run = False
        self._figures: Mapping[str, int] = {}
        self._figures_at = float("-inf")
        self._stood_in_before: dict[str, float] = {}
        self._spent = Spent()
        self._redis: Any = redis.Redis(host=LOOPBACK, port=stack.ports.valkey, socket_timeout=_ANSWER_S)
        self._thread = Thread(target=self._watch, name="watches", daemon=True)
        self._began_at = 0.0

    def start(self, began_at: float) -> None:
        """Waits for began_at (monotonic): what was used before does not count."""
        self._began_at = began_at
        time.sleep(max(0.0, began_at - time.monotonic()))
        self._look()
        self._stood_in_before = self._stood_in()
        self._thread.start()

    def close(self) -> list[Point]:
        """One last look."""
        self._stop.set()
        self._thread.join()
        self._figures_at = float("-inf")
        self._look()
        self.stood_in_s = since(self._stood_in_before, self._stood_in())
        self._redis.close()
        return self.points

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s):
            self._look()

    def _look(self) -> None:
        self._find_pids()
        used = usage_of(self._pids) | {LOADER: own_usage()}
        totals = {name: self._spent.total_s(name, self._pids.get(name, 0), use.cpu_s) for name, use in used.items()}
        figures = self._dispatchers_say()
        queued, unacked = self._queues()
        self.points.append(
            Point(
                at_s=time.monotonic() - self._began_at,
                cpu_s=totals,
                resident_bytes={name: use.resident_bytes for name, use in used.items()},
                lag=figures.get(LAG),
                undecided=figures.get(UNDECIDED),
                queued=queued,
                unacked=unacked,
                map_chars=figures.get(MAP_CHARS),
                window=figures.get(WINDOW),
            )
        )

    def _dispatchers_say(self) -> Mapping[str, int]:
        if time.monotonic() - self._figures_at >= PAGES_EVERY_S:
            self._figures_at = time.monotonic()
            self._figures = figures_of([*self._pages("dispatcher-").values()])
        return self._figures

    def _stood_in(self) -> dict[str, float]:
        return {name: stood_in_of(page) for name, page in self._pages("worker").items()}

    def _pages(self, prefix: str) -> dict[str, str]:
        """By process, of those that answer."""
        asked = {name: port for name, port in ports_of(self._stack).items() if name in self._pids and name.startswith(prefix)}
        return {name: page for name, port in asked.items() if (page := _page(port))}

    def _find_pids(self) -> None:
        if self._all_run and time.monotonic() - self._pids_at < PIDS_EVERY_S:
            return
        self._pids_at = time.monotonic()
        try:
            states = Supervision(self._stack).states()
        except NotReady:
            return
        self._pids = {name: state.pid for name, state in states.items() if state.pid}
        self._all_run = len(self._pids) == len(states)  # else what is missing may be back at the next look

    def _queues(self) -> tuple[int | None, int | None]:
        try:
            pipe = self._redis.pipeline(transaction=False)
            for queue in QUEUES:
                pipe.llen(queue)
            pipe.hlen(_UNACKED)
            *waiting, unacked = pipe.execute()
        except (redis.RedisError, OSError):
            return None, None
        return sum(map(int, waiting)), int(unacked)


class Spent:
    """Pure: CPU of a named process over its restarts, since it was first seen."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, float]] = {}
        self._total_s: dict[str, float] = {}

    def total_s(self, name: str, pid: int, cpu_s: float) -> float:
        """cpu_s: of this pid since its own start."""
        known = self._last.get(name)
        grew_s = 0.0 if known is None else cpu_s - known[1] if known[0] == pid else cpu_s
        self._last[name] = (pid, cpu_s)
        self._total_s[name] = self._total_s.get(name, 0.0) + max(0.0, grew_s)
        return self._total_s[name]


def figures_of(pages: list[str]) -> Mapping[str, int]:
    """Of all dispatchers: lag and undecided summed, map and window the largest. Empty where none answered.

    pages: in Prometheus's text format; read line by line, since a whole parser would cost the loader more than its uploads.
    """
    if not pages:
        return {}
    found: dict[str, int] = {}
    for name, joined in ((LAG, sum), (UNDECIDED, sum), (MAP_CHARS, max), (WINDOW, max)):
        lines = (line for page in pages for line in page.splitlines() if line.startswith(name))
        values = [int(float(line.rpartition(" ")[2])) for line in lines]
        found[name] = joined(values) if values else 0
    return found


def since(before_s: Mapping[str, float], now_s: Mapping[str, float]) -> dict[str, float]:
    """Pure: what counters grew by; one that is lower than before has started again."""
    return {name: now if now < before_s.get(name, 0.0) else now - before_s.get(name, 0.0) for name, now in now_s.items()}


def stood_in_of(page: str) -> float:
    """Seconds; 0 of a real worker."""
    lines = (line for line in page.splitlines() if line.startswith(f"{STAND_IN_CPU}_total"))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def _page(port: int) -> str:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        return answer.read().decode(errors="replace") if answer.status == http.client.OK else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
