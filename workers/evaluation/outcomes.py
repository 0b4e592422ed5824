"""Pure: what became of one presentation, in the words of ISO/IEC 30107-3.

The PAD subsystem is all that judges liveness: passive PAD, depth, constancy, the challenge, signs of a replayed or made
file, a portrait that is a copy. Of one presentation it says one of three things:

- let_through: no layer objects. For an attack that is the error that APCER counts.
- stopped:     a layer refuses it. For a bona fide presentation that is the error that BPCER counts.
- no_response: it classifies nothing: the capture is unfit, another recording is asked for (`retry`, which an unmet
  challenge leads to), or a person must look (`review`). APNRR and BPNRR count these.

The full system errs where an attack is approved (IAPAR), and where a bona fide customer is not, whatever the reason
(FRR). `review` is no acceptance; its share is told apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from realname.messages import LivenessReport, RegistrationDecided, ShadowDecision, Verdict
from realname.policy import Effect, Policy
from realname.reasons import Reason
from workers.evaluation.dataset import Presentation
from workers.evaluation.report import PadOutcome, Row

# Weighed by the policy, and no part of liveness.
_MATCHING = frozenset({Reason.NOT_THE_SAME_PERSON})
# Not weighed, and no classification by the PAD subsystem.
_UNCLASSIFIED = frozenset(
    {
        Reason.LIVENESS_DOUBTFUL,
        Reason.EVIDENCE_MISSING,
        Reason.PROCESSING_FAILED,
        Reason.DECIDED_TOO_LATE,
        Reason.RECORD_UNREADABLE,
        Reason.REFEREE_PATH,
        Reason.NOT_CALIBRATED,
    }
)


class Measured(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one run made of a presentation: what is kept to resume. Numbers and words only. See report.Row.

    cpu_ms, waited_ms: by step, see check.CheckResult; the only parts that differ between runs.
    """

    verdict: Verdict | None = None
    reasons: tuple[Reason, ...] = ()
    pad: PadOutcome | None = None
    acquired: bool = False
    enrolled: bool | None = None
    scores: dict[str, float] = {}
    failure: str | None = None
    cpu_ms: dict[str, float] = {}
    waited_ms: dict[str, float] = {}


COSTS = frozenset({"cpu_ms", "waited_ms"})  # of Measured: no part of a row


def as_evaluated(policy: Policy) -> Policy:
    """What judges an evaluation: the policy, but that no index of clips is asked, which is no failure of the index.

    With `duplicate_check_unavailable = "review"` each presentation would end with a person, and no attack be let through.
    """
    return msgspec.structs.replace(policy, effects=policy.effects | {Reason.DUPLICATE_CHECK_UNAVAILABLE: Effect.NOTE})


def measured_of(decision: RegistrationDecided, effects: Mapping[Reason, Effect], cpu_ms: Mapping[str, float]) -> Measured:
    """A decision, without what names anyone. effects: of the policy that decided."""
    liveness = decision.liveness or LivenessReport()
    return Measured(
        verdict=decision.verdict,
        reasons=decision.reasons,
        pad=pad_outcome(decision, effects),
        acquired=decision.liveness is not None and not liveness.capture,
        enrolled=None if decision.match is None else not decision.match.portrait,
        scores={score.name: score.value for score in decision.scores},
        cpu_ms={step: round(spent, 3) for step, spent in cpu_ms.items()},
    )


def pad_outcome(decision: RegistrationDecided, effects: Mapping[Reason, Effect]) -> PadOutcome:
    """What the liveness layers alone made of it."""
    if decision.liveness is None or decision.liveness.capture:
        return "no_response"
    weights = [_weight(reason, effects) for reason in decision.reasons]
    if Effect.REFUSED in weights:
        return "stopped"
    return "no_response" if Effect.RETRY in weights or Effect.REVIEW in weights else "let_through"


def _weight(reason: Reason, effects: Mapping[Reason, Effect]) -> Effect:
    """What the reason says of liveness; NOTE: nothing."""
    if reason in _UNCLASSIFIED:
        return Effect.REVIEW
    return Effect.NOTE if reason in _MATCHING else effects.get(reason, Effect.NOTE)


def row_of(one: Presentation, measured: Measured) -> Row:
    """The report's line of a presentation."""
    return Row(
        id=one.id,
        kind=one.kind,
        species=one.species,
        mated=one.mated,
        groups=one.groups,
        challenged=one.actions is not None,
        **{name: getattr(measured, name) for name in Measured.__struct_fields__ if name not in COSTS},
    )


def row_of_decision(decision: RegistrationDecided, effects: Mapping[Reason, Effect]) -> Row:
    """The report's line of a live or a shadow decision, whose truth nobody knows."""
    known = msgspec.structs.asdict(measured_of(decision, effects, {}))
    return Row(id=decision.id, **{name: value for name, value in known.items() if name not in COSTS})


def row_of_shadow(identity: str, shadow: ShadowDecision) -> Row:
    """The same of what a candidate would have decided. It has no report beside it, so liveness alone is not told apart."""
    if shadow.failure is not None:
        return Row(id=identity, failure=f"shadow_{shadow.failure}")
    return Row(
        id=identity,
        verdict=shadow.verdict,
        reasons=shadow.reasons,
        scores={score.name: score.value for score in shadow.scores},
    )
