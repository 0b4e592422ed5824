"""Pure: what a person did in a clip, as one list of events: blinks and turns by the time of their peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realname.messages import Action
from workers.liveness.blink import Blink
from workers.liveness.turn import Turn

SIDES: dict[Action, str] = {"turn_left": "left", "turn_right": "right"}
OTHER_SIDE: dict[Action, Action] = {"turn_left": "turn_right", "turn_right": "turn_left"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the person did. All times are seconds of the clip.

    first, last: its frames. begun_s: of its first frame. at_s: its peak. strength: degrees, or closedness.
    """

    action: Action
    first: int
    last: int
    begun_s: float
    at_s: float
    strength: float


def events_of(blinks: Sequence[Blink], turns: Sequence[Turn]) -> list[Event]:
    """All of them by the time of their peak."""
    shut = [Event("blink", each.first, each.last, each.begun_s, each.at_s, each.closedness) for each in blinks]
    turned = [
        Event("turn_left" if each.side == "left" else "turn_right", each.first, each.last, each.begun_s, each.at_s, each.deg)
        for each in turns
    ]
    return sorted([*shut, *turned], key=lambda event: (event.at_s, event.action))
