"""`realname policy` and `realname activate`: which policy judges an operator, and the signed event that changes it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from deploy.local.layout import STATE, recorded
from realname.activation import DEFAULT_PROFILE, Plan, PolicyActivated, SignerKey, check, read_signers, sign
from realname.errors import RealnameError
from realname.policy import load_policy
from services.cli.calling import JsonOption, OperatorOption, StateOption
from services.cli.policy_topic import Entry, append, history

KafkaOption = Annotated[str | None, typer.Option("--kafka", metavar="HOST:PORT", help="The local stack's unless given.")]
WhyOption = Annotated[str, typer.Option(help="For the auditor: why it is changed.")]
KeyOption = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The signer's private JWK; the local stack's unless given.")
]
ProfileOption = Annotated[str, typer.Option(help="The weights that the workers have under this name.")]
ShadowOption = Annotated[
    str | None, typer.Option("--shadow", metavar="POLICY", help="A candidate, tried beside it and never deciding.")
]
ShadowProfileOption = Annotated[str, typer.Option(help="The candidate's weights.")]
ShareOption = Annotated[float, typer.Option(min=0.0, max=1.0, help="Of the registrations on which the candidate is tried.")]
RevertOption = Annotated[bool, typer.Option("--revert", help="Back to what was live before; no POLICY is given then.")]
PolicyArgument = Annotated[str | None, typer.Argument(metavar="[POLICY]", help="A shipped policy's name or a TOML file.")]


def show(
    *, kafka: KafkaOption = None, state: StateOption = STATE, history: Annotated[bool, typer.Option(help="Every event.")] = False
) -> None:
    """Which policy judges each operator's registrations, and what runs in shadow beside it.

    An operator without an event is judged by the policy of the processes' settings (REALNAME_POLICY).
    """
    entries = _entries(kafka, state)
    shown = entries if history else list({each.event.operator: each for each in entries if each.refused is None}.values())
    table = Table(title="policies.activated", title_justify="left", box=None, pad_edge=False)
    for column in ("operator", "event", "live", "weights", "shadow", "share", "since", "by", "why"):
        table.add_column(column)
    for event, refused in shown:
        table.add_row(
            event.operator,
            f"{event.sequence}" if refused is None else f"{event.sequence}, ignored: {refused}",
            event.live.policy.version,
            event.live.profile,
            event.shadow.policy.version if event.shadow else "-",
            f"{event.share:.0%}" if event.shadow else "-",
            event.activated_at.strftime("%Y-%m-%d %H:%M UTC"),
            event.activated_by,
            event.why,
        )
    Console(highlight=False).print(table if shown else "nothing was activated: REALNAME_POLICY of the processes holds")


def activate(
    policy: PolicyArgument = None,
    *,
    why: WhyOption,
    operator: OperatorOption = "north",
    profile: ProfileOption = DEFAULT_PROFILE,
    shadow: ShadowOption = None,
    shadow_profile: ShadowProfileOption = DEFAULT_PROFILE,
    share: ShareOption = 0.1,
    revert: RevertOption = False,
    key: KeyOption = None,
    kafka: KafkaOption = None,
    state: StateOption = STATE,
    json: JsonOption = False,
) -> None:
    """Sign and publish one event: from it on this operator's registrations are judged so. Dispatchers follow within seconds.

    Registrations under way end by what they began with. Nothing is decided by --shadow; compare it with what is live by
    `realname shadow-report` and `realname evaluate --compare`. Going back is `realname activate --revert`.
    """
    if (policy is None) != revert:
        raise RealnameError("give a POLICY, or --revert and none")
    entries = _entries(kafka, state)
    before = [entry.event for entry in entries if entry.refused is None and entry.event.operator == operator]
    live = _before(before, operator) if policy is None else Plan(load_policy(policy), profile)
    event = PolicyActivated(
        operator=operator,
        sequence=len(before) + 1,
        live=live,
        activated_at=datetime.now(UTC),
        activated_by="",
        why=why,
        shadow=None if shadow is None else Plan(load_policy(shadow), shadow_profile),
        share=0.0 if shadow is None else share,
    )
    signed = sign(event, _signer(key or state / "keys" / f"{operator}.policy.jwk.json"))
    refused = check(signed, before[-1] if before else None, read_signers(state / "keys"))
    if refused is not None:
        raise RealnameError(f"the dispatchers would not take it: {refused.cause}; does the key speak for {operator}?")
    append(kafka or recorded(state).kafka, signed)
    _confirm(signed, _entries(kafka, state), json=json)


def _confirm(signed: PolicyActivated, entries: list[Entry], *, json: bool) -> None:
    """Another officer may have been quicker: of two events with one sequence the first holds."""
    found = next((entry for entry in reversed(entries) if entry.event == signed), None)
    if found is None or found.refused is not None:
        raise RealnameError("another event came first, so this one is ignored: look with `realname policy`, then try again")
    if json:
        sys.stdout.write(msgspec.json.encode(signed).decode() + "\n")
        return
    beside = f"; beside it {signed.shadow.policy.version} on {signed.share:.0%}" if signed.shadow else ""
    live = signed.live
    Console(highlight=False, soft_wrap=True).print(
        f"{signed.operator}: event {signed.sequence}, {live.policy.version} with weights {live.profile!r} is live{beside}"
    )


def _before(events: list[PolicyActivated], operator: str) -> Plan:
    """What was live before the last change of it."""
    plans = [event.live for event in events]
    earlier = [plan for plan in plans if plan != plans[-1]]
    if not earlier:
        raise RealnameError(f"nothing else was ever activated for {operator}: there is nothing to go back to")
    return earlier[-1]


def _entries(kafka: str | None, state: Path) -> list[Entry]:
    return history(kafka or recorded(state).kafka, read_signers(state / "keys"))


def _signer(path: Path) -> SignerKey:
    """No part of the key goes into an error."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SignerKey)
    except OSError as error:
        raise RealnameError(f"{path} does not read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RealnameError(f"{path} is no private key of a policy signer (an Ed25519 JWK)") from None
