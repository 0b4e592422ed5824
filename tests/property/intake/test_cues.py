"""Any plan that is drawn fits a clip that the policy judges, and comes out of its seal as it went in."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from realname.policy import load_policy
from services.intake.cues import GAP_S, LEAD_S, SEQUENCES, bounds_of, draw_plan, open_plan, seal_plan

POLICY = load_policy("production")
seeds = st.integers(0, 2**64)
lengths_s = st.floats(10.1, 60)


@given(seeds, lengths_s)
def test_any_plan_fits_the_limits(seed, duration_s_max):
    policy = replace(POLICY, clip=replace(POLICY.clip, duration_s_max=duration_s_max))
    plan = draw_plan(random.Random(seed), bounds_of(policy, digest_within_s=5.0))
    assert plan.actions in SEQUENCES
    assert len(plan.at_s) == len(plan.actions)
    assert LEAD_S[0] <= plan.first_s <= LEAD_S[1]
    assert all(GAP_S[0] - 0.001 <= later - earlier <= GAP_S[1] + 0.001 for earlier, later in pairwise(plan.at_s))
    began_s, answered_s = -policy.cues.slack_s, plan.last_s + policy.cues.within_s
    assert answered_s - began_s <= policy.clip.duration_s_max + 0.001


@given(seeds)
def test_any_plan_comes_out_of_its_seal_as_it_went_in(seed):
    draw = random.Random(seed)
    plan = draw_plan(draw, bounds_of(POLICY, digest_within_s=5.0))
    assert open_plan(seal_plan(plan, key=b"k" * 32, identity="i", draw=draw), key=b"k" * 32, identity="i") == plan
