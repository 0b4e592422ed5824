"""A short cut of the load generator: real uploads on a stack with a simulated accelerator, every id held against I1."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest

from bench.load.main import main
from bench.load.report import Course
from bench.result import Result, read

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

PROFILE = """
name = "short"
about = "Two phases; in the second one operator sends more than the others."

[[phases]]
name = "usual"
seconds = 5
rate_hz = 4

[[phases]]
name = "north_10x"
seconds = 5
rate_hz = 6
weights = { north = 4 }
"""
SMALL = ("--rate-scale", "1", "--processes", "1", "--dispatchers", "1", "--warm-up", "4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, media_folder: Path) -> Path:
    """What one run leaves behind."""
    folder = tmp_path_factory.mktemp("load")
    (folder / "short.toml").write_text(PROFILE)
    outputs = ("--results", str(folder), "--plot", str(folder / "short.png"))
    with contextlib.suppress(SystemExit):  # beside other tests the loader may be late by itself, which a run calls wrong
        main(["--profile", str(folder / "short.toml"), *SMALL, *outputs])
    return folder


@pytest.fixture(scope="module")
def kept(folder: Path) -> Result:
    return read(folder / "load_short.json")


@pytest.fixture(scope="module")
def course(folder: Path) -> Course:
    return msgspec.json.decode((folder / "load_short.course.json").read_bytes(), type=Course)


def test_every_registration_that_was_due_was_accepted_and_has_exactly_one_decision(kept, course):
    assert [note for note in kept.notes if note.startswith("wrong") and "the loader was late" not in note] == []
    assert len(course.due_s) > 20
    assert set(course.outcome) == {"accepted"}
    assert all(at is not None and at > due for at, due in zip(course.decided_s, course.due_s, strict=True))


def test_there_are_latencies_for_each_phase_and_operator(kept):
    for phase in ("usual", "north_10x"):
        for operator in ("north", "harbor", "summit"):
            assert 0 < kept.figures[f"{phase}_{operator}_p50_s"] <= kept.figures[f"{phase}_{operator}_p99_s"]
    assert kept.figures["decided"] == kept.figures["due"]
    assert {"harbor_p95_moved", "summit_p95_moved", "loader_over_pipeline"} <= set(kept.ratios)


def test_what_each_process_cost_and_what_waited_was_seen_over_time(kept, course):
    for process in ("intake", "dispatcher", "worker", "projector", "janitor", "kafka", "valkey", "loader"):
        assert kept.figures[f"cpu_ms_{process}"] > 0, process
        assert kept.figures[f"resident_mb_{process}"] > 1, process
    assert len(course.points) > 5
    assert course.points[-1].queued == 0  # asked of Valkey now; what a dispatcher says of itself is up to a second old
    assert {point.lag is None for point in course.points} == {point.undecided is None for point in course.points} == {False}
    assert max(point.window or 0 for point in course.points) >= 1


def test_the_run_is_drawn(folder):
    assert (folder / "short.png").read_bytes().startswith(b"\x89PNG")
