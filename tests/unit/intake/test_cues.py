"""Plans of cues: how they are drawn, and that a sealed one says nothing."""

from __future__ import annotations

import base64
import random
from itertools import pairwise

import pytest
from msgspec.structs import replace

from realname.errors import SettingsWrong
from realname.policy import load_policy
from services.intake.cues import GAP_S, LEAD_S, SEQUENCES, Plan, bounds_of, draw_plan, open_plan, seal_plan
from tests.fakes.intake import CUE_BOUNDS

KEY = b"k" * 32
PLAN = Plan(("blink", "turn_left"), (1.5, 4.25))


def sealed(plan: Plan = PLAN, *, identity: str = "id-1", seed: int = 1) -> str:
    return seal_plan(plan, key=KEY, identity=identity, draw=random.Random(seed))


def test_cues_come_apart_as_the_ranges_say_and_every_part_of_a_range_is_drawn() -> None:
    draw = random.Random(3)
    plans = [draw_plan(draw, CUE_BOUNDS) for _ in range(2000)]
    leads = [plan.first_s for plan in plans]
    gaps = [later - earlier for plan in plans for earlier, later in pairwise(plan.at_s)]
    for drawn, (least, most) in ((leads, LEAD_S), (gaps, GAP_S)):
        assert least - 1e-9 <= min(drawn) < least + 0.05
        assert most - 0.1 < max(drawn) <= most + 1e-9


def test_the_last_of_three_cues_is_not_squeezed_into_what_is_left() -> None:
    draw = random.Random(4)
    plans = [plan for plan in (draw_plan(draw, CUE_BOUNDS) for _ in range(4000)) if len(plan.actions) == 3]
    first, last = ([plan.at_s[n + 1] - plan.at_s[n] for plan in plans] for n in (0, 1))
    assert abs(sum(first) / len(first) - sum(last) / len(last)) < 0.05


def test_every_sequence_is_asked_for_with_cues_too() -> None:
    draw = random.Random(5)
    assert {draw_plan(draw, CUE_BOUNDS).actions for _ in range(1000)} == set(SEQUENCES)


def test_a_plan_opens_under_its_own_key_and_id_alone() -> None:
    assert open_plan(sealed(), key=KEY, identity="id-1") == PLAN
    assert open_plan(sealed(), key=KEY, identity="id-2") is None
    assert open_plan(sealed(), key=b"x" * 32, identity="id-1") is None


@pytest.mark.parametrize("damaged", ["", "A", "not base64 at all!", sealed()[:-4], "A" + sealed()[1:]])
def test_a_damaged_plan_does_not_open(damaged: str) -> None:
    assert open_plan(damaged, key=KEY, identity="id-1") is None


def test_all_plans_are_sealed_at_one_length_and_never_twice_alike() -> None:
    draw = random.Random(6)
    seals = [sealed(draw_plan(draw, CUE_BOUNDS), seed=seed) for seed in range(200)]
    assert len({len(each) for each in seals}) == 1
    assert len({sealed(PLAN, seed=seed) for seed in range(200)}) == 200
    assert b"blink" not in base64.urlsafe_b64decode(sealed())


@pytest.mark.parametrize("name", ["production", "development"])
def test_the_shipped_policies_leave_room_for_cues(name: str) -> None:
    bounds = bounds_of(load_policy(name), digest_within_s=5.0)
    assert bounds == CUE_BOUNDS


def test_a_policy_whose_clips_are_too_short_for_cues_does_not_start() -> None:
    policy = load_policy("production")
    short = replace(policy, clip=replace(policy.clip, duration_s_max=10.0))
    with pytest.raises(SettingsWrong, match=r"clip\.duration_s_max: it must be at least 5\.6 s"):
        bounds_of(short, digest_within_s=5.0)
