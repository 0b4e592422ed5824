"""Pure: whether what was seen contains what was asked: in its order, and each action in the window after its cue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isinf

from realname.messages import Action, ActionTrace
from realname.reasons import Reason
from workers.liveness.events import OTHER_SIDE, SIDES, Event
from workers.liveness.windows import ANY_TIME, Window

# The most telling first: what is wrong with the whole clip, then with one action, then with what was done besides.
_TELLING = (
    Reason.CLIP_OUTSIDE_VISIT,
    Reason.CLIP_MIRRORED,
    Reason.WRONG_SIDE,
    Reason.TURN_FURTHER,
    Reason.TURN_MISSING,
    Reason.BLINK_MISSING,
    Reason.WRONG_ORDER,
    Reason.ACTION_EARLY,
    Reason.ACTION_LATE,
    Reason.EXTRA_TURN,
)
_DIGITS = 3  # of the trace's times: milliseconds


@dataclass(frozen=True, slots=True)
class Answer:
    """How the events answer the challenge. taken: per action the event that answers it, None where none does."""

    taken: tuple[Event | None, ...]
    actions: tuple[ActionTrace, ...]
    unmet: tuple[Reason, ...]
    extra_blinks: int
    extra_turns: int


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why an action is unmet. event: the one that this speaks of, where there is one."""

    reason: Reason
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """All that was asked and seen. taken: as in Answer."""

    asked: Sequence[Action]
    events: Sequence[Event]
    slight: Sequence[Event]
    windows: Sequence[Window]
    taken: Sequence[Event | None]

    def free(self, action: Action) -> list[Event]:
        """The events of this kind that answer nothing."""
        return [event for event in self.events if event.action == action and not any(event is used for used in self.taken)]


def judge_challenge(
    asked: Sequence[Action], events: Sequence[Event], slight: Sequence[Event], *, windows: Sequence[Window] = ()
) -> Answer:
    """Hold the events against the ordered actions.

    events:  by time, as of events_of. An extra blink is noted and never fails; an extra turn fails.
    slight:  turns that did not go far enough, so that the customer can be told so.
    windows: as of windows_of, one for each action; none: a clip without cues, held to the order alone.
    """
    spans = list(windows) or [ANY_TIME] * len(asked)
    taken = _in_order(asked, events, spans)
    extra_turns = max(0, sum(event.action in SIDES for event in events) - sum(action in SIDES for action in asked))
    mirrored = None if extra_turns or None not in taken else _mirrored(asked, events, spans)
    if mirrored is None:
        held = _Held(asked, events, slight, spans, taken)
        causes = _causes(held)
    else:
        taken = [None if action in SIDES else event for action, event in zip(asked, mirrored, strict=True)]
        causes = [
            _Cause(Reason.CLIP_MIRRORED, event) if action in SIDES else None
            for action, event in zip(asked, mirrored, strict=True)
        ]
    unmet = {cause.reason for cause in causes if cause} | ({Reason.EXTRA_TURN} if extra_turns else set[Reason]())
    blinks = sum(event.action == "blink" for event in events)
    return Answer(
        taken=tuple(taken),
        actions=tuple(map(_trace, asked, spans, taken, causes)),
        unmet=tuple(sorted(unmet, key=_TELLING.index)),
        extra_blinks=blinks - sum(event is not None and event.action == "blink" for event in taken),
        extra_turns=extra_turns,
    )


def outside_visit(answer: Answer) -> Answer:
    """The answer of a clip that is not of this visit: whatever it shows, the challenge is unmet."""
    return replace(answer, unmet=(Reason.CLIP_OUTSIDE_VISIT, *answer.unmet))


def _in_order(asked: Sequence[Action], events: Sequence[Event], windows: Sequence[Window]) -> list[Event | None]:
    """For each action the first event of its kind in its window after the one before; an unanswered action skips none.

    Taking the first leaves the most to the next, so where any choice answers all actions, this one does.
    """
    taken: list[Event | None] = []
    position = 0
    for action, window in zip(asked, windows, strict=True):
        answers = (
            index for index in range(position, len(events)) if events[index].action == action and window.holds(events[index])
        )
        index = next(answers, None)
        taken.append(None if index is None else events[index])
        position = position if index is None else index + 1
    return taken


def _mirrored(asked: Sequence[Action], events: Sequence[Event], windows: Sequence[Window]) -> list[Event] | None:
    """What answers the challenge with left and right swapped, where that answers all of it and both sides were asked.

    A mirrored recording looks so, and so does a person who took left for right each time: the events do not tell which.
    One turn to the other side says less; it is `wrong_side`, whose text for staff names mirroring.
    """
    if not set(SIDES) <= set(asked):
        return None
    swapped = _in_order([OTHER_SIDE.get(action, action) for action in asked], events, windows)
    found = [event for event in swapped if event is not None]
    return found if len(found) == len(asked) else None


def _causes(held: _Held) -> list[_Cause | None]:
    """Why each unanswered action is so; None for an answered one."""
    plain = _in_order(held.asked, held.events, [ANY_TIME] * len(held.asked))
    # Out of order even with all the time in the world: then it is not the timing that the customer must hear of.
    disordered = any(
        event is None and any(other.action == action and other not in plain for other in held.events)
        for action, event in zip(held.asked, plain, strict=True)
    )
    return [
        _cause(action, window, held, is_disordered=disordered) if event is None else None
        for action, window, event in zip(held.asked, held.windows, held.taken, strict=True)
    ]


def _cause(action: Action, window: Window, held: _Held, *, is_disordered: bool) -> _Cause:
    done = min(held.free(action), key=lambda event: max(window.early_s(event), window.late_s(event)), default=None)
    if done is not None:  # it was done, but not in its place
        if is_disordered or window.holds(done):
            return _Cause(Reason.WRONG_ORDER, done)
        return _Cause(Reason.ACTION_EARLY if window.early_s(done) > 0 else Reason.ACTION_LATE, done)
    if action == "blink":
        return _Cause(Reason.BLINK_MISSING)
    other = next(iter(held.free(OTHER_SIDE[action])), None)
    if other is not None:
        return _Cause(Reason.WRONG_SIDE, other)
    begun = next((event for event in held.slight if event.action == action), None)
    return _Cause(Reason.TURN_MISSING) if begun is None else _Cause(Reason.TURN_FURTHER, begun)


def _trace(action: Action, window: Window, event: Event | None, cause: _Cause | None) -> ActionTrace:
    """What answered, or what the cause speaks of."""
    shown = event if cause is None else cause.event
    return ActionTrace(
        action=action,
        seen=event is not None,
        at_s=None if shown is None else shown.at_s,
        strength=None if shown is None else shown.strength,
        asked_at_s=None if isinf(window.asked_s) else round(window.asked_s, _DIGITS),
        until_s=None if isinf(window.until_s) else round(window.until_s, _DIGITS),
        first_frame=None if shown is None else shown.first,
        last_frame=None if shown is None else shown.last,
        cause=None if cause is None else cause.reason,
    )
