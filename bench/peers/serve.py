"""One side as a process: `python -m bench.peers.serve SIDE`. Reads questions from stdin, answers on stdout, ends with its input.

What counts is the CPU between a question and its answer, of this process and its helpers; imports, models and the first use are
before or in the bench's warm-up.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import IO, Protocol

from bench.peers.wire import Answered, Ask, Saw, decode_ask, encode_answer

# Each side's module; it has open_side(stack) -> Side.
SIDES = {
    "ours": "bench.peers.ours",
    "mediapipe_face_recognition": "bench.peers.mediapipe_face_recognition",
    "scrfd_arcface": "bench.peers.scrfd_arcface",
    "opencv_same_models": "bench.peers.opencv_same_models",
}
READY = "ready"


class Side(Protocol):
    """What judges. about: which libraries, in words. helpers: processes that work for it, whose CPU is its own."""

    @property
    def about(self) -> str: ...

    @property
    def helpers(self) -> Sequence[int]: ...

    def check(self, ask: Ask) -> Saw:
        """One clip and one portrait."""
        ...


def main() -> None:
    """Open the side, say that it is ready, and answer."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # before any library counts the cores
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    with ExitStack() as stack:
        side: Side = import_module(SIDES[sys.argv[1]]).open_side(stack)
        answers.write(f"{READY} {side.about}\n")
        answers.flush()
        serve(side, sys.stdin, answers)


def serve(side: Side, questions: Iterable[str], answers: IO[str]) -> None:
    """Until there are no more questions. A side that raises says why, and goes on."""
    for line in questions:
        try:
            answer: Answered | str = _measured(side, decode_ask(line))
        except Exception:  # noqa: BLE001 - whatever a peer raises is its answer
            answer = traceback.format_exc(limit=-3)
        answers.write(encode_answer(answer))
        answers.flush()


def _measured(side: Side, ask: Ask) -> Answered:
    before = _cpu_s(side.helpers)
    saw = side.check(ask)
    after = _cpu_s(side.helpers)
    return Answered(sum(spent - before.get(pid, 0.0) for pid, spent in after.items()) * 1000, saw)


def _cpu_s(helpers: Iterable[int]) -> dict[int, float]:
    """By process. Each has a CPU clock of its own, which who knows its id may read (Linux, clock_getcpuclockid)."""
    return {0: time.process_time(), **{pid: time.clock_gettime((~pid << 3) | 2) for pid in helpers}}


if __name__ == "__main__":
    main()
