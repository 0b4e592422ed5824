"""Judges presentations whole, with the real models, over several processes. Their reports come back, not their verdicts.

decide() is pure and cheap: what a verdict would be under another policy is asked of the same reports (mutation.py).
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import msgspec

from bench.presentations.presentation import ISSUED_AT, Mode, Presentation, submitted
from bench.presentations.suite import suite
from realname.errors import BadRecording
from realname.messages import LivenessReport, MatchReport, RegistrationDecided
from realname.policy import Policy, load_policy
from realname.settings import Fetch, Worker, read_settings
from realname.verdicts import Evidence, decide
from workers.check import Checker, open_checker
from workers.clip import Clip
from workers.liveness.stage import judge_liveness
from workers.matching.stage import judge_match

POLICIES: dict[Mode, str] = {"cues": "production", "no_cues": "development"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What the stages said of one presentation in one mode. No pixels, no embeddings."""

    presentation: str
    mode: Mode
    liveness: LivenessReport
    match: MatchReport | None


@dataclass(frozen=True, slots=True)
class Opened:
    """One process's models, decoder and media."""

    checker: Checker
    media: Path


@contextmanager
def opened(media: Path) -> Generator[Opened]:
    """Raises ModelCorrupt, DeviceMissing."""
    with open_checker(read_settings(Worker), load_policy("production")) as checker:
        yield Opened(checker, media)


def measure(presentation: Presentation, tools: Opened, policies: dict[Mode, Policy]) -> list[Measured]:
    """Build it, decode it once, judge it in each of its modes."""
    checker, portrait, clip = tools.checker, presentation.portrait(tools.media), presentation.clip(tools.media)
    policy = next(iter(policies.values()))
    try:
        decoded = checker.decoder.decode_clip(clip, policy.clip.process_hz_min)
    except BadRecording as bad:
        return [Measured(presentation.id, mode, LivenessReport(capture=(bad.reason,)), None) for mode in presentation.modes]
    return [
        Measured(presentation.id, mode, *_judged(presentation, mode, tools, policies[mode], decoded=decoded, portrait=portrait))
        for mode in presentation.modes
        if mode in policies
    ]


def _judged(
    presentation: Presentation, mode: Mode, tools: Opened, policy: Policy, *, decoded: Clip, portrait: bytes
) -> tuple[LivenessReport, MatchReport | None]:
    checker = tools.checker
    judged = judge_liveness(decoded, submitted(presentation, mode).challenge, checker.models, policy)
    timeless = msgspec.structs.replace(judged.report, cpu_ms={}, device_ms={})
    if not judged.chips:
        return timeless, None
    try:
        return timeless, judge_match(checker.decoder.decode_portrait(portrait), judged.chips, checker.models, policy)
    except BadRecording as bad:
        return timeless, MatchReport(portrait=(bad.reason,))


def decided(presentation: Presentation, measured: Measured, policy: Policy) -> RegistrationDecided:
    """The verdict under a policy."""
    return decide(
        submitted(presentation, measured.mode), Evidence(measured.liveness, measured.match), policy, decided_at=ISSUED_AT
    )


def measure_all(
    presentations: Sequence[Presentation], policies: dict[Mode, Policy], *, processes: int, tick: Callable[[], None]
) -> list[Measured]:
    """All of the suite's presentations that are given, in their order. tick is called after each.

    Each process builds the suite anew and is told ids: what makes media is code, and does not travel.
    """
    found: dict[str, list[Measured]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_open_process) as pool:
        waiting = {pool.submit(_measure_named, one.id, policies): one.id for one in presentations}
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            tick()
    return [measured for one in presentations for measured in found[one.id]]


_PROCESS: dict[str, Any] = {}  # this process's tools: a pool's tasks have no other way to find them


def _open_process() -> None:
    os.environ["SVT_LOG"] = "1"  # the AV1 encoder says its name on each clip
    stack = ExitStack()
    _PROCESS["tools"] = stack.enter_context(opened(Path(read_settings(Fetch).media_dir)))
    _PROCESS["suite"] = {one.id: one for one in suite()}
    Finalize(None, stack.close, exitpriority=10)


def _measure_named(identity: str, policies: dict[Mode, Policy]) -> list[Measured]:
    return measure(_PROCESS["suite"][identity], _PROCESS["tools"], policies)


def by_id(presentations: Iterable[Presentation]) -> dict[str, Presentation]:
    """Raises AssertionError where two have one id."""
    found = list(presentations)
    table = {one.id: one for one in found}
    assert len(table) == len(found), "ids are unique"
    return table
