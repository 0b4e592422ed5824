"""Pure: which plan each operator's registrations are judged with, by the signed events read so far."""

from __future__ import annotations

from typing import NamedTuple

from realname.activation import Plan, PolicyActivated, Refused, SignerKeys, check, encode_plan, is_shadowed
from realname.policy import Policy


class Plans(NamedTuple):
    """What goes into one job. None: nothing was activated, or no candidate is tried on this registration."""

    live: bytes | None
    shadow: bytes | None


class PolicyBook:
    """The operators' plans. Without an event an operator has the policy of the settings, and the workers' own weights."""

    def __init__(self, configured: Policy, signers: SignerKeys) -> None:
        """signers: whose events hold, each for its own operator."""
        self.configured = configured
        self._signers = signers
        self._latest: dict[str, PolicyActivated] = {}
        self._known: dict[tuple[str, bytes], Plan] = {}

    def apply(self, event: PolicyActivated) -> Refused | None:
        """Take one event, in the log's order. None where it holds; else it is as if it had never been."""
        refused = check(event, self._latest.get(event.operator), self._signers)
        if refused is None:
            self._latest[event.operator] = event
            for plan in (event.live, event.shadow):
                if plan is not None:
                    self._known[event.operator, encode_plan(plan)] = plan
        return refused

    def plans_for(self, operator: str, registration_id: str) -> Plans:
        """What this registration is to be judged with from now on."""
        event = self._latest.get(operator)
        if event is None:
            return Plans(None, None)
        shadow = encode_plan(event.shadow) if event.shadow is not None and is_shadowed(event, registration_id) else None
        return Plans(encode_plan(event.live), shadow)

    def live_policy(self, operator: str) -> Policy:
        """What is live now."""
        event = self._latest.get(operator)
        return self.configured if event is None else event.live.policy

    def plan_of(self, operator: str, body: bytes | None) -> Plan | None:
        """The plan that a result was measured with; None where it is none that this operator ever had activated."""
        return None if body is None else self._known.get((operator, body))

    def sequence_of(self, operator: str) -> int:
        """Of its last event that holds; 0 without one."""
        event = self._latest.get(operator)
        return 0 if event is None else event.sequence
