"""What a child may not do, once sealed. Each attempt runs in a process that is confined as a child is."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.watched_decoder import Watched, watched

ATTEMPTS = {
    "open a file": "open('/etc/hostname')",
    "make a file": "open('/dev/null', 'w')",
    "list a folder": "os.listdir('/')",
    "remove a file": "os.unlink('/nowhere')",
    "make a socket": "socket.socket()",
    "make a socket pair": "socket.socketpair()",
    "fork": "os.fork()",
    "run a program": "os.execv('/bin/true', ['true'])",
    "signal its parent": "os.kill(os.getppid(), 0)",
    "signal itself": "os.kill(os.getpid(), 0)",
    "watch a process": "ctypes_call('ptrace', 0, 0, 0, 0)",
    "loosen its limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))",
    "change its folder": "os.chdir('/')",
    "start a thread": "start_thread()",
    "make a memory file": "os.memfd_create('x')",
    "send a descriptor": "socket.send_fds(pair[0], [b'x'], [0])",
}

PROGRAM = """
import ctypes, json, os, resource, socket, sys, threading
from tests.watched_decoder import LIMITS
from workers.decoder.sandbox import confine, seal
pair = socket.socketpair()
libc = ctypes.CDLL(None, use_errno=True)
def ctypes_call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
def start_thread():
    try:
        threading.Thread(target=int).start()
    except RuntimeError as error:
        raise PermissionError(error)
attempts = json.loads(sys.argv[1])
confine(LIMITS)
seal()
seen = {}
for name, code in attempts.items():
    try:
        eval(code)
    except (PermissionError, ValueError):  # setrlimit says EPERM with the second
        seen[name] = 'refused'
    except BaseException as error:
        seen[name] = repr(error)
    else:
        seen[name] = 'allowed'
print(json.dumps(seen))
"""

filtered = pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="no table of calls for this machine")


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(ATTEMPTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@filtered
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_sealed_child_may_not(seen: dict[str, str], attempt: str):
    assert seen[attempt] == "refused"


@pytest.fixture(scope="module")
def status() -> dict[str, str]:
    with watched() as decoder:
        decoder.outcome(b"")
        lines = Path(f"/proc/{decoder.pid()}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_a_child_can_gain_no_rights(status: dict[str, str]):
    assert status["NoNewPrivs"] == "1"


@filtered
def test_a_child_is_filtered(status: dict[str, str]):
    assert status["Seccomp"] == "2"


def test_a_child_has_one_thread(status: dict[str, str]):
    assert status["Threads"] == "1"


def test_a_child_has_no_environment_no_core_and_few_files():
    with watched() as decoder:
        decoder.outcome(b"")
        process = Path(f"/proc/{decoder.pid()}")
        environment = (process / "environ").read_bytes().split(b"\0")
        limits = (process / "limits").read_text()
        folder = (process / "cwd").readlink()
    assert all(name.split(b"=")[0] in NEEDED for name in environment if name)
    assert any(line.split()[:5] == ["Max", "core", "file", "size", "0"] for line in limits.splitlines())
    assert any(line.split()[:4] == ["Max", "file", "size", "0"] for line in limits.splitlines())
    assert folder == Path("/")


def test_a_child_holds_its_socket_and_its_buffers_and_no_file(own: Watched):
    own.outcome(b"")
    links = [str(link.readlink()) for link in Path(f"/proc/{own.pid()}/fd").iterdir()]
    assert all(link.startswith(("/memfd:frames", "socket:", "/dev/null")) for link in links), links


NEEDED = {b"LC_ALL", b"PYTHONDONTWRITEBYTECODE", b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS", b"OPENCV_IO_MAX_IMAGE_PIXELS"}
