"""`realname shadow-report`: what is live and the candidate beside it, as two reports for `realname evaluate --compare`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.local.layout import STATE, recorded
from realname.activation import Activation, Plan, digest_of, read_signers
from realname.errors import RealnameError
from realname.messages import RegistrationDecided
from realname.policy import SHIPPED_EFFECTS
from realname.topics import DECIDED
from services.cli.calling import KafkaOption, OperatorOption, StateOption
from services.cli.decision_topic import DecisionTopic
from services.cli.decisions import SinceOption, age_of
from services.cli.policy_topic import held_of, history
from workers.evaluation.outcomes import row_of_decision, row_of_shadow
from workers.evaluation.rates import INTERVAL
from workers.evaluation.report import DatasetFacts, Report, Row, encode
from workers.evaluation.run import policy_facts
from workers.evaluation.same_recordings import ids_digest
from workers.evaluation.summary import failures_of

LIVE, SHADOW = "live.json", "shadow.json"
NOT_MEASURED = ("error rates: nobody knows the truth of a live registration; compare what both decided of it",)

OutOption = Annotated[Path, typer.Option("--out", metavar="FOLDER", help=f"Where {LIVE} and {SHADOW} go.")]


def command(
    *,
    operator: OperatorOption = "north",
    since: SinceOption = "7d",
    out: OutOption = Path("shadow"),
    kafka: KafkaOption = None,
    state: StateOption = STATE,
) -> None:
    """Collect the registrations on which the operator's candidate was tried beside what is live.

    Of the newest activation with a candidate, and of the registrations decided by just these two plans. The reports hold
    ids, verdicts, reasons and scores; then: realname evaluate --compare FOLDER/live.json FOLDER/shadow.json
    """
    bootstrap = kafka or recorded(state).kafka
    held = held_of(history(bootstrap, read_signers(state / "keys")), operator)
    said = next((each.activation for each in reversed(held) if each.activation.shadow), None)
    if said is None:
        raise RealnameError(f"no candidate was ever tried for {operator}: `realname activate POLICY --shadow CANDIDATE`")
    tried = _tried(bootstrap, operator, datetime.now(UTC) - age_of(since), said)
    if not tried:
        raise RealnameError(f"no registration of the last {since} had the candidate beside it: is the share above 0?")
    live, shadow = reports(tried, said)
    out.mkdir(parents=True, exist_ok=True)
    (out / LIVE).write_bytes(encode(live))
    (out / SHADOW).write_bytes(encode(shadow))
    Console(highlight=False, soft_wrap=True).print(
        f"{len(tried)} registrations; now: realname evaluate --compare {out / LIVE} {out / SHADOW}", markup=False
    )


def reports(tried: Sequence[RegistrationDecided], said: Activation) -> tuple[Report, Report]:
    """The live report and the candidate's, of the same registrations. tried: each with its shadow; at least one."""
    assert said.live is not None, "an activation with a candidate says what is live"
    assert said.shadow is not None
    effects = SHIPPED_EFFECTS | said.live.policy.effects
    live = tuple(row_of_decision(decided, effects) for decided in tried)
    shadow = tuple(row_of_shadow(decided.id, decided.shadow) for decided in tried if decided.shadow is not None)
    models = [decided.shadow.models for decided in tried if decided.shadow is not None]
    return (
        _report(live, said.live, _commonest([decided.models for decided in tried]), said.operator),
        _report(shadow, said.shadow, _commonest(models), said.operator),
    )


def _report(rows: tuple[Row, ...], plan: Plan, models: dict[str, str], operator: str) -> Report:
    return Report(
        dataset=DatasetFacts(f"registrations of {operator}", presentations_digest=ids_digest(row.id for row in rows)),
        policy=policy_facts(plan.policy),
        models=models,
        interval=INTERVAL,
        failures=failures_of(rows),
        not_measured=NOT_MEASURED,
        rows=rows,
    )


def _commonest(models: Sequence[dict[str, str]]) -> dict[str, str]:
    """A decision without evidence names none."""
    return dict(Counter(tuple(sorted(each.items())) for each in models).most_common(1)[0][0])


def _tried(bootstrap: str, operator: str, since: datetime, said: Activation) -> list[RegistrationDecided]:
    """In the order of their ids, which is that of their time."""
    assert said.live is not None, "an activation with a candidate says what is live"
    assert said.shadow is not None
    plans = (digest_of(said.live), digest_of(said.shadow))
    topic = DecisionTopic(bootstrap, DECIDED)
    found: list[RegistrationDecided] = []
    try:
        topic.start(since)
        while True:
            for decided in topic.read():
                shadow = decided.shadow
                if decided.operator != operator or shadow is None:
                    continue
                if (decided.plan, shadow.plan) == plans:
                    found.append(decided)
            if topic.is_at_end():
                return sorted(found, key=lambda decided: decided.id)
    finally:
        topic.close()
