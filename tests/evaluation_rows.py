"""Reports of evaluations and their rows, made by hand."""

from __future__ import annotations

from realname.policy import load_policy
from realname.reasons import Reason
from workers.evaluation.rates import INTERVAL, Rate
from workers.evaluation.report import DatasetFacts, PairRow, Report, Row
from workers.evaluation.run import policy_facts
from workers.evaluation.summary import match_rates, presentation_scores, system_rates

POLICY = load_policy("development")
DIED = {"verdict": None, "pad": None, "acquired": False, "enrolled": None, "failure": "process_died"}


def attack(number: int, species: str, verdict: str, pad: str, **more) -> Row:
    known = {
        "kind": "attack",
        "species": species,
        "mated": True,
        "acquired": True,
        "enrolled": True,
        "scores": {"similarity": 0.9},
    }
    return Row(id=f"{species}{number}", verdict=verdict, pad=pad, **(known | more))


def genuine(number: int, verdict: str, pad: str, similarity: float, **more) -> Row:
    known = {"kind": "bona_fide", "mated": True, "acquired": True, "enrolled": True, "scores": {"similarity": similarity}}
    return Row(id=f"g{number}", verdict=verdict, pad=pad, **(known | more))


ROWS = (
    attack(1, "print", "refused", "stopped"),
    attack(2, "print", "retry", "no_response"),
    attack(3, "print", "approved", "let_through"),
    attack(4, "print", "review", "no_response"),
    attack(1, "replay", "refused", "let_through", mated=False),
    Row(id="replay2", kind="attack", species="replay", mated=True, failure="clip_missing"),
    genuine(1, "approved", "let_through", 0.8, groups={"age": "old"}),
    genuine(2, "refused", "stopped", 0.3, groups={"age": "old"}),
    genuine(3, "retry", "no_response", 0.7, acquired=False, enrolled=None),
    attack(3, "replay", "approved", "let_through", mated=False),
    attack(4, "replay", "retry", "no_response", mated=False, enrolled=False),
    genuine(4, "review", "let_through", 0.4, groups={"age": "young"}),
    genuine(5, "refused", "let_through", 0.1, mated=False),
    genuine(6, "approved", "let_through", 0.5, mated=False),
)


def a_report(
    rows: tuple[Row, ...] = (), pairs: tuple[PairRow, ...] = (), *, pairs_digest: str = "p", recordings: str = "r"
) -> Report:
    matching = match_rates(presentation_scores(rows), POLICY, of="presentations", failed=Rate(0, 0))
    return Report(
        dataset=DatasetFacts("made", pairs_digest=pairs_digest, presentations_digest=recordings),
        policy=policy_facts(POLICY),
        models={"embedder": "e"},
        interval=INTERVAL,
        system=system_rates(rows),
        matching=() if matching is None else (matching,),
        rows=rows,
        pairs=pairs,
    )


def attacks(accepted: int, n: int, *, first: int = 0, kind="attack") -> tuple[Row, ...]:
    """`accepted` of n attacks get through; ids from `first` on."""
    return tuple(
        Row(
            id=f"a{first + place}",
            kind=kind,
            species="print" if kind else None,
            mated=True if kind else None,
            verdict="approved" if place < accepted else "refused",
            reasons=(Reason.ALL_CHECKS_PASSED if place < accepted else Reason.PRESENTATION_ATTACK,),
            pad="let_through" if place < accepted else "stopped",
            acquired=True,
        )
        for place in range(n)
    )


def customer(place: int, **changes: object) -> Row:
    known: dict[str, object] = {
        "kind": "bona_fide",
        "mated": True,
        "verdict": "approved",
        "pad": "let_through",
        "acquired": True,
        "enrolled": True,
    }
    return Row(id=f"g{place}", **(known | changes))  # pyright: ignore[reportArgumentType]


def pairs_of(similarities: list[float]) -> tuple[PairRow, ...]:
    return tuple(PairRow(number, mated=True, similarity=value) for number, value in enumerate(similarities))
