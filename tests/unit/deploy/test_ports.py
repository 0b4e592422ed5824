import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.ports import LOOPBACK, free_run, is_free

ANOTHER = "import sys; from deploy.local.ports import free_run; free_run(1, within=range(*map(int, sys.argv[1:])))"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_free_run_is_free_below_the_ephemeral_range() -> None:
    first = free_run(5)
    assert first + 5 <= 32768
    assert all(is_free(port) for port in range(first, first + 5)), "held by name alone: a server can have it"


def test_a_port_that_was_given_a_moment_ago_is_given_to_no_other_caller_and_to_no_other_process() -> None:
    first = free_run(4)
    with pytest.raises(OSError, match="no 1 free ports"):
        free_run(1, within=range(first, first + 4))
    asked = [sys.executable, "-c", ANOTHER, str(first), str(first + 4)]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert "no 1 free ports" in told.stderr


def test_a_port_that_a_server_has_is_not_given_and_its_neighbour_still_is() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(OSError, match="no 2 free ports"):
            free_run(2, within=range(taken - 1, taken + 1))
    assert free_run(1, within=range(taken, taken + 1)) == taken


def test_what_a_process_holds_does_not_grow_without_end() -> None:
    for _ in range(200):
        free_run(1)
    held = descriptors()
    for _ in range(200):
        free_run(1)
    assert descriptors() <= held
