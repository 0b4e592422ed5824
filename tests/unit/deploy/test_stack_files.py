"""What a stack generates: its ports, its processes' settings, the supervisor's file, the broker's settings."""

from __future__ import annotations

import configparser
import shlex
import socket
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from deploy.local.errors import PortTaken, StackError
from deploy.local.jars import JARS_LIST, read_list, wrong_jars
from deploy.local.java import home_of, parse_major
from deploy.local.kafka import server_properties
from deploy.local.layout import Ports, Stack, ports_from, record, recorded, stack_of
from deploy.local.ports import LOOPBACK, free_run
from deploy.local.processes import NAMES, SERVICES, STOP_TIERS, environment_of, ports_of
from deploy.local.readiness import why_not_ready
from deploy.local.supervisord import Program, supervisor_config
from deploy.local.up import check_ports
from realname.health import serve_health
from realname.settings import Dispatcher, Intake, Janitor, Projector, Worker, read_settings

STACK = Stack("/srv/realname", Ports(*range(20000, 20010)), ("north", "harbor"), "development")


def properties() -> dict[str, str]:
    text = server_properties(Path("/srv/data"), port=20001, controller_port=20002)
    pairs = (line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return dict(pairs)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000"),
        ("auto.create.topics.enable", "false"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("broker.session.timeout.ms", "4000"),
        ("broker.heartbeat.interval.ms", "500"),
        ("offset.metadata.max.bytes", "4096"),
        ("log.dirs", "/srv/data"),
        ("listeners", "PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002"),
    ],
)
def test_the_broker_has_the_settings_that_the_ledger_hangs_on(name: str, value: str) -> None:
    assert properties()[name] == value


def test_committed_offsets_outlive_thirty_days() -> None:
    assert int(properties()["offsets.retention.minutes"]) >= 30 * 24 * 60


def test_every_process_reads_its_settings_without_complaint() -> None:
    kinds = {"intake": Intake, "projector": Projector, "janitor": Janitor, "worker": Worker, "worker-solo": Worker}
    for service in SERVICES:
        read = read_settings(kinds.get(service.name, Dispatcher), environment_of(service, STACK, {}))
        assert read.kafka == f"127.0.0.1:{STACK.ports.kafka}"
        assert read.redis == f"redis://127.0.0.1:{STACK.ports.valkey}/0"
        assert read.operator_names == ("north", "harbor")
        assert read.policy == "development"
        asked = read.intake_port if isinstance(read, Intake) else read.metrics_port
        assert asked == ports_of(STACK)[service.name]


def test_no_two_dispatchers_share_a_slot() -> None:
    slots = [service.settings["REALNAME_SLOT"] for service in SERVICES if service.module == "services.dispatcher"]
    assert sorted(slots) == ["0", "1"]


def test_all_four_queues_have_a_worker() -> None:
    workers = [service for service in SERVICES if service.module == "workers"]
    read = [read_settings(Worker, environment_of(service, STACK, {})) for service in workers]
    assert sorted(queue for each in read for queue in each.queues.split(",")) == [
        "liveness",
        "liveness.solo",
        "matching",
        "matching.solo",
    ]
    assert [each.threads for each in read if "solo" in each.queues] == [1]


def test_a_callers_folders_hold_and_its_ports_do_not() -> None:
    caller = {"REALNAME_VAULT": "file:///srv/elsewhere", "REALNAME_METRICS_PORT": "1", "REALNAME_KAFKA": "127.0.0.1:1"}
    decided = {**caller, **environment_of(SERVICES[0], STACK, caller)}
    assert decided["REALNAME_VAULT"] == "file:///srv/elsewhere"
    assert decided["REALNAME_METRICS_PORT"] != "1"
    assert decided["REALNAME_KAFKA"] == "127.0.0.1:20001"


def test_every_process_is_stopped_in_exactly_one_tier_and_intake_first() -> None:
    stopped = [name for tier in STOP_TIERS for name in tier]
    assert sorted(stopped) == sorted(NAMES)
    assert STOP_TIERS[0] == ("intake",)
    assert set(STOP_TIERS[-1]) == {"kafka", "valkey"}


def test_the_supervisors_file_reads_back_what_was_meant() -> None:
    program = Program("one", ("/opt/my python/bin/python", "-c", "print('100%')"), {"REALNAME_KEYS": "/srv/a b/keys"}, 25)
    text = supervisor_config(STACK, (program,), Path("/srv/work"))
    # as supervisord reads it: comments begin at ; and #, %% is one %
    read = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    read.read_string(text)
    section = {key: value.replace("%%", "%") for key, value in read["program:one"].items()}
    assert tuple(shlex.split(section["command"])) == program.command
    assert section["environment"] == 'REALNAME_KEYS="/srv/a b/keys"'
    assert section["autostart"] == "false"
    assert section["stopwaitsecs"] == "25"
    assert read["supervisord"]["umask"] == "077"


@pytest.mark.parametrize("folder", ["/srv/a;b", "/srv/a#b", '/srv/a"b', "/srv/a%(b)s", "/srv/a\nb"])
def test_a_folder_that_the_supervisors_file_cannot_hold_is_refused(folder: str) -> None:
    with pytest.raises(StackError, match="cannot stand"):
        stack_of(Path(folder), STACK.ports, {})


def test_ports_are_the_usual_ones_unless_moved() -> None:
    assert ports_from(None, {})[:4] == (18080, 19092, 19093, 16379)
    assert len(set(ports_from(None, {}))) == len(Ports._fields)
    assert ports_from(25000, {}) == tuple(range(25000, 25010))
    moved = {"REALNAME_INTAKE_PORT": "8080", "REALNAME_KAFKA": "localhost:9092", "REALNAME_REDIS": "redis://127.0.0.1:6379/0"}
    assert ports_from(None, moved)[:4] == (8080, 9092, 9093, 6379)


@pytest.mark.parametrize("address", ["kafka.example:9092", "10.0.0.1:9092", "127.0.0.1"])
def test_a_broker_elsewhere_is_not_for_the_local_stack(address: str) -> None:
    with pytest.raises(StackError, match=r"REALNAME_KAFKA.*starts its own"):
        ports_from(None, {"REALNAME_KAFKA": address})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REALNAME_INTAKE_PORT", "eighty"),
        ("REALNAME_INTAKE_PORT", ""),
        ("REALNAME_INTAKE_PORT", "65536"),
        ("REALNAME_INTAKE_PORT", "-1"),
        ("REALNAME_KAFKA", "127.0.0.1:none"),
        ("REALNAME_REDIS", "redis://127.0.0.1:99999/0"),
    ],
)
def test_what_is_no_port_is_named_with_its_variable(variable: str, value: str) -> None:
    with pytest.raises(StackError, match=rf"{variable}: '.*' is no port"):
        ports_from(None, {variable: value})


@pytest.mark.parametrize(
    ("environment", "holders"),
    [
        ({"REALNAME_INTAKE_PORT": "16379"}, "intake and to valkey"),
        ({"REALNAME_INTAKE_PORT": "19093"}, "intake and to kafka-controller"),
        ({"REALNAME_REDIS": "redis://127.0.0.1:18083/0"}, "valkey and to worker"),
    ],
)
def test_a_port_given_twice_is_named(environment: dict[str, str], holders: str) -> None:
    with pytest.raises(StackError, match=rf"port \d+ is given twice, to {holders}"):
        ports_from(None, environment)


def test_a_taken_port_is_named_with_its_way_out() -> None:
    ports = Ports(*range(first := free_run(len(Ports._fields)), first + len(Ports._fields)))
    check_ports(Stack("/srv", ports, (), "development"))
    with (
        socket.create_server((LOOPBACK, ports.worker)),
        pytest.raises(PortTaken, match=rf"port {ports.worker} \(worker\) is taken by another program \(pid \d+, .*--ports-from"),
    ):
        check_ports(Stack("/srv", ports, (), "development"))


def test_a_process_that_is_not_ready_says_why() -> None:
    port = free_run(1)
    assert why_not_ready(port) == "no answer"
    said = [None, "models_loading"]
    server = serve_health(port, CollectorRegistry(), alive=lambda: None, ready=said.pop)
    assert why_not_ready(port) == "models_loading"
    assert why_not_ready(port) is None
    server.shutdown()
    server.server_close()


def test_a_stack_is_found_again_by_its_record(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no stack was ever started"):
        recorded(tmp_path)
    stack = stack_of(tmp_path, STACK.ports, {"REALNAME_OPERATORS": "north, harbor"})
    record(stack)
    assert recorded(tmp_path) == stack
    assert stack.operators == ("north", "harbor")


def test_a_long_state_folder_still_gets_a_socket_that_can_be_bound() -> None:
    deep = stack_of(Path("/srv") / ("d" * 120), STACK.ports, {})
    assert len(str(deep.supervisor_socket)) <= 100
    assert STACK.supervisor_socket == Path("/srv/realname/run/supervisor.sock")


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("command not found", 0),
    ],
)
def test_javas_version_is_read(text: str, major: int) -> None:
    assert parse_major(text) == major


def test_javas_home_is_found_behind_a_link(tmp_path: Path) -> None:
    java = tmp_path / "jre" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch()
    (tmp_path / "java").symlink_to(java)
    assert home_of(tmp_path / "java") == (tmp_path / "jre").resolve()


def test_a_changed_a_missing_and_a_stray_jar_are_each_wrong(tmp_path: Path) -> None:
    wanted = read_list("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae  foo.jar\nffff  bar.jar\n")
    (tmp_path / "foo.jar").write_bytes(b"foo")
    (tmp_path / "stray.jar").write_bytes(b"x")
    assert wrong_jars(tmp_path, wanted) == {"bar.jar", "stray.jar"}


def test_the_committed_list_names_the_broker() -> None:
    names = read_list(JARS_LIST.read_text())
    assert {"kafka_2.13-4.4.0.jar", "kafka-clients-4.4.0.jar"} <= names.keys()
    assert {len(digest) for digest in names.values()} == {64}
