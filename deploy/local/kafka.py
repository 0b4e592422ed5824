"""A real Apache Kafka broker (KRaft, one node) on loopback, from a folder of jars."""

from __future__ import annotations

import base64
import subprocess
import time
import uuid
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Self

from deploy.local.child import Child
from deploy.local.errors import NotReady, StackError
from deploy.local.jars import HERE, fetch_jars
from deploy.local.java import find_java
from deploy.local.ports import LOOPBACK
from deploy.local.topics import answers_metadata

HEAP_MB = 256  # resident 210-230 MB, measured
# A broker that lives for a test spends 2.7 s of CPU on its start instead of 4.3, measured; a long-lived one wants C2.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)
FORMAT_S_MAX = 60.0  # 0.5-0.9 s on an idle machine


def server_properties(data: Path, *, port: int, controller_port: int) -> str:
    """The broker's settings: the committed template with its three blanks filled."""
    template = Template((HERE / "server.properties").read_text())
    return template.substitute(data=data.resolve(), port=port, controller_port=controller_port)


def broker_argv(java: Path, libs: Path, properties: Path, *, heap_mb: int, jvm: tuple[str, ...] = ()) -> list[str]:
    """The broker's command line. SerialGC: a small heap on few cores. jvm: further options of the JVM."""
    jvm = (f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", *jvm)
    logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
    return [str(java), *jvm, logging, "-cp", f"{libs}/*", "kafka.Kafka", str(properties)]


def prepare_broker(folder: Path, *, port: int, controller_port: int) -> Path:
    """Write the settings and format the data folder if it is new; the path of the settings. Data is kept.

    A stack with its ports moved keeps its data: the settings are written anew at every start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(server_properties(folder / "data", port=port, controller_port=controller_port))
    mark = folder / "formatted"  # written last: a format that was cut off is done again
    if not mark.exists():
        cluster_id = _new_cluster_id()
        _format(properties, cluster_id)
        mark.write_text(cluster_id)
    return properties


class Broker:
    """One broker. `with Broker(folder, port) as broker:` starts it, waits, and stops it at the end.

    For tests, benches and experiments: compiled quickly rather than well. The stack's own runs under the supervisor.
    port: for clients; port + 1 is the controller's. Both must be free. Its data in `folder` is kept between starts.
    """

    def __init__(self, folder: Path, port: int, *, heap_mb: int = HEAP_MB) -> None:
        """Formats the data folder if it is new (0.5-0.9 s); fetches the jars if they are not there."""
        self.port = port
        self.folder = folder
        libs = fetch_jars(lambda line: print(line, flush=True))  # noqa: T201  a silent half minute reads as a hang
        properties = prepare_broker(folder, port=port, controller_port=port + 1)
        self._child = Child(broker_argv(find_java(), libs, properties, heap_mb=heap_mb, jvm=SHORT_LIVED), folder / "kafka.log")

    @property
    def bootstrap(self) -> str:
        """host:port for clients."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The JVM's process id."""
        return self._child.pid

    def start(self) -> None:
        """Start it; see wait_ready."""
        self._child.start()

    def wait_ready(self, within_s: float = 60.0) -> None:
        """Return when it answers a metadata request as a member of its cluster; NotReady if it ends or stays silent.

        2-4 s after a clean stop, 5-9 s after kill9 (the controller first has to miss the old broker's heartbeats).
        """
        deadline = time.monotonic() + within_s
        while not answers_metadata(self.bootstrap):
            if not self._child.is_alive:
                raise NotReady(f"kafka ended at its start: {self._child.last_lines()}")
            if time.monotonic() > deadline:
                raise NotReady(f"kafka did not answer within {within_s:.0f} s: {self._child.last_lines()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM and wait."""
        self._child.stop()

    def kill9(self) -> None:
        """SIGKILL."""
        self._child.kill9()

    def freeze(self) -> None:
        """SIGSTOP: connections stay, no answer comes."""
        self._child.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._child.thaw()

    def __enter__(self) -> Self:
        """Started and ready."""
        self.start()
        self.wait_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Stopped."""
        self.stop()


def _new_cluster_id() -> str:
    """22 characters as Kafka makes them; never with a leading dash, which reads as an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _format(properties: Path, cluster_id: str) -> None:
    libs = fetch_jars(lambda line: print(line, flush=True))  # noqa: T201  see Broker
    jvm = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=OFF"]
    tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id, "-c", str(properties)]
    command = [str(find_java()), *jvm, "-cp", f"{libs}/*", *tool]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_S_MAX, check=False)
    if ran.returncode != 0:
        raise StackError(f"kafka's data folder could not be formatted: {(ran.stdout + ran.stderr).strip()[-800:]}")
