"""The stack that is loaded: how many of what, brought up for one run, and parts of it taken away and given back."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

from bench.accelerator import CostModel
from bench.accelerator_worker import arguments_of
from bench.load.profile import Away, Workers
from deploy.local.layout import Ports, Stack, ports_from, stack_of
from deploy.local.ports import free_run
from deploy.local.processes import SERVICES, Service
from deploy.local.supervision import Supervision
from deploy.local.up import bring_up, take_down
from realname.topics import PARTITIONS

BACK_WITHIN_S = 60.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many of what.

    threads: of each simulated worker, whose stages mostly wait. cost: of each simulated worker, which has a device of its own.
    """

    workers: Workers = "simulated"
    processes: int = 2
    dispatchers: int = 2
    partitions: int = PARTITIONS
    threads: int = 64
    cost: CostModel = field(default_factory=CostModel)

    @property
    def words(self) -> str:
        """For a report."""
        of = "worker" if self.workers == "real" else "simulated accelerator"
        counted = ((self.partitions, "partition"), (self.dispatchers, "dispatcher"), (self.processes, of))
        return ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counted)


def services_of(shape: Shape) -> tuple[Service, ...]:
    """The processes of the stack: the usual ones, with more or fewer workers and dispatchers. Pure."""
    usual = {service.name: service for service in SERVICES}
    others = [usual[name] for name in ("projector", "janitor")]
    workers = [_worker(shape, usual["worker"], number) for number in range(shape.processes)]
    solo = _simulated(shape, usual["worker-solo"], "1") if shape.workers == "simulated" else usual["worker-solo"]
    dispatchers = [_dispatcher(usual, number) for number in range(shape.dispatchers)]
    return (*others, *workers, solo, *dispatchers, usual["intake"])


@contextlib.contextmanager
def running(shape: Shape, say: Say) -> Generator[Stack]:
    """A stack of this shape in a folder of its own, gone at the end. StackError where it does not come up."""
    services = services_of(shape)
    further = [service.name for service in services if not service.field]
    first = free_run(len(Ports._fields) + len(further))
    ports = {name: first + len(Ports._fields) + number for number, name in enumerate(further)}
    caller = dict(os.environ) | {"REALNAME_PARTITIONS": str(shape.partitions)}
    with tempfile.TemporaryDirectory() as folder:
        usual = stack_of(Path(folder), ports_from(first, {}), {})
        stack = Stack(usual.state, usual.ports, usual.operators, usual.policy, ports)
        try:
            bring_up(stack, caller, say, services=services)
            yield stack
        finally:
            take_down(stack, lambda _: None)


class Missing:
    """Takes parts of a running stack away and gives them back. Blocking."""

    def __init__(self, stack: Stack) -> None:
        self._supervision = Supervision(stack)

    def take(self, parts: tuple[Away, ...]) -> None:
        """SIGTERM to each process of these parts; returns when they are gone."""
        names = self._names(parts)
        for name in names:
            self._supervision.stop(name)
        self._await(lambda: not any(self._supervision.states()[name].is_live for name in names), "stop")

    def give_back(self, parts: tuple[Away, ...]) -> None:
        """Start them again; returns when the supervisor runs them, which is before they are ready."""
        names = self._names(parts)
        for name in names:
            self._supervision.start(name)
        self._await(lambda: all(self._supervision.states()[name].pid for name in names), "start")

    def _names(self, parts: tuple[Away, ...]) -> list[str]:
        prefixes = {"workers": "worker", "dispatchers": "dispatcher-"}
        wanted = tuple(prefixes.get(part, part) for part in parts)
        return [name for name in self._supervision.states() if name.startswith(wanted)]

    def _await(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + BACK_WITHIN_S
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the supervisor did not {what} everything within {BACK_WITHIN_S:.0f} s")
            time.sleep(0.05)


def _worker(shape: Shape, usual: Service, number: int) -> Service:
    own = usual if number == 0 else usual._replace(name=f"worker-{number}", field="")
    return _simulated(shape, own, str(shape.threads)) if shape.workers == "simulated" else own


def _simulated(shape: Shape, service: Service, threads: str) -> Service:
    settings = {**service.settings, "REALNAME_THREADS": threads}
    return service._replace(module="bench.accelerator_worker", settings=settings, arguments=arguments_of(shape.cost))


def _dispatcher(usual: dict[str, Service], number: int) -> Service:
    name, slot = f"dispatcher-{number}", {"REALNAME_SLOT": str(number)}
    return usual.get(name) or usual["dispatcher-0"]._replace(name=name, field="", settings=slot)
