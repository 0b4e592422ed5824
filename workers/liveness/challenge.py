"""Pure: whether what was seen contains what was asked, in its order and after its cues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from realname.messages import Action, ActionTrace
from realname.reasons import Reason
from workers.liveness.blink import Blink
from workers.liveness.turn import Turn

SIDES: dict[Action, str] = {"turn_left": "left", "turn_right": "right"}
OTHER_SIDE: dict[Action, Action] = {"turn_left": "turn_right", "turn_right": "turn_left"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the person did. first: its first frame. at_s: its peak. strength: degrees, or closedness."""

    action: Action
    first: int
    at_s: float
    strength: float


@dataclass(frozen=True, slots=True)
class Answer:
    """How the events answer the challenge. taken: per action the event that answers it, None where none does."""

    taken: tuple[Event | None, ...]
    actions: tuple[ActionTrace, ...]
    unmet: tuple[Reason, ...]
    extra_blinks: int
    extra_turns: int


def events_of(blinks: Sequence[Blink], turns: Sequence[Turn]) -> list[Event]:
    """All of them by the time of their peak."""
    shut = [Event("blink", blink.first, blink.at_s, blink.closedness) for blink in blinks]
    turned = [Event("turn_left" if turn.side == "left" else "turn_right", turn.first, turn.at_s, turn.deg) for turn in turns]
    return sorted([*shut, *turned], key=lambda event: (event.at_s, event.action))


def judge_challenge(
    asked: Sequence[Action], events: Sequence[Event], slight: Sequence[Event], *, cues_at_s: Sequence[float] = ()
) -> Answer:
    """Hold the events against the ordered actions.

    events:    by time, as of events_of. An extra blink is noted and never fails; an extra turn fails.
    slight:    turns that did not go far enough, so that the customer can be told so.
    cues_at_s: each action's cue in seconds of the clip; an event answers only in the window from its cue to the next.
    """
    taken = _in_order(asked, events, cues_at_s)
    turns = [event for event in events if event.action in SIDES]
    asked_turns = [action for action in asked if action in SIDES]
    extra_turns = max(0, len(turns) - len(asked_turns))
    unmet = [*_unmet(asked, taken, events, slight), *([Reason.EXTRA_TURN] if extra_turns else [])]
    used_blinks = sum(event is not None and event.action == "blink" for event in taken)
    return Answer(
        taken=tuple(taken),
        actions=tuple(_trace(action, event) for action, event in zip(asked, taken, strict=True)),
        unmet=tuple(dict.fromkeys(unmet)),
        extra_blinks=sum(event.action == "blink" for event in events) - used_blinks,
        extra_turns=extra_turns,
    )


def _in_order(asked: Sequence[Action], events: Sequence[Event], cues_at_s: Sequence[float]) -> list[Event | None]:
    """For each action the first event of its kind after the one before it; an unanswered action skips nothing."""
    starts = list(cues_at_s) if cues_at_s else [-inf] * len(asked)
    ends = [*starts[1:], inf] if cues_at_s else [inf] * len(asked)
    taken: list[Event | None] = []
    position = 0
    for action, start_s, end_s in zip(asked, starts, ends, strict=True):
        answers = (
            index
            for index in range(position, len(events))
            if events[index].action == action and start_s <= events[index].at_s < end_s
        )
        index = next(answers, None)
        taken.append(None if index is None else events[index])
        position = position if index is None else index + 1
    return taken


def _unmet(
    asked: Sequence[Action], taken: Sequence[Event | None], events: Sequence[Event], slight: Sequence[Event]
) -> list[Reason]:
    """The cause of each unanswered action, the most telling first."""
    causes = [
        _cause(action, asked.count(action), events, slight) for action, event in zip(asked, taken, strict=True) if event is None
    ]
    order = (Reason.WRONG_SIDE, Reason.TURN_FURTHER, Reason.TURN_MISSING, Reason.BLINK_MISSING, Reason.WRONG_ORDER)
    return sorted(causes, key=order.index)


def _cause(action: Action, times: int, events: Sequence[Event], slight: Sequence[Event]) -> Reason:
    """Why an action is unanswered."""
    if sum(event.action == action for event in events) >= times:
        return Reason.WRONG_ORDER  # it was done, but not in its place
    if action == "blink":
        return Reason.BLINK_MISSING
    if any(event.action == OTHER_SIDE[action] for event in events):
        return Reason.WRONG_SIDE
    return Reason.TURN_FURTHER if any(event.action == action for event in slight) else Reason.TURN_MISSING


def _trace(action: Action, event: Event | None) -> ActionTrace:
    if event is None:
        return ActionTrace(action=action, seen=False)
    return ActionTrace(action=action, seen=True, at_s=event.at_s, strength=event.strength)
