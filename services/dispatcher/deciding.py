"""Pure: a registration's decision, with what measured it, and beside it what the candidate would have said."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from realname.activation import Plan
from realname.messages import RegistrationDecided, RegistrationSubmitted, ShadowDecision
from realname.policy import Policy
from realname.reasons import Reason
from realname.stages import ShadowMeasured, StageResult
from realname.verdicts import Evidence, decide
from services.dispatcher.policies import PolicyBook


def decided_of(
    submitted: RegistrationSubmitted, evidence: Evidence, result: StageResult | None, book: PolicyBook, *, now: datetime
) -> RegistrationDecided:
    """Decided with the plan that it was measured with, also where another was activated meanwhile.

    result: what the evidence came in; None where nothing was measured. A plan that the operator never had activated
    is none: then what is live decides, and weights that do not fit its calibration end in review.
    """
    plan = book.plan_of(submitted.operator, None if result is None else result.plan)
    decided = decide(submitted, evidence, _policy(submitted.operator, result, plan, book), decided_at=now)
    shadow = None if result is None or result.shadow is None else _tried(submitted, result.shadow, book, now)
    return replace(decided, profile=plan.profile if plan else "", shadow=shadow)


def _policy(operator: str, result: StageResult | None, plan: Plan | None, book: PolicyBook) -> Policy:
    if plan is not None:
        return plan.policy
    was_sent_without = result is not None and result.plan is None
    return book.configured if was_sent_without else book.live_policy(operator)


def _tried(submitted: RegistrationSubmitted, tried: ShadowMeasured, book: PolicyBook, now: datetime) -> ShadowDecision | None:
    """None where nobody activated that candidate."""
    plan = book.plan_of(submitted.operator, tried.plan)
    if plan is None:
        return None
    if tried.failure is not None:
        reasons = (Reason.PROCESSING_FAILED,)
        return ShadowDecision(plan.policy.version, plan.profile, "review", reasons, failure=tried.failure)
    decided = decide(submitted, Evidence(tried.liveness, tried.match), plan.policy, decided_at=now)
    return ShadowDecision(
        decided.policy, plan.profile, decided.verdict, decided.reasons, scores=decided.scores, models=decided.models
    )
