"""Pure: what a reader might take an evaluation for, and it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from realname.policy import Effect, Policy
from realname.reasons import Reason
from workers.evaluation.rates import Rate, presentations_needed
from workers.evaluation.report import GroupRates, MatchRates, Row, SystemRates
from workers.evaluation.wording import percent

CLAIM_IAPAR = 0.07  # of each species; source: NIST SP 800-63A-4, section 3.11
CLAIM_FMR = 1e-4  # as above


def not_measured(
    rows: Sequence[Row],
    system: SystemRates | None,
    matching: Sequence[MatchRates],
    *,
    groups: Sequence[GroupRates],
    policy: Policy,
    models: Mapping[str, str],
) -> tuple[str, ...]:
    """In words, one a line. policy: as the operator wrote it. models: digests by role, as in the report."""
    return (
        *_of_presentations(rows, system),
        *_of_liveness(rows, system),
        *_of_comparisons(matching),
        *_of_thresholds(policy, models),
        *_of_conditions(rows, policy),
        *([] if groups else ["differences between groups of people: nothing has a group_* label"]),
    )


def _of_presentations(rows: Sequence[Row], system: SystemRates | None) -> Iterator[str]:
    kinds = {row.kind for row in rows}
    if "attack" not in kinds:
        yield "attacks: the dataset has none, so nothing is said of APCER and IAPAR"
    if "bona_fide" not in kinds:
        yield "honest customers: the dataset has no bona fide presentation, so nothing is said of BPCER and FRR"
    for one in system.species if system else ():
        if _claims_not(one.iapar, CLAIM_IAPAR):
            wanted = f"that claim takes {presentations_needed(CLAIM_IAPAR)} attacks without an error"
            yield f"IAPAR < {CLAIM_IAPAR:.0%} for {one.species}: {wanted}, here are {_seen(one.iapar)}"


def _claims_not(rate: Rate, bound: float) -> bool:
    """Whether the rate cannot be said to lie below the bound, with 95 % confidence."""
    return rate.upper is None or rate.upper > bound


def _seen(rate: Rate) -> str:
    if rate.upper is None:
        return "0 that were judged and show the portrait's own face"
    errors = f" with {rate.errors:,}" if rate.errors else ""
    worth = "" if rate.worth is None else f", of people who are in many, worth {rate.worth:,.0f} independent ones"
    return f"{rate.n:,}{errors}{worth}, which says below {percent(rate.upper)}"


def _of_liveness(rows: Sequence[Row], system: SystemRates | None) -> Iterator[str]:
    if system is not None and system.bpnrr.value == 1.0:
        yield "liveness: it classified no bona fide presentation (BPNRR is 1), so a low APCER says nothing of it"
    strange = sum(Reason.NOT_CALIBRATED in row.reasons for row in rows)
    if strange:
        words = "a model judged that the policy's thresholds were not measured for, so a person decides"
        yield f"liveness and matching, in {strange} of {len(rows)}: {words} (not_calibrated)"


def _of_comparisons(matching: Sequence[MatchRates]) -> Iterator[str]:
    rates = [found.points[0].fmr for found in matching if found.random]
    if not rates:
        yield "false matches: two different people are nowhere compared"
    elif _claims_not(best := min(rates, key=lambda rate: rate.upper or 0.0), CLAIM_FMR):
        wanted = f"that claim takes {presentations_needed(CLAIM_FMR):,} impostor comparisons without an error"
        yield f"FMR < {CLAIM_FMR:g}: {wanted}, here are {_seen(best)}"
    if not any(found.lookalike for found in matching):
        yield "look-alikes: no pair is marked as one, and random impostors flatter the FMR"


def _of_thresholds(policy: Policy, models: Mapping[str, str]) -> Iterator[str]:
    made_for, here = policy.calibration.embedder, models.get("embedder")
    if made_for != here:
        words = f"calibration {policy.calibration.name} is of {made_for}, and here is {here}"
        yield f"what accept and review mean as FMRs: {words}, whose similarities mean something else"


def _of_conditions(rows: Sequence[Row], policy: Policy) -> Iterator[str]:
    free = sum(not row.challenged for row in rows)
    if free:
        yield f"the challenge, in {free} of {len(rows)}: no actions are named, whatever the clip shows counts as asked"
    uncued = sum(Reason.NO_CUES in row.reasons for row in rows)
    if uncued:
        yield f"timed cues, in {uncued} of {len(rows)}: they have none, and by this policy such a clip is at most review"
    if rows:
        effect = policy.effects[Reason.DUPLICATE_CHECK_UNAVAILABLE]
        weighed = "" if effect is Effect.NOTE else f"; that none was asked has no effect here, by the policy it is {effect}"
        yield f"clips handed in before: each presentation is judged by itself, without an operator's index of clips{weighed}"
