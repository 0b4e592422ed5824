"""Pure, but for asking: what each peer's check costs beside ours, in turns: ours, a peer, ours, the next, and round again.

A pair's two runs are moments apart on one core, so what else the machine does weighs on both alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bench.peers.wire import Answered, Ask, PeerBroke, Saw
from bench.result import Ratio, ratio_of

PEERS = ("mediapipe_face_recognition", "scrfd_arcface", "opencv_same_models")
EACH_FRAME, OUR_SCHEDULE = "each_frame", "our_schedule"
MODES = (EACH_FRAME, OUR_SCHEDULE)
# Of what people would use instead, run as they would run it. Our own models are no such thing, nor is our schedule.
GOALS = {("mediapipe_face_recognition", EACH_FRAME): 5.0, ("scrfd_arcface", EACH_FRAME): 5.0}


class Asks(Protocol):
    """A side, as far as it is asked."""

    def ask(self, ask: Ask) -> Answered:
        """Raises PeerBroke."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours and a peer's check of the same clip, right after one another."""

    clip: str
    peer: str
    mode: str
    ours_ms: float
    peer_ms: float
    saw: Saw

    @property
    def name(self) -> str:
        """Of its ratio."""
        return f"{self.peer}_{self.clip}_{self.mode}"


def pairs_of(sides: dict[str, Asks], asked: dict[str, Ask], *, runs: int, tick: Callable[[], None] = lambda: None) -> list[Pair]:
    """Each peer in each mode on each clip, so many times; a round before them warms up and is not counted.

    asked: by the clip's name, without a schedule: ours gives it, and a peer is handed the very frames of the run before it.
    """
    found: list[Pair] = []
    for run in range(runs + 1):
        for clip, ask in asked.items():
            for peer in PEERS:
                for mode in MODES:
                    pair = _pair(sides, clip, ask, (peer, mode))
                    found += [pair] if run else []
                    tick()
    return found


def _pair(sides: dict[str, Asks], clip: str, ask: Ask, which: tuple[str, str]) -> Pair:
    peer, mode = which
    ours = sides["ours"].ask(ask)
    if ours.saw.schedule is None:
        raise PeerBroke(f"our own check did not read the clip {clip}")
    theirs = sides[peer].ask(replace(ask, schedule=ours.saw.schedule) if mode == OUR_SCHEDULE else ask)
    return Pair(clip, peer, mode, ours.cpu_ms, theirs.cpu_ms, theirs.saw)


def ratios_of(pairs: Iterable[Pair]) -> dict[str, Ratio]:
    """Peer / ours by peer, clip and mode: how many times ours is cheaper, at the median of the pairs."""
    return {
        name: ratio_of([pair.peer_ms / pair.ours_ms for pair in own], "more", goal=GOALS.get((own[0].peer, own[0].mode)))
        for name, own in by_name(pairs).items()
    }


def figures_of(pairs: Sequence[Pair]) -> dict[str, float]:
    """Median CPU: each peer's, and ours by clip."""
    figures = {f"{name}_ms": statistics.median(pair.peer_ms for pair in own) for name, own in by_name(pairs).items()}
    for clip in dict.fromkeys(pair.clip for pair in pairs):
        figures[f"ours_{clip}_ms"] = statistics.median(pair.ours_ms for pair in pairs if pair.clip == clip)
    return figures


def by_name(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """In the order of the first of each."""
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(pair.name, []).append(pair)
    return found
