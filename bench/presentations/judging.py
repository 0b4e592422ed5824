"""Judges presentations whole, with the real models, over several processes. Their reports come back, not their verdicts.

decide() is pure and cheap: what a verdict would be under another policy is asked of the same reports (mutation.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.presentations.drawn import drawn
from bench.presentations.presentation import ISSUED_AT, Mode, Presentation, submitted
from bench.presentations.suite import suite
from realname.errors import BadRecording
from realname.messages import LivenessReport, MatchReport, RegistrationDecided, Seen
from realname.policy import Policy, load_policy
from realname.settings import Fetch, Worker, read_settings
from realname.verdicts import Evidence, decide
from workers.check import Checker, open_checker
from workers.clip import Clip
from workers.duplicates.signature import moments_of
from workers.duplicates.tokens import Entry, Mark, entry_of, same_motion
from workers.evaluation.processes import run_jobs
from workers.liveness.stage import judge_liveness
from workers.matching.stage import judge_match

SECRET = bytes(32)  # of the index of clips, which lives for one presentation
POLICIES: dict[Mode, str] = {"cues": "production", "no_cues": "development"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What the stages said of one presentation in one mode. No pixels, no embeddings."""

    presentation: str
    mode: Mode
    liveness: LivenessReport
    match: MatchReport | None


class Draw(NamedTuple):
    """Arguments of drawn()."""

    count: int
    seed: int


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
    policy, modes = next(iter(policies.values())), [mode for mode in presentation.modes if mode in policies]
    try:
        decoded = checker.decoder.decode_clip(clip, policy.clip.process_hz_min)
    except BadRecording as bad:
        return [Measured(presentation.id, mode, LivenessReport(capture=(bad.reason,)), None) for mode in modes]
    seen = _seen_before(presentation, clip, decoded, tools, policy)
    return [
        Measured(presentation.id, mode, *_judged(_Shown(presentation, decoded, portrait, seen), mode, tools, policies[mode]))
        for mode in modes
    ]


class _Shown(NamedTuple):
    """What one presentation handed in."""

    presentation: Presentation
    decoded: Clip
    portrait: bytes
    seen: Seen


def _judged(shown: _Shown, mode: Mode, tools: Opened, policy: Policy) -> tuple[LivenessReport, MatchReport | None]:
    checker, portrait = tools.checker, shown.portrait
    judged = judge_liveness(shown.decoded, submitted(shown.presentation, mode).challenge, checker.models, policy)
    timeless = msgspec.structs.replace(judged.report, cpu_ms={}, device_ms={}, seen_before=shown.seen)
    if not judged.chips:
        return timeless, None
    try:
        return timeless, judge_match(checker.decoder.decode_portrait(portrait), judged.chips, checker.models, policy)
    except BadRecording as bad:
        return timeless, MatchReport(portrait=(bad.reason,))


def _seen_before(presentation: Presentation, clip: bytes, decoded: Clip, tools: Opened, policy: Policy) -> Seen:
    """What an index would say that holds the earlier clips and nothing else: as workers/duplicates/index.py asks it."""
    entry = _entry(presentation.id, clip, decoded)
    held: dict[bytes, list[Mark]] = {}
    for number, make in enumerate(presentation.earlier):
        media = make(tools.media)
        before = _entry(f"earlier {number}", media, tools.checker.decoder.decode_clip(media, policy.clip.process_hz_min))
        if before.file == entry.file:
            return "file_seen"
        for spellings, mark in zip(before.spellings, before.marks, strict=True):
            held.setdefault(spellings[0], []).append(mark)
    found = [[mark for token in spellings for mark in held.get(token, [])] for spellings in entry.spellings]
    return "motion_seen" if same_motion(entry, found) else "new"


def _entry(identity: str, media: bytes, clip: Clip) -> Entry:
    return entry_of(SECRET, identity, media, moments_of(clip.small, clip.at_s))


def decided(presentation: Presentation, measured: Measured, policy: Policy) -> RegistrationDecided:
    """The verdict under a policy."""
    return decide(
        submitted(presentation, measured.mode), Evidence(measured.liveness, measured.match), policy, decided_at=ISSUED_AT
    )


def measure_all(
    presentations: Sequence[Presentation],
    policies: dict[Mode, Policy],
    *,
    processes: int,
    draw: Draw | None = None,
    tick: Callable[[], None] = lambda: None,
) -> list[Measured]:
    """All that are given, in their order; draw: how they were, if they are not the suite's. tick is called after each.

    Each process builds them anew and is told ids: what makes media is code, and does not travel.
    """
    found: dict[int, list[Measured]] = {}

    def done(place: int, measured: list[Measured] | None) -> None:
        assert measured is not None, f"{presentations[place].id} ended its process"
        found[place] = measured
        tick()

    run_jobs([one.id for one in presentations], _measuring, (policies, draw), workers=processes, done=done)
    return [measured for place in range(len(presentations)) for measured in found[place]]


@contextmanager
def _measuring(policies: dict[Mode, Policy], draw: Draw | None) -> Generator[Callable[[str], list[Measured]]]:
    """One process's work: an id of the suite -> what is measured of it."""
    os.environ["SVT_LOG"] = "1"  # the AV1 encoder says its name on each clip
    presentations = by_id(suite() if draw is None else drawn(draw.count, draw.seed))
    with opened(Path(read_settings(Fetch).media_dir)) as tools:
        yield lambda identity: measure(presentations[identity], tools, policies)


def by_id(presentations: Iterable[Presentation]) -> dict[str, Presentation]:
    """Raises AssertionError where two have one id."""
    found = list(presentations)
    table = {one.id: one for one in found}
    assert len(table) == len(found), "ids are unique"
    return table
