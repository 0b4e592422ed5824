"""Pure: a registration's decision, with what measured it, and beside it what the candidate would have said."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from realname.activation import digest_of
from realname.messages import RegistrationDecided, RegistrationSubmitted, ShadowDecision
from realname.reasons import Reason
from realname.stages import ShadowMeasured, StageResult
from realname.verdicts import Evidence, decide
from services.dispatcher.policies import PolicyBook


def decided_of(
    submitted: RegistrationSubmitted, evidence: Evidence, result: StageResult | None, book: PolicyBook, *, now: datetime
) -> RegistrationDecided:
    """Decided with the plan that it was measured with, also where another was activated meanwhile.

    result: what the evidence came in; None where nothing was measured. Without a plan that the operator had activated
    (none was live when it was sent, or a worker of before plans measured it) what is live now decides, and weights that
    do not fit its calibration end in review.
    """
    plan = book.plan_of(submitted.operator, None if result is None else result.plan)
    decided = decide(submitted, evidence, plan.policy if plan else book.live_policy(submitted.operator), decided_at=now)
    shadow = None if result is None or result.shadow is None else _tried(submitted, result.shadow, book, now)
    named = {"profile": plan.profile, "plan": digest_of(plan)} if plan else {}
    return replace(decided, shadow=shadow, **named)


def _tried(submitted: RegistrationSubmitted, tried: ShadowMeasured, book: PolicyBook, now: datetime) -> ShadowDecision | None:
    """None where nobody activated that candidate."""
    plan = book.plan_of(submitted.operator, tried.plan)
    if plan is None:
        return None
    if tried.failure is not None:
        reasons = (Reason.PROCESSING_FAILED,)
        return ShadowDecision(plan.policy.version, plan.profile, digest_of(plan), "review", reasons, failure=tried.failure)
    decided = decide(submitted, Evidence(tried.liveness, tried.match), plan.policy, decided_at=now)
    return ShadowDecision(
        decided.policy,
        plan.profile,
        digest_of(plan),
        decided.verdict,
        decided.reasons,
        scores=decided.scores,
        models=decided.models,
    )
