"""`realname decisions`: how an age is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from realname.errors import RealnameError
from services.cli.decisions import age_of


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("now", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_an_age_is_a_number_and_a_unit(text: str, age: timedelta) -> None:
    assert age_of(text) == age
    assert (datetime.now(UTC) - age).year > 2000


@pytest.mark.parametrize("text", ["", "soon", "7", "d", "-1d", "1.5h", "\u00b2d"])
def test_what_is_no_age_is_said(text: str) -> None:
    with pytest.raises(RealnameError, match="a number and a unit"):
        age_of(text)


@pytest.mark.parametrize("text", ["3651d", "999999d", "87601h", "9" * 5000 + "s"])
def test_an_age_beyond_ten_years_is_refused_with_the_bound(text: str) -> None:
    with pytest.raises(RealnameError, match="3650d at most"):
        age_of(text)
