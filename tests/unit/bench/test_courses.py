import random

import msgspec
import pytest

from bench.courses import Course, Look, decode_course, spans_of, unevenness, warm_up_s
from realname.errors import RealnameError


def course(cores: list[float]) -> Course:
    """A look a second; Kafka's cores between them."""
    looks = [Look(float(second), {"kafka": sum(cores[:second]), "valkey": 0.0}) for second in range(len(cores) + 1)]
    return Course(looks)


def test_a_warm_up_is_what_the_first_half_minute_cost_more() -> None:
    assert warm_up_s(spans_of(course([0.8] * 30 + [0.4] * 30))) == pytest.approx(30 * 0.4)
    assert warm_up_s(spans_of(course([0.4] * 300))) == pytest.approx(0.0)
    assert warm_up_s(spans_of(course([0.4] * 30 + [0.5] * 30))) == 0.0


def test_a_steady_process_and_a_slow_drift_are_not_uneven() -> None:
    assert unevenness(spans_of(course([0.4] * 60)), 0.0, 0.0) == pytest.approx(0.0)
    assert unevenness(spans_of(course([0.8 - 0.01 * second for second in range(60)])), 0.0, 0.0) < 1e-4


def test_pieces_at_random_instants_are_as_uneven_as_they_are_long() -> None:
    rng = random.Random(5)
    seconds: list[float] = [0.0] * 4000
    for _ in range(4 * 4000):  # four pieces of 80 ms a second
        seconds[rng.randrange(4000)] += 0.08
    assert unevenness(spans_of(course(seconds)), 0.0, 0.0) / (4 * 0.08) == pytest.approx(0.08, rel=0.05)
    # arrivals of 80 ms, four a second, explain all of it
    assert unevenness(spans_of(course(seconds)), 4.0, 0.08) < 0.002


def test_a_look_that_follows_at_once_is_left_out() -> None:
    looks = [*course([0.4] * 60).points, Look(60.1, {"kafka": 30.0, "valkey": 0.0})]
    assert len(spans_of(Course(looks))) == 60


def test_a_course_is_read_out_of_all_that_a_run_wrote() -> None:
    written = {"profile": {"name": "x"}, "points": [{"at_s": 60.0, "cpu_s": {"kafka": 1.0}, "lag": 3}], "due_s": [0.1]}
    assert decode_course(msgspec.json.encode(written), "x") == Course([Look(60.0, {"kafka": 1.0})])


WITHOUT_KAFKA = b'{"points": [{"at_s": 0.0, "cpu_s": {}}, {"at_s": 60.0, "cpu_s": {"intake": 1.0}}]}'


@pytest.mark.parametrize(
    "written", [b"[]", b'{"points": []}', b'{"points": [{"at_s": 20.0, "cpu_s": {"kafka": 1.0}}]}', WITHOUT_KAFKA]
)
def test_a_course_that_says_nothing_is_named(written: bytes) -> None:
    with pytest.raises(RealnameError, match=r"mine\.course\.json"):
        decode_course(written, "mine.course.json")
