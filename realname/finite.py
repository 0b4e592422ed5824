"""Pure: whether a report's numbers are numbers. NaN and infinity are no measurements: they pass or fail any threshold."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any, cast

import msgspec

from realname.messages import LivenessReport, MatchReport


def is_finite(report: LivenessReport | MatchReport) -> bool:
    """Whether no number anywhere in the report is NaN or infinite."""
    return _all_finite(msgspec.to_builtins(report))


def finite(value: float | None) -> float | None:
    """The measurement; None where there is none or it is no number."""
    return value if value is not None and isfinite(value) else None


def _all_finite(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict):
        return _all_of(cast("dict[str, Any]", value).values())
    if isinstance(value, list | tuple):
        return _all_of(cast("list[Any]", value))
    return True


def _all_of(values: Iterable[Any]) -> bool:
    return all(_all_finite(each) for each in values)
