"""The whole check in this process: no broker, no vault. The same stages and the same decide() as in production."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from models.registry import Models
from realname.errors import BadRecording
from realname.ids import mint
from realname.messages import (
    Action,
    Challenge,
    LivenessReport,
    MatchReport,
    PortraitSource,
    RegistrationDecided,
    RegistrationSubmitted,
)
from realname.policy import Policy
from realname.settings import Worker
from realname.verdicts import Evidence, decide
from workers.clip import Clip
from workers.liveness.challenge import judge_challenge
from workers.liveness.events import events_of
from workers.liveness.stage import Signals, judge_liveness
from workers.matching.stage import judge_match
from workers.opening import opened
from workers.runtime import Decodes

NOWHERE = "0" * 64  # nothing was submitted, so there is nothing to sign


class Recorded(NamedTuple):
    """How it was recorded, as in messages.Challenge; by default a finished clip without cues, and a chip's portrait."""

    cues_at_s: tuple[float, ...] = ()
    clip_started_at_s: float | None = None
    digest_at_s: float | None = None
    portrait_source: PortraitSource = "chip_read"


WITHOUT_CUES = Recorded()


@dataclass(frozen=True, slots=True, eq=False)
class Checker:
    """All that a check needs, opened once; see `open_checker`."""

    policy: Policy
    models: Models
    decoder: Decodes

    def check(
        self,
        portrait: bytes,
        clip: bytes,
        actions: Sequence[Action] | None,
        *,
        at: datetime,
        recorded: Recorded = WITHOUT_CUES,
    ) -> CheckResult:
        """As `check`."""
        return check(
            portrait,
            clip,
            actions,
            policy=self.policy,
            models=self.models,
            decoder=self.decoder,
            at=at,
            recorded=recorded,
        )

    def plot(self, result: CheckResult, path: Path) -> None:
        """Draw it as a PNG, which shows the person: treat it as evidence."""
        from workers.check_plot import draw  # noqa: PLC0415 - matplotlib is a development dependency

        draw(result, self.policy, path)


@dataclass(frozen=True, slots=True, eq=False)
class CheckResult:
    """Everything there is to look at. Holds the person's frames: never log it, never send it.

    asked: the actions that the clip was held against; None: whatever it shows was taken as asked.
    clip, signals: None where the clip could not be decoded.
    cpu_ms: by step, in order, the decoder's own first. waited_ms: by step, for models; see stopwatch.Stopwatch.
    """

    decision: RegistrationDecided
    asked: tuple[Action, ...] | None
    liveness: LivenessReport
    match: MatchReport | None
    clip: Clip | None
    signals: Signals | None
    cpu_ms: dict[str, float]
    waited_ms: dict[str, float]


@contextmanager
def open_checker(settings: Worker, policy: Policy) -> Generator[Checker]:
    """Models and one sandboxed decoder child, for as long as the block runs. Raises ModelCorrupt, DeviceMissing."""
    with opened(settings) as tools:
        yield Checker(policy, tools.models, tools.decoder)


def check(
    portrait: bytes,
    clip: bytes,
    actions: Sequence[Action] | None,
    *,
    policy: Policy,
    models: Models,
    decoder: Decodes,
    at: datetime,
    recorded: Recorded = WITHOUT_CUES,
) -> CheckResult:
    """Judge a portrait and a clip. actions: what was asked, in order; None: order and number are not judged.

    at: the time that the decision bears. Raises Transient where no decoder comes free.
    """
    asked = None if actions is None else tuple(actions)
    challenge = Challenge(
        actions=asked or (),
        issued_at=at,
        cues_at_s=recorded.cues_at_s,
        clip_started_at_s=recorded.clip_started_at_s,
        digest_at_s=recorded.digest_at_s,
    )
    decoded, signals, match = None, None, None
    try:
        decoded = decoder.decode_clip(clip, policy.clip.process_hz_min)
    except BadRecording as bad:
        liveness = LivenessReport(capture=(bad.reason,))
    else:
        judged = judge_liveness(decoded, challenge, models, policy)
        signals = judged.signals
        liveness = judged.report if asked is not None else _as_shown(judged.report, signals)
        match = _matched(portrait, judged.chips, policy, models, decoder) if judged.chips else None
    if asked is None:
        challenge = msgspec.structs.replace(challenge, actions=tuple(trace.action for trace in liveness.actions))
    costs = costs_of(liveness, match)
    return CheckResult(
        decision=decide(unsubmitted(challenge, recorded.portrait_source), Evidence(liveness, match), policy, decided_at=at),
        asked=asked,
        liveness=liveness,
        match=match,
        clip=decoded,
        signals=signals,
        cpu_ms={**({} if decoded is None else {"decode": decoded.decode_cpu_s * 1000}), **costs.cpu_ms},
        waited_ms=costs.waited_ms,
    )


def _matched(portrait: bytes, chips: list[bytes], policy: Policy, models: Models, decoder: Decodes) -> MatchReport:
    try:
        return judge_match(decoder.decode_portrait(portrait), chips, models, policy)
    except BadRecording as bad:
        return MatchReport(portrait=(bad.reason,))


def _as_shown(report: LivenessReport, signals: Signals) -> LivenessReport:
    """As if just that had been asked which was seen."""
    events = events_of(signals.motion.blinks, signals.motion.turns)
    answer = judge_challenge([event.action for event in events], events, [])
    return msgspec.structs.replace(report, challenge_unmet=(), actions=answer.actions, extra_blinks=0, extra_turns=0)


def unsubmitted(challenge: Challenge, portrait_source: PortraitSource) -> RegistrationSubmitted:
    """A registration that nobody handed in, since decide() judges registrations."""
    return RegistrationSubmitted(
        id=mint(challenge.issued_at, bytes(10)),
        operator="check",
        store="check",
        terminal="check",
        purpose="mobile",
        path="face",
        consent=None,
        lines_held=0,
        challenge=challenge,
        submitted_at=challenge.issued_at,
        fingerprint=NOWHERE,
        portrait_source=portrait_source,
    )


class Costs(NamedTuple):
    """Of both stages, by step. The two never stand in one sum: on a CPU waiting is the work of others on the machine."""

    cpu_ms: dict[str, float]
    waited_ms: dict[str, float]


def costs_of(liveness: LivenessReport, match: MatchReport | None) -> Costs:
    """As the stages measured them."""
    costs = Costs({}, {})
    for stage, report in (("liveness", liveness), ("matching", match)):
        if report is not None:
            costs.cpu_ms.update({f"{stage} {step}": spent for step, spent in report.cpu_ms.items()})
            costs.waited_ms.update({f"{stage} {step}": waited for step, waited in report.device_ms.items()})
    return costs
