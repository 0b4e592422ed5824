from math import inf, nan

import pytest

from realname.finite import finite, is_finite
from realname.messages import ActionTrace
from tests.builders import a_live_report, a_match


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_a_number_that_is_none_is_found_wherever_it_stands(number):
    trace = ActionTrace(action="blink", seen=True, at_s=1.0, strength=number)
    reports = [
        a_live_report(pad_live=number),
        a_live_report(turns_at_s=(1.0, number)),
        a_live_report(cpu_ms={"detect": 1.0, "pad": number}),
        a_live_report(actions=(trace,)),
        a_match(similarities=(0.7, number)),
    ]
    assert not any(is_finite(report) for report in reports)


def test_an_ordinary_report_is_finite_also_where_something_was_not_measured():
    trace = ActionTrace(action="blink", seen=False)
    assert is_finite(a_live_report(parallax=None, actions=(trace,), quality={"sharpness": 1e300}))
    assert is_finite(a_match(similarity=-0.2, copy_correlation=None))


def test_what_is_no_number_was_not_measured():
    assert [finite(value) for value in (None, nan, inf, -inf, 0.0, -1.5)] == [None, None, None, None, 0.0, -1.5]
