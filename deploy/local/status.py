"""What runs, what waits and how far behind: one picture of a stack, asked of the supervisor, Kafka and Valkey."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import redis
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.errors import NotReady
from deploy.local.layout import Stack
from deploy.local.ports import LOOPBACK
from deploy.local.processes import ports_of
from deploy.local.readiness import is_ready
from deploy.local.supervision import State, Supervision
from deploy.local.topics import lags
from realname.stages import QUEUES

PROJECTOR = "projector"  # reads without a consumer group and commits nothing: only it knows how far it is
_LAG_METRIC = "realname_consumer_lag_records"
_UNACKED = "unacked"  # kombu's hash of messages that workers hold
_ANSWER_S_MAX = 3.0


class ProcessLine(Struct, frozen=True):
    """One process. up_s: since its start; 0 where it does not run."""

    name: str
    state: str
    pid: int
    port: int
    up_s: float
    ready: bool
    note: str


class Lag(Struct, frozen=True):
    """How far one consumer group is behind, by partition; None: it never committed there.

    The projector stands here under its own name, with what it says of itself.
    """

    group: str
    topic: str
    partitions: dict[int, int | None]

    @property
    def total(self) -> int:
        """Records behind, over all partitions."""
        return sum(count or 0 for count in self.partitions.values())


class Queues(NamedTuple):
    """Messages in each Celery queue, and those that workers hold unacknowledged."""

    waiting: dict[str, int]
    unacked: int


class Report(Struct, frozen=True):
    """The whole picture. lags and queues are None where Kafka or Valkey does not answer."""

    state: str
    running: bool
    processes: tuple[ProcessLine, ...] = ()
    lags: tuple[Lag, ...] | None = None
    queues: Queues | None = None
    said: str = ""

    @property
    def all_ready(self) -> bool:
        """Every process can do its job."""
        return bool(self.processes) and all(line.ready for line in self.processes)

    @staticmethod
    def of_nothing(said: str) -> Report:
        """No stack runs; `said` is why."""
        return Report("", running=False, said=said)


def report_of(stack: Stack) -> Report:
    """Ask everyone, at the same time; a few seconds at most."""
    try:
        states = Supervision(stack).states()
    except NotReady as absent:
        return Report(stack.state, running=False, said=str(absent))
    with ThreadPoolExecutor() as pool:
        lines = [pool.submit(_line, states[name], port) for name, port in ports_of(stack).items() if name in states]
        behind, queues = pool.submit(_lags, stack), pool.submit(_queues, stack)
        processes = tuple(line.result() for line in lines)
        return Report(stack.state, running=True, processes=processes, lags=behind.result(), queues=queues.result())


def _line(state: State, port: int) -> ProcessLine:
    ready = bool(state.pid) and is_ready(state.name, port)
    return ProcessLine(state.name, state.state, state.pid, port, state.up_s, ready, state.note)


def _lags(stack: Stack) -> tuple[Lag, ...] | None:
    found = lags(stack.kafka)
    if found is None:
        return None
    committed = (Lag(group, topic, partitions) for (group, topic), partitions in sorted(found.items()))
    return (*committed, *own_lags(PROJECTOR, _metrics(stack.ports.projector)))


def own_lags(name: str, metrics: str) -> tuple[Lag, ...]:
    """What a process says of its own lag. metrics: its page, in Prometheus's text format; empty where it does not answer."""
    found: dict[str, dict[int, int | None]] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == _LAG_METRIC:
                found.setdefault(sample.labels["topic"], {})[int(sample.labels["partition"])] = int(sample.value)
    return tuple(Lag(name, topic, partitions) for topic, partitions in sorted(found.items()))


def _metrics(port: int) -> str:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_S_MAX)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        page = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
    return page if answer.status == http.client.OK else ""


def _queues(stack: Stack) -> Queues | None:
    port = stack.ports.valkey
    client: Any = redis.Redis(host=LOOPBACK, port=port, socket_timeout=_ANSWER_S_MAX, socket_connect_timeout=1.0)
    with client:  # Any: redis-py types its answers loosely
        try:
            pipe = client.pipeline(transaction=False)
            for queue in QUEUES:
                pipe.llen(queue)
            pipe.hlen(_UNACKED)
            *lengths, unacked = (int(value) for value in pipe.execute())
        except (redis.RedisError, OSError):
            return None
    return Queues(dict(zip(QUEUES, lengths, strict=True)), unacked)
