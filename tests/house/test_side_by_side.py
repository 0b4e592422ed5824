"""Test files run side by side, and beside whatever else the machine does."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FIXED_PORT = re.compile(r"\b(?:bind|create_server|serve_health|Broker|Valkey)\([^\n]*?[ (,=][1-9]\d{3,4}[,)]")
BROAD_KILL = re.compile(r"\b(?:pkill|killall|killpg)\b")


@pytest.mark.parametrize("shape", [FIXED_PORT, BROAD_KILL], ids=["a port of its own choice", "a kill by name"])
def test_no_test_takes_what_another_may_have(shape: re.Pattern[str]) -> None:
    strays = [
        f"{path.relative_to(TESTS)}:{number}"
        for path in sorted(TESTS.rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if shape.search(line)
    ]
    assert not strays, "a port comes from free_run or is 0; a process is killed by the test that started it"


def test_what_is_looked_for_would_be_found() -> None:
    assert FIXED_PORT.search("with socket.create_server((LOOPBACK, 18080)) as server:")
    assert FIXED_PORT.search("Valkey(folder, 16379)")
    assert not FIXED_PORT.search("socket.create_server((LOOPBACK, 0))")
    assert BROAD_KILL.search('subprocess.run(["pkill", "java"])')
