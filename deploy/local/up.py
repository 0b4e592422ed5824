"""Brings a stack up and takes it down: every side effect, in the order in which it happens."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

from deploy.local.devkeys import make_keys
from deploy.local.errors import PortTaken, StackError
from deploy.local.jars import fetch_jars
from deploy.local.java import find_java
from deploy.local.kafka import broker_argv, prepare_broker
from deploy.local.layout import Stack, record
from deploy.local.ports import holder_of, is_free
from deploy.local.processes import SERVERS, SERVICES, Service, command_of, environment_of, ports_of, tiers_of, variable_of
from deploy.local.readiness import await_ready
from deploy.local.supervision import Supervision, end_leftovers, leftovers, start_supervisor
from deploy.local.supervisord import Program, supervisor_config
from deploy.local.topics import commit_first_offsets, create_topics
from deploy.local.valkey import valkey_argv
from realname.topics import DISPATCHER_GROUP, PARTITIONS, all_topics

SERVERS_S_MAX = 60.0  # a broker killed before needs up to 17 s on a busy machine
SERVICES_S_MAX = 120.0  # workers load their models
KAFKA_HEAP_MB = 384
_SERVER_STOP_S = {"kafka": 30, "valkey": 5}

Say = Callable[[str], None]


def bring_up(stack: Stack, caller: Mapping[str, str], say: Say, *, services: tuple[Service, ...] = SERVICES) -> Supervision:
    """Start everything and return when each process is ready. Where that fails, or is broken off, all is stopped again.

    caller: the environment of the command. StackError, PortTaken, ToolMissing or NotReady say what to do.
    """
    supervision = Supervision(stack)
    Path(stack.state).mkdir(parents=True, exist_ok=True)
    Path(stack.state).chmod(0o700)  # logs and data are the owner's
    stack.run.mkdir(exist_ok=True)
    with _alone(stack):
        _check_not_running(stack, supervision)
        if left := leftovers(stack):
            say(f"ending what an earlier supervisor left behind: {', '.join(sorted(set(left.values())))}")
            end_leftovers(stack)
        check_ports(stack)
        _write_files(stack, caller, say, services)
        try:
            start_supervisor(stack, caller)
            record(stack)
            _start(stack, supervision, SERVERS, within_s=SERVERS_S_MAX, say=say)
            _set_up_topics(stack, int(caller.get("REALNAME_PARTITIONS", PARTITIONS)), say)
            _start(stack, supervision, tuple(service.name for service in services), within_s=SERVICES_S_MAX, say=say)
        except BaseException:  # Ctrl-C as well: half a stack serves nobody and holds its ports
            say("not everything came up: stopping what did")
            end(stack, say)
            raise
    return supervision


def end(stack: Stack, say: Say) -> None:
    """take_down; Ctrl-C during it kills what is left."""
    try:
        take_down(stack, say)
    except KeyboardInterrupt:
        say("killing what is left")
        kill_all(stack)


def take_down(stack: Stack, say: Say) -> bool:
    """Stop everything in order and end the supervisor; False where nothing ran. Data, keys and media stay."""
    supervision = Supervision(stack)
    if supervision.is_answering():
        for tier in tiers_of(tuple(supervision.states())):
            _stop(supervision, tier, say)
        supervision.shutdown()
        _await_end(supervision)
        end_leftovers(stack)
        return True
    if left := leftovers(stack):
        say(f"the supervisor was gone; ending what it left behind: {', '.join(sorted(set(left.values())))}")
        end_leftovers(stack)
        return True
    return False


def kill_all(stack: Stack) -> None:
    """The second Ctrl-C: SIGKILL to everything of this stack."""
    Supervision(stack).shutdown()
    end_leftovers(stack, within_s=0.0)


def check_ports(stack: Stack) -> None:
    """PortTaken, which names the port, its holder and the way out, for the first that is not free."""
    for name, port in (stack.ports._asdict() | stack.further).items():
        if not is_free(port):
            variable = variable_of(name)
            held = holder_of(port)
            by = f"another program (pid {held[0]}, {held[1]})" if held else "another program"
            way = f"set {variable}, or choose others by --ports-from" if variable else "choose others by --ports-from"
            raise PortTaken(f"port {port} ({name.replace('_', '-')}) is taken by {by}: stop it, or {way}")


def programs_of(
    stack: Stack, caller: Mapping[str, str], services: tuple[Service, ...], *, kafka: tuple[str, ...]
) -> tuple[Program, ...]:
    """What the supervisor runs. kafka: the broker's command line."""
    redis = tuple(valkey_argv(stack.run, stack.ports.valkey))
    servers = {"kafka": kafka, "valkey": redis}
    return (
        *(Program(name, servers[name], {}, _SERVER_STOP_S[name]) for name in SERVERS),
        *(Program(s.name, command_of(s), environment_of(s, stack, caller), s.stop_s) for s in services),
    )


def _write_files(stack: Stack, caller: Mapping[str, str], say: Say, services: tuple[Service, ...]) -> None:
    java, libs = find_java(), fetch_jars(say)
    for folder in (stack.logs, stack.vault):
        folder.mkdir(parents=True, exist_ok=True)
    if made := make_keys(stack.keys, stack.operators):
        say(f"made development keys in {stack.keys}: {len(made)} files")
    kafka, controller = stack.ports.kafka, stack.ports.kafka_controller
    properties = prepare_broker(Path(stack.state) / "kafka", port=kafka, controller_port=controller)
    broker = tuple(broker_argv(java, libs, properties, heap_mb=KAFKA_HEAP_MB))
    programs = programs_of(stack, caller, services, kafka=broker)
    stack.supervisor_config.write_text(supervisor_config(stack, programs, Path.cwd()))


def _start(stack: Stack, supervision: Supervision, names: tuple[str, ...], *, within_s: float, say: Say) -> None:
    for name in names:
        supervision.start(name)
    ports = ports_of(stack)
    await_ready(
        stack,
        supervision,
        names,
        within_s=within_s,
        said=lambda name, s: say(f"{name:<13} ready after {s:4.1f} s, port {ports[name]}"),
    )


def _set_up_topics(stack: Stack, partitions: int, say: Say) -> None:
    topics = all_topics(stack.operators, partitions=partitions)
    made = create_topics(stack.kafka, topics)
    # also after a start that was cut off between the two
    commit_first_offsets(stack.kafka, DISPATCHER_GROUP, topics[0])
    say(f"topics        {len(made)} made, {len(topics) - len(made)} found")


def _stop(supervision: Supervision, tier: tuple[str, ...], say: Say) -> None:
    present = supervision.states()
    live = [name for name in tier if name in present and present[name].is_live]
    for name in live:
        supervision.stop(name)
    began_at = time.monotonic()
    # the supervisor itself kills each after its time; this deadline only guards against a supervisor that does not
    limit_s = 10.0 + max([*_SERVER_STOP_S.values(), *(service.stop_s for service in SERVICES)])
    while live:
        states = supervision.states()
        for name in tuple(live):
            if not states[name].is_live:
                live.remove(name)
                say(f"{name:<13} stopped after {time.monotonic() - began_at:4.1f} s")
        if time.monotonic() - began_at > limit_s:
            for name in live:
                supervision.kill(name)
            return
        time.sleep(0.05)


def _await_end(supervision: Supervision, within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while supervision.is_answering() and time.monotonic() < deadline:
        time.sleep(0.05)


def _check_not_running(stack: Stack, supervision: Supervision) -> None:
    if supervision.is_answering():
        raise StackError(f"a stack already runs in {stack.state}: see `realname status`, end it by `realname down`")


@contextlib.contextmanager
def _alone(stack: Stack) -> Generator[None]:
    """Two starts in one folder at the same time: the second is refused. The lock ends with the process that holds it."""
    with (stack.run / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"another `realname up` is starting in {stack.state}") from None
        yield
