"""Pure: the processes of the local stack, in one table: what runs, with which settings, on which port, ended how."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from deploy.local.layout import Stack

MODELS = Path(__file__).parents[2] / ".cache" / "models"  # where `make models` puts them
_SOLO = "liveness.solo,matching.solo"


class Service(NamedTuple):
    """One Python process.

    field: of Ports, the port of its /readyz and /metrics; empty where it stands in Stack.further under the process's name.
    stop_s: from SIGTERM to SIGKILL. arguments: of the command line.
    """

    name: str
    module: str
    field: str
    stop_s: int
    settings: Mapping[str, str] = {}
    arguments: tuple[str, ...] = ()


# A worker finishes what it runs: a stage may take 20 s (realname.stages.STAGE_DEADLINE_S).
SERVICES = (
    Service("projector", "services.projector", "projector", 10),
    Service("janitor", "services.janitor", "janitor", 10),
    Service("worker", "workers", "worker", 25),
    # One task at a time: what was lost twice runs here, beside nobody.
    Service(
        "worker-solo", "workers", "worker_solo", 25, {"REALNAME_QUEUES": _SOLO, "REALNAME_THREADS": "1", "REALNAME_DECODERS": "1"}
    ),
    Service("dispatcher-0", "services.dispatcher", "dispatcher_0", 15, {"REALNAME_SLOT": "0"}),
    Service("dispatcher-1", "services.dispatcher", "dispatcher_1", 15, {"REALNAME_SLOT": "1"}),
    Service("intake", "services.intake", "intake", 15),
)
SERVERS = ("kafka", "valkey")
NAMES = (*SERVERS, *(service.name for service in SERVICES))


def tiers_of(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """In which order they are stopped: first nobody may hand in more, then what works on it ends, then what it needs."""
    between = tuple(name for name in names if name != "intake" and name not in SERVERS)
    return ("intake",), between, SERVERS


STOP_TIERS = tiers_of(NAMES)


def environment_of(service: Service, stack: Stack, caller: Mapping[str, str]) -> dict[str, str]:
    """The variables that the stack decides for one process.

    caller: the environment of `realname up`, which every process inherits: its limits hold, and its folders of media
    and models; its ports, slots and keys are the stack's own business.
    """
    usual = {"REALNAME_VAULT": f"file://{stack.vault}", "REALNAME_MODELS_DIR": str(MODELS)}
    health = 0 if service.name == "intake" else ports_of(stack)[service.name]
    return {
        **{name: value for name, value in usual.items() if name not in caller},
        "REALNAME_KEYS": str(stack.keys),
        "REALNAME_KAFKA": stack.kafka,
        "REALNAME_REDIS": stack.redis,
        "REALNAME_INTAKE_PORT": str(stack.ports.intake),
        "REALNAME_OPERATORS": ",".join(stack.operators),
        "REALNAME_POLICY": stack.policy,
        "REALNAME_METRICS_PORT": str(health),
        **service.settings,
    }


def command_of(service: Service) -> tuple[str, ...]:
    """With this very Python, so that a virtual environment need not be active. -u: a log line is there when it is written."""
    return (sys.executable, "-u", "-m", service.module, *service.arguments)


def ports_of(stack: Stack) -> dict[str, int]:
    """The port to ask each process at, by its name."""
    asked = {service.name: getattr(stack.ports, service.field) for service in SERVICES}
    return {"kafka": stack.ports.kafka, "valkey": stack.ports.valkey, **asked, **stack.further}


def variable_of(port_name: str) -> str | None:
    """The variable that moves a port of Ports, where there is one."""
    variables = {"intake": "REALNAME_INTAKE_PORT", "kafka": "REALNAME_KAFKA", "kafka_controller": "REALNAME_KAFKA"}
    return {**variables, "valkey": "REALNAME_REDIS"}.get(port_name)
