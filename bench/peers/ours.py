"""Our own check as one side: the whole of it, sandboxed decoder and every layer included, judged by the development policy.

But for the duplicate check, which needs an index; README, "One whole check", says what it costs.

Without cues, since the others know none: what the order of the actions says is all that any side is asked about time.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench.peers.wire import Ask, Saw, Schedule
from models.registry import Models
from realname.policy import Policy, load_policy
from realname.settings import Worker, read_settings
from workers.check import Checker, CheckResult
from workers.decoder.pool import Decoder
from workers.liveness.events import events_of
from workers.opening import opened


class Ours:
    """A checker and its decoder child."""

    about = "realname, the whole check by the development policy"

    def __init__(self, models: Models, decoder: Decoder, policy: Policy) -> None:
        self._checker, self._decoder, self._policy = Checker(policy, models, decoder), decoder, policy

    @property
    def helpers(self) -> Sequence[int]:
        """The decoder's children."""
        return self._decoder.pids

    def check(self, ask: Ask) -> Saw:
        """As Side.check."""
        actions = tuple(action for action in ask.actions if action in ("turn_left", "turn_right", "blink"))
        result = self._checker.check(Path(ask.portrait).read_bytes(), Path(ask.clip).read_bytes(), actions, at=datetime.now(UTC))
        return saw_of(result, self._policy)


def saw_of(result: CheckResult, policy: Policy) -> Saw:
    """What the check found, in the words that every side is asked for."""
    live, match = result.liveness, result.match
    accepted = result.decision.verdict == "approved"
    if result.clip is None or result.signals is None:
        return Saw(frames=0, accepted=accepted)
    motion = result.signals.motion
    similarity = None if match is None else match.similarity
    return Saw(
        frames=live.frames_judged,
        seen=tuple(event.action for event in events_of(motion.blinks, motion.turns)),
        actions=not live.challenge_unmet,
        same=None if similarity is None else similarity >= policy.accept_min,
        similarity=similarity,
        live=None if live.pad_live is None else live.pad_live >= policy.pad.live_min,
        accepted=accepted,
        schedule=schedule_of(result, policy),
    )


def schedule_of(result: CheckResult, policy: Policy) -> Schedule:
    """The frames that it looked at. Detections come by the policy's cadence, and on the last frame (Track.detection_due)."""
    assert result.clip is not None
    assert result.signals is not None
    at_s = [float(each) for each in result.clip.at_s]
    detected = sorted({*range(0, len(at_s), policy.clip.detect_every), len(at_s) - 1})
    picked = (detected, sorted(result.signals.pad_frames), sorted(result.signals.chip_frames))
    return Schedule(tuple(at_s), *(tuple(at_s[frame] for frame in frames) for frames in picked))


def open_side(stack: ExitStack) -> Ours:
    """Models and one decoder child, for as long as the stack lives."""
    tools = stack.enter_context(opened(read_settings(Worker)))
    return Ours(tools.models, tools.decoder, load_policy("development"))
