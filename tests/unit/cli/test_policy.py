"""What `realname policy` shows and what `activate --revert` goes back to."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from realname.activation import Held, Plan
from realname.errors import RealnameError
from realname.policy import load_policy
from services.cli.policy import SAID, cells, plan_before
from tests.builders import a_signer, an_activation, signed_in_order

PRODUCTION = load_policy("production")
FIRST, SECOND = Plan(PRODUCTION), Plan(replace(PRODUCTION, version="second"))


def held(*plans: Plan | None) -> list[Held]:
    """These were live, in this order."""
    said = [an_activation(live=plan) for plan in plans]
    return [Held(event, activation) for event, activation in zip(signed_in_order(a_signer(), *said), said, strict=True)]


def test_the_first_activation_is_undone_by_the_processes_own_policy_and_that_by_the_first():
    assert plan_before(held(FIRST), "north") is None
    assert plan_before(held(FIRST, None), "north") == FIRST
    assert plan_before(held(FIRST, None, SECOND), "north") is None


def test_going_back_is_to_what_was_live_before_the_last_change_of_it():
    assert plan_before(held(FIRST, SECOND), "north") == FIRST
    assert plan_before(held(FIRST, SECOND, SECOND), "north") == FIRST  # another share, another candidate
    assert plan_before(held(FIRST, SECOND, FIRST), "north") == SECOND


@pytest.mark.parametrize("plans", [(), (None,)])
def test_where_nothing_was_ever_activated_there_is_nothing_to_go_back_to(plans: tuple[Plan | None, ...]):
    with pytest.raises(RealnameError, match=r"nothing was ever activated for north.*REALNAME_POLICY"):
        plan_before(held(*plans), "north")


def test_an_event_is_shown_with_the_weights_of_both():
    shown = dict(zip(SAID, cells(an_activation(shadow=Plan(SECOND.policy, "licensed"), share=0.1)), strict=True))
    assert (shown["live"], shown["weights"]) == ("v2", "default")
    assert (shown["shadow"], shown["its weights"], shown["share"]) == ("second", "licensed", "10%")
    alone = dict(zip(SAID, cells(an_activation(live=None)), strict=True))
    assert (alone["live"], alone["weights"], alone["shadow"]) == ("the processes' own", "-", "-")
