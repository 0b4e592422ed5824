"""Pure: which frames of a recording are kept. By time, never by counting: recordings have gaps and jitter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

_F = TypeVar("_F")

_ROUNDING_S = 1e-6  # of float arithmetic on pts; less than any time base of a recording


def thin(timed: Iterable[tuple[float, _F]], rate_hz_min: float) -> Iterator[tuple[float, _F]]:
    """As few frames as keep each gap at or below 1 / rate_hz_min; where the recording's own gap is longer, it stays.

    timed: (seconds, frame), strictly increasing. The first and the last are always kept. Looks one frame ahead.
    """
    gap_s_max = 1.0 / rate_hz_min + _ROUNDING_S
    kept_at: float | None = None
    held: tuple[float, _F] | None = None
    for at_s, frame in timed:
        if kept_at is None:
            yield at_s, frame
            kept_at = at_s
            continue
        if held is not None and at_s - kept_at > gap_s_max:
            yield held
            kept_at = held[0]
        held = (at_s, frame)
    if held is not None:
        yield held
