"""Pure: which plan each operator's registrations are judged with, by the signed events read so far."""

from __future__ import annotations

from typing import NamedTuple

from realname.activation import Chain, Held, Plan, PolicyActivated, Refused, SignerKeys, encode_plan, is_shadowed
from realname.policy import Policy


class Plans(NamedTuple):
    """What goes into one job. None: nothing was activated, or no candidate is tried on this registration."""

    live: bytes | None
    shadow: bytes | None


class PolicyBook:
    """The operators' plans. Without an event, or after one that says so: the settings' policy and the workers' own weights."""

    def __init__(self, configured: Policy, signers: SignerKeys) -> None:
        """signers: whose events hold, each for its own operator."""
        self.configured = configured
        self._chain = Chain(signers)
        self._known: dict[tuple[str, bytes], Plan] = {}

    def apply(self, event: PolicyActivated) -> Held | Refused:
        """Take one event, in the log's order. Where it does not hold it is as if it had never been."""
        found = self._chain.take(event)
        if isinstance(found, Held):
            for plan in (found.activation.live, found.activation.shadow):
                if plan is not None:
                    self._known[event.operator, encode_plan(plan)] = plan
        return found

    def plans_for(self, operator: str, registration_id: str) -> Plans:
        """What this registration is to be judged with from now on."""
        held = self._chain.latest.get(operator)
        if held is None or held.activation.live is None:
            return Plans(None, None)
        said = held.activation
        shadow = encode_plan(said.shadow) if said.shadow is not None and is_shadowed(said, registration_id) else None
        return Plans(encode_plan(held.activation.live), shadow)

    def live_policy(self, operator: str) -> Policy:
        """What is live now."""
        held = self._chain.latest.get(operator)
        return self.configured if held is None or held.activation.live is None else held.activation.live.policy

    def plan_of(self, operator: str, body: bytes | None) -> Plan | None:
        """The plan that a result was measured with; None where it is none that this operator ever had activated."""
        return None if body is None else self._known.get((operator, body))
