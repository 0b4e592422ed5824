"""Jobs over real processes. What is broken? A job kills its process. What must hold? Every other job is done, once."""

from __future__ import annotations

import pytest

from realname.errors import SettingsWrong
from tests.evaluation_jobs import KILLER, closed, doubling
from workers.evaluation.processes import run_jobs


def test_a_job_that_kills_its_process_costs_itself_alone() -> None:
    jobs = [1, KILLER, 3, 4, 5]
    answers: dict[int, list[int | None]] = {}
    run_jobs(jobs, doubling, (), workers=2, done=lambda place, answer: answers.setdefault(place, []).append(answer))
    assert answers == {0: [2], 1: [None], 2: [6], 3: [8], 4: [10]}


def test_what_no_process_can_open_ends_the_run() -> None:
    with pytest.raises(SettingsWrong, match="no such model"):
        run_jobs([1, 2], closed, (), workers=1, done=lambda *_: None)
