"""What the liveness stage makes of the index of clips."""

from dataclasses import replace

import pytest

from realname.stages import decode_matching, decode_result
from tests.worker_fakes import Worker, a_liveness_job


class Saying:
    """An index that always says the same."""

    def __init__(self, seen: str) -> None:
        self.seen = seen
        self.asked: list[tuple[str, str, bytes]] = []

    def look(self, operator, registration_id, media, clip):  # noqa: ARG002 - a port
        self.asked.append((operator, registration_id, media))
        return self.seen


def worker_with(seen: str) -> tuple[Worker, Saying]:
    worker, index = Worker(), Saying(seen)
    worker.runtime = replace(worker.runtime, duplicates=index)
    return worker, index


@pytest.mark.parametrize("seen", ["new", "file_seen", "motion_seen", "unavailable"])
def test_what_the_index_says_stands_in_the_report_and_is_counted(seen):
    worker, index = worker_with(seen)
    job = a_liveness_job()
    assert worker.run(job)
    assert decode_matching(worker.memory.next[job.submitted.id]).liveness.seen_before == seen
    assert worker.counted("realname_duplicate_checks_total", outcome=seen) == 1
    assert index.asked == [("north", job.submitted.id, job.submitted.clip.key.encode())]


def test_the_check_s_cpu_is_one_of_the_report_s_steps():
    worker, _ = worker_with("new")
    job = a_liveness_job()
    worker.run(job)
    assert "duplicates" in decode_matching(worker.memory.next[job.submitted.id]).liveness.cpu_ms


def test_a_clip_that_is_not_decoded_is_not_looked_for():
    worker, index = worker_with("new")
    job = a_liveness_job("unreadable")
    assert worker.run(job)
    assert index.asked == []
    assert decode_result(worker.memory.done[job.submitted.id]).liveness.seen_before is None
