"""Footage laid under cues: what fits answers each cue as it should, and what does not is said not to."""

from __future__ import annotations

import random

import pytest

from bench.presentations.labels import MIRRORED
from demo.cases import A_IN_TIME, A_TOO_LATE
from demo.footage import Fitted, Footage, fitted, may_fit
from realname.messages import Action
from realname.policy import load_policy
from services.intake.cues import Plan, bounds_of, draw_plan

RULES = load_policy("production")
DIGEST_WITHIN_S = 5.0
DRAW = random.Random(2026)
PLANS = [draw_plan(DRAW, bounds_of(RULES, digest_within_s=DIGEST_WITHIN_S)) for _ in range(600)]


def fits(footage: Footage) -> list[tuple[Plan, Fitted]]:
    found = [(plan, fitted(footage, plan.actions, plan.at_s, digest_until_s=plan.last_s + DIGEST_WITHIN_S)) for plan in PLANS]
    return [(plan, fit) for plan, fit in found if fit is not None]


def begins_s(footage: Footage, fit: Fitted) -> list[tuple[Action, float]]:
    """What is done and when, on the visit's clock."""
    return [
        (
            MIRRORED[act.action] if fit.is_mirrored else act.action,
            fit.started_at_s + (act.first - footage.first) / footage.person.rate_hz,
        )
        for act in footage.acts
    ]


@pytest.mark.parametrize("footage", [A_IN_TIME, A_TOO_LATE], ids=["in time", "too late"])
def test_enough_plans_fit_and_each_is_of_one_visit(footage: Footage) -> None:
    found = fits(footage)
    assert len(found) > 0.08 * len(PLANS)  # else all the challenges of a round may miss
    for plan, fit in found:
        assert 0 <= fit.started_at_s < plan.first_s
        assert fit.started_at_s + footage.length_s < plan.last_s + DIGEST_WITHIN_S
        assert may_fit(footage, plan.actions)


def test_in_time_each_action_begins_in_order_within_the_policys_seconds() -> None:
    for plan, fit in fits(A_IN_TIME):
        done, after_s = begins_s(A_IN_TIME, fit), 0.0
        for action, cue_s in zip(plan.actions, plan.at_s, strict=True):
            answers = [at_s for act, at_s in done if act == action and at_s > max(after_s, cue_s)]
            assert answers, plan
            after_s = min(answers)
            assert after_s - cue_s < RULES.cues.within_s


def test_too_late_no_first_action_begins_before_the_next_cues_is_due() -> None:
    for plan, fit in fits(A_TOO_LATE):
        due_s = plan.at_s[1] + RULES.cues.reaction_s_min
        begun = [at_s for act, at_s in begins_s(A_TOO_LATE, fit) if act == plan.actions[0] and at_s > plan.first_s]
        assert min(begun) > due_s


def test_what_nobody_filmed_does_not_fit() -> None:
    assert not may_fit(A_IN_TIME, ("turn_left", "turn_right"))
    assert may_fit(A_IN_TIME, ("turn_right",))
    assert not may_fit(A_TOO_LATE, ("turn_left",))  # mirrored alone
