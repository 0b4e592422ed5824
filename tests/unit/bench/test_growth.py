"""What a growth run takes out of its phases."""

import pytest

from bench.growth import cpu_ms_of, profile_of, slope_hz
from bench.load.watching import Point


def test_a_backlog_comes_within_the_steady_phases_length_or_at_its_rate():
    few, many = profile_of(rate_hz=20, seconds=45, backlog=90), profile_of(rate_hz=20, seconds=45, backlog=1800)
    assert [(phase.rate_hz, phase.seconds) for phase in few.phases] == [(20, 45), (20, 4.5), (0, 1)]
    assert [(phase.rate_hz, phase.seconds) for phase in many.phases] == [(20, 45), (40, 45), (0, 1)]
    assert [phase.away for phase in few.phases] == [(), ("workers",), ()]


def test_a_late_start_and_a_late_last_one_do_not_count_for_the_rate():
    middle = [10 + each / 50 for each in range(100)]
    assert slope_hz([*middle[:-1], 60.0]) == pytest.approx(50, rel=0.02)


def test_cpu_counts_between_two_looks_and_processes_of_a_kind_together():
    first = Point(at_s=1.0, cpu_s={"worker": 1.0, "intake": 0.5}, resident_bytes={})
    last = Point(at_s=11.0, cpu_s={"worker": 2.0, "worker-1": 1.0, "intake": 1.0}, resident_bytes={})
    assert cpu_ms_of([first, last], [0.5, 2.0, 3.0, 10.0, 10.5, 12.0]) == {"worker": 500.0, "intake": 125.0}
