import importlib.util
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bench.all import BENCHMARKS, Benchmark, committed, run
from bench.result import Machine, Ratio, Result, write

MACHINE = Machine(cpu="A processor", cores=2, system="Linux x86_64", python="3.11.7")
RESULTS = Path("bench/results")
TOO_LONG = """
import pathlib, time
try:
    time.sleep(60)
finally:
    pathlib.Path("down").touch()
"""


def result(value: float) -> Result:
    ratios = {"cost": Ratio(value=value, better="less")}
    return Result(name="floor", command="a test", taken_at=datetime(2026, 11, 28, tzinfo=UTC), machine=MACHINE, ratios=ratios)


def test_each_benchmark_has_a_name_of_its_own_and_a_module_that_is_there():
    assert len({each.name for each in BENCHMARKS}) == len(BENCHMARKS)
    assert [each.arguments for each in BENCHMARKS if importlib.util.find_spec(each.arguments.split()[0]) is None] == []


def test_a_benchmark_that_is_run_under_another_name_is_called_by_it():
    assert "load_rate_20" in {each.name for each in BENCHMARKS}


def test_what_is_compared_with_is_what_is_committed_and_not_the_run_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    write(result(1.0), RESULTS)
    assert committed(RESULTS)["floor"].ratios["cost"].value == 1.0, "there is no repository: what lies there"
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.hooksPath=/dev/null")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "results")):
        subprocess.run([*git, *words], check=True)
    write(result(1.1), RESULTS)
    assert committed(RESULTS)["floor"].ratios["cost"].value == 1.0
    assert committed(Path("bench/others")) == {}


def test_one_that_does_not_end_is_broken_off_so_that_it_can_take_its_stack_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "too_long.py").write_text(TOO_LONG)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ended = run(Console(), Benchmark("too_long", 5.0), tmp_path)
    assert ended.why == "did not end within 5 s"
    assert (tmp_path / "down").exists()
