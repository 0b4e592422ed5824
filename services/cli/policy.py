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
from realname.activation import DEFAULT_PROFILE, Activation, Held, Plan, Refused, SignerKey, check, read_signers, sign
from realname.errors import RealnameError
from realname.policy import load_policy
from services.cli.calling import JsonOption, KafkaOption, OperatorOption, StateOption
from services.cli.policy_topic import Entry, append, held_of, history
from services.cli.strictness import weaker

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
RevertOption = Annotated[
    bool,
    typer.Option(
        "--revert", help="Back to what was live before; no POLICY is given then, and before the first it is the processes' own."
    ),
]
WeakensOption = Annotated[
    bool, typer.Option("--weakens", help="Yes, something is less strict than in the shipped production policy.")
]
SAID = ("live", "weights", "shadow", "its weights", "share", "since")
PROCESSES = "the processes"

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
    for column in ("operator", "event", *SAID, "by", "why"):
        table.add_column(column)
    for event, said, refused in shown:
        number = "?" if said is None else str(said.sequence)
        table.add_row(
            event.operator,
            number if refused is None else f"{number}, ignored: {refused}",
            *(cells(said) if said else ("",) * len(SAID)),
            event.signer,
            said.why if said else "",
        )
    Console(highlight=False).print(table if shown else "nothing was activated: REALNAME_POLICY of the processes holds")


def cells(said: Activation) -> tuple[str, ...]:
    """In the order of SAID."""
    live = (said.live.policy.version, said.live.profile) if said.live else (f"{PROCESSES}' own", "-")
    shadow = (said.shadow.policy.version, said.shadow.profile, f"{said.share:.0%}") if said.shadow else ("-", "-", "-")
    return (*live, *shadow, said.activated_at.strftime("%Y-%m-%d %H:%M UTC"))


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
    weakens: WeakensOption = False,
    key: KeyOption = None,
    kafka: KafkaOption = None,
    state: StateOption = STATE,
    json: JsonOption = False,
) -> None:
    """Sign and publish one event: from it on this operator's registrations are judged so. Dispatchers follow within seconds.

    What is less strict than the shipped production policy is named, and needs --weakens.
    Registrations under way end by what they began with. Nothing is decided by --shadow; compare it with what is live by
    `realname shadow-report` and `realname evaluate --compare`. Going back is `realname activate --revert`.
    """
    if (policy is None) != revert:
        raise RealnameError("give a POLICY, or --revert and none")
    live = None if policy is None else Plan(load_policy(policy), profile)
    if not weakens:
        _insist_as_strict(live)
    _tell_weaker(live)
    held = held_of(_entries(kafka, state), operator)
    if revert:
        live = plan_before(held, operator)
        _tell_weaker(live)  # and no more: who goes back has no time for a second try, and it was live once
    activation = Activation(
        operator=operator,
        sequence=len(held) + 1,
        previous=held[-1].event.digest if held else "",
        live=live,
        activated_at=datetime.now(UTC),
        why=why,
        shadow=None if shadow is None else Plan(load_policy(shadow), shadow_profile),
        share=0.0 if shadow is None else share,
    )
    event = sign(activation, _signer(key or state / "keys" / f"{operator}.policy.jwk.json"))
    found = check(event, held[-1] if held else None, read_signers(state / "keys"))
    if isinstance(found, Refused):
        raise RealnameError(f"the dispatchers would not take it: {found.cause}; does the key speak for {operator}?")
    append(kafka or recorded(state).kafka, event)
    _confirm(found, _entries(kafka, state), json=json)


def _insist_as_strict(live: Plan | None) -> None:
    """What is weaker than production must be said on purpose: an auditor will ask."""
    said = _weaker_in(live)
    if said:
        raise RealnameError(f"{said}: say --weakens if that is meant")


def _tell_weaker(live: Plan | None) -> None:
    """On stderr, so that --json stays JSON."""
    said = _weaker_in(live)
    if said:
        sys.stderr.write(f"{said}\n")


def _weaker_in(live: Plan | None) -> str:
    """Each field that is weaker than production's; empty where none is, or where the processes' own policy will hold."""
    said = [] if live is None else weaker(live.policy, load_policy("production"))
    return f"{live.policy.version} is weaker than production ({'; '.join(said)})" if live is not None and said else ""


def _confirm(signed: Held, entries: list[Entry], *, json: bool) -> None:
    """Another officer may have been quicker: of two events with one sequence the first holds."""
    found = next((entry for entry in reversed(entries) if entry.event == signed.event), None)
    if found is None or found.refused is not None:
        raise RealnameError("another event came first, so this one is ignored: look with `realname policy`, then try again")
    if json:
        sys.stdout.write(msgspec.json.encode(signed.event).decode() + "\n")
        return
    said = signed.activation
    beside = f"; beside it {said.shadow.policy.version} on {said.share:.0%}" if said.shadow else ""
    live = f"{said.live.policy.version} with weights {said.live.profile!r}" if said.live else f"{PROCESSES}' own policy"
    Console(highlight=False, soft_wrap=True).print(f"{said.operator}: event {said.sequence}, {live} is live{beside}")


def plan_before(held: list[Held], operator: str) -> Plan | None:
    """What was live before the last change of it; None: before the first one, the policy of the processes' settings.

    held: the operator's events that hold, in order. Raises RealnameError where nothing ever changed.
    """
    plans = [None, *(each.activation.live for each in held)]
    earlier = [plan for plan in plans if plan != plans[-1]]
    if len(plans) == 1 or (plans[-1] is None and not earlier):
        raise RealnameError(f"nothing was ever activated for {operator}: the processes' own policy holds (REALNAME_POLICY)")
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
