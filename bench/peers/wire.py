"""Pure: what the bench and one side say to each other: a line of JSON a question, a line an answer.

Standard library only: both ends run it, and a peer's virtual environment has nothing of ours.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which frames a check looks at, in seconds from the clip's first frame.

    judged:   those it looks at at all. The others are of them.
    detected: where it looks for faces. spoof: where it asks whether the face is live. matched: whose face it compares.
    """

    judged: tuple[float, ...]
    detected: tuple[float, ...]
    spoof: tuple[float, ...]
    matched: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """One check. clip, portrait: paths. actions: asked for, in order. schedule: the frames to look at; None: every one."""

    clip: str
    portrait: str
    actions: tuple[str, ...]
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saw:
    """What a side makes of it.

    frames:     looked at; 0 where the clip did not decode.
    seen:       what was done in it, in order.
    actions:    whether the asked actions were among them, in order.
    same:       whether it is the person on the portrait; None where that was not looked at. similarity: by its own measure.
    live:       whether it is live; None where the side has no means to tell.
    accepted:   the side's own verdict on the whole.
    schedule:   of ours alone: which frames it looked at.
    """

    frames: int
    seen: tuple[str, ...] = ()
    actions: bool = False
    same: bool | None = None
    similarity: float | None = None
    live: bool | None = None
    accepted: bool = False
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """cpu_ms: of the side's process and its helpers, from the question read to the answer known."""

    cpu_ms: float
    saw: Saw


class PeerBroke(RuntimeError):
    """A side raised, died or said nothing in time; what it said last stands in the message."""


def encode_ask(ask: Ask) -> str:
    """One line."""
    return json.dumps(asdict(ask)) + "\n"


def decode_ask(line: str) -> Ask:
    """Raises ValueError, KeyError, TypeError for anything else."""
    said = json.loads(line)
    return Ask(said["clip"], said["portrait"], tuple(said["actions"]), _schedule(said["schedule"]))


def encode_answer(answer: Answered | str) -> str:
    """One line. A text: why there is no answer."""
    said = {"failed": answer} if isinstance(answer, str) else {"cpu_ms": answer.cpu_ms, "saw": asdict(answer.saw)}
    return json.dumps(said) + "\n"


def decode_answer(line: str) -> Answered:
    """Raises PeerBroke where the side says that it failed, or says something else."""
    try:
        said = json.loads(line)
        if "failed" in said:
            raise PeerBroke(said["failed"])
        saw = said["saw"]
        seen, schedule = tuple(saw.pop("seen")), _schedule(saw.pop("schedule"))
        return Answered(float(said["cpu_ms"]), Saw(**saw, seen=seen, schedule=schedule))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PeerBroke(f"no answer: {line[:200]!r}") from error


def _schedule(said: dict[str, Any] | None) -> Schedule | None:
    return None if said is None else Schedule(**{what: tuple(times) for what, times in said.items()})
