"""A short cut of `bench.hops`: the real sender, a real Valkey and a worker process, each variant once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import hops
from bench.result import read

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


def test_every_variant_carries_its_jobs_and_its_cost_is_held_against_the_floor(tmp_path: Path):
    hops.main(["--jobs", "10", "--rate", "50", "--rounds", "1", "--results", str(tmp_path)])
    kept = read(tmp_path / "hops.json")
    assert kept.ratios.keys() == {"two_tasks_to_floor", "one_task_to_floor", "one_task_to_two_tasks"}
    assert all(ratio.value > 0 for ratio in kept.ratios.values())
