from __future__ import annotations

from datetime import timedelta

import pytest

from realname.stages import LOST_STARTS_MAX
from tests.builders import NOON
from tests.worker_fakes import AN_HOUR, a_liveness_job, a_matching_job
from workers.starts import Begun, course_of

POOL, ALONE = a_liveness_job(), a_liveness_job(alone=True)
MATCHING = a_matching_job()


@pytest.mark.parametrize(
    ("begun", "job", "course"),
    [
        (Begun(NOON), POOL, "judge"),
        (Begun(NOON, lost_pool=LOST_STARTS_MAX - 1), POOL, "judge"),
        (Begun(NOON, lost_pool=LOST_STARTS_MAX), POOL, "move_alone"),
        (Begun(NOON, lost_pool=9), ALONE, "judge"),
        (Begun(NOON, lost_pool=9, lost_alone=1), ALONE, "give_up"),
        # a copy that still lies in the pool's queue is not moved for ever once the job is convicted
        (Begun(NOON, lost_pool=9, lost_alone=1), POOL, "give_up"),
        (Begun(NOON + AN_HOUR), POOL, "too_late"),
        (Begun(NOON + AN_HOUR, lost_pool=9), POOL, "too_late"),
        (Begun(NOON + AN_HOUR - timedelta(seconds=1)), POOL, "judge"),
        (Begun(NOON, done=b"entry"), POOL, "add_again"),
        (Begun(NOON + AN_HOUR, done=b"entry", lost_pool=9), MATCHING, "add_again"),
        (Begun(NOON, next=b"message", lost_pool=9), POOL, "send_again"),
        (Begun(NOON, next=b"message", done=b"entry"), POOL, "add_again"),
        (Begun(NOON, next=b"message"), MATCHING, "judge"),
    ],
)
def test_what_a_job_does_follows_from_what_redis_remembers(begun, job, course):
    assert course_of(begun, job) == course
