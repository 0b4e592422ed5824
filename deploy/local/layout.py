"""Where everything of a stack lies: the files of its state folder and its ports. Pure but for reading its own record."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from deploy.local.errors import StackError
from deploy.local.ports import LOOPBACK

STATE = Path(".realname")  # under the current directory
OPERATORS = ("north", "harbor", "summit")
_SOCKET_PATH_MAX = 100  # a unix socket's path ends at 108 bytes, and supervisord appends a few of its own
_PLAIN = re.compile(r"[\w./ +@:=,~-]*")  # the supervisor's file cuts values off at ; and #, and knows no escape for quotes


class Ports(NamedTuple):
    """Every port of one stack, on loopback. The broker's controller port is kafka + 1."""

    intake: int
    kafka: int
    kafka_controller: int
    valkey: int
    dispatcher_0: int
    dispatcher_1: int
    worker: int
    worker_solo: int
    projector: int
    janitor: int


# What realname/settings.py takes for granted where a variable is not set.
_INTAKE, _KAFKA, _VALKEY = 18080, 19092, 16379
_PORT_MAX = 65535
_NAMED_PORT = re.compile(r":([^:\]]+)$")  # what stands behind the last colon of host:port, number or not


class Stack(Struct, frozen=True):
    """A stack as it was last started: the record in its state folder, for the other commands.

    further: the ports of processes beside the usual ones, by their names (bench/load plays with more of some).
    """

    state: str
    ports: Ports
    operators: tuple[str, ...]
    policy: str
    further: dict[str, int] = {}

    @property
    def intake_url(self) -> str:
        """Where requests go."""
        return f"http://{LOOPBACK}:{self.ports.intake}"

    @property
    def kafka(self) -> str:
        """Bootstrap address."""
        return f"{LOOPBACK}:{self.ports.kafka}"

    @property
    def redis(self) -> str:
        """Database 0."""
        return f"redis://{LOOPBACK}:{self.ports.valkey}/0"

    @property
    def keys(self) -> Path:
        """Folder of key files."""
        return Path(self.state) / "keys"

    @property
    def vault(self) -> Path:
        """Folder of sealed media."""
        return Path(self.state) / "vault"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return Path(self.state) / "log"

    @property
    def run(self) -> Path:
        """What belongs to one run: the supervisor's settings and pid, locks."""
        return Path(self.state) / "run"

    @property
    def supervisor_config(self) -> Path:
        """Generated at each start."""
        return self.run / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """In the state folder, or in the machine's folder for temporary files where that path is too long for a socket."""
        socket = self.run / "supervisor.sock"
        if len(str(socket)) <= _SOCKET_PATH_MAX:
            return socket
        named = hashlib.sha256(self.state.encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"realname-{named}.sock"


def ports_from(first: int | None, environment: Mapping[str, str]) -> Ports:
    """All ports: in a row from `first`, or the usual ones with REALNAME_INTAKE_PORT, _KAFKA and _REDIS respected.

    StackError for a broker or Redis that is not on loopback (the local stack starts its own), for what is no port, and for
    a port that is given twice.
    """
    if first is not None:
        return Ports(*range(first, first + len(Ports._fields)))
    intake = _port("REALNAME_INTAKE_PORT", environment.get("REALNAME_INTAKE_PORT", str(_INTAKE)))
    kafka = _loopback_port("REALNAME_KAFKA", environment.get("REALNAME_KAFKA"), usual=_KAFKA)
    valkey = _loopback_port("REALNAME_REDIS", environment.get("REALNAME_REDIS"), usual=_VALKEY)
    return _each_once(Ports(intake, kafka, kafka + 1, valkey, *range(_INTAKE + 1, _INTAKE + 7)))


def stack_of(state: Path, ports: Ports, environment: Mapping[str, str]) -> Stack:
    """A stack in this folder (made absolute). StackError where the path cannot stand in the supervisor's file."""
    whole = checked_plain(str(state.resolve()))
    named = environment.get("REALNAME_OPERATORS", ",".join(OPERATORS))
    operators = tuple(name.strip() for name in named.split(",") if name.strip())
    return Stack(whole, ports, operators, environment.get("REALNAME_POLICY", "development"))


def checked_plain(value: str) -> str:
    """The value, if it can stand in the supervisor's settings file as it is; else StackError."""
    if not _PLAIN.fullmatch(value):
        raise StackError(f"{value!r} cannot stand in the supervisor's settings: only letters, digits, spaces and ./+@:=,~-_ can")
    return value


def record(stack: Stack) -> None:
    """Write the stack's record into its folder."""
    Path(stack.state).mkdir(parents=True, exist_ok=True)
    (Path(stack.state) / "stack.json").write_bytes(msgspec.json.encode(stack))


def recorded(state: Path) -> Stack:
    """The stack as it was last started in this folder. StackError where none ever was."""
    try:
        return msgspec.json.decode((state / "stack.json").read_bytes(), type=Stack)
    except FileNotFoundError:
        raise StackError(f"no stack was ever started in {state}: run `realname up` there, or give --state") from None
    except msgspec.MsgspecError as error:
        raise StackError(f"{state / 'stack.json'} does not read ({error}): delete it, then `realname up`") from None


def _loopback_port(variable: str, address: str | None, *, usual: int) -> int:
    if address is None:
        return usual
    parts = urlsplit(address if "://" in address else f"//{address}")
    named = _NAMED_PORT.search(parts.netloc)
    if parts.hostname not in {LOOPBACK, "localhost"} or named is None:
        raise StackError(f"{variable}={address}: the local stack starts its own on {LOOPBACK}; unset it, or name a port there")
    return _port(variable, named.group(1))


def _port(variable: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(_PORT_MAX)) and 0 < int(value) <= _PORT_MAX):
        raise StackError(f"{variable}: {value!r} is no port; a number from 1 to {_PORT_MAX} is needed")
    return int(value)


def _each_once(ports: Ports) -> Ports:
    holders: dict[int, str] = {}
    for field, port in ports._asdict().items():
        name = field.replace("_", "-")
        if port in holders:
            way = "change REALNAME_INTAKE_PORT, REALNAME_KAFKA or REALNAME_REDIS, or choose all by --ports-from"
            raise StackError(f"port {port} is given twice, to {holders[port]} and to {name}: {way}")
        holders[port] = name
    return ports
