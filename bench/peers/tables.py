"""What the peers' bench found, for people."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.peers.costs import Pair, by_name, ratios_of
from bench.peers.quality import Score, Verdict, score_of

SHOWN = 6


def show_costs(console: Console, pairs: Sequence[Pair]) -> None:
    """One row a peer, clip and mode."""
    ratios = ratios_of(pairs)
    table = Table("peer", "clip", "frames", "looked at", "CPU ms", "ours", "peer / ours", "least", "most", "goal", "seen")
    for name, own in by_name(pairs).items():
        ratio, first = ratios[name], own[0]
        table.add_row(
            first.peer,
            first.clip,
            first.mode,
            str(first.saw.frames),
            f"{statistics.median(pair.peer_ms for pair in own):.0f}",
            f"{statistics.median(pair.ours_ms for pair in own):.0f}",
            f"{ratio.value:.2f}",
            f"{ratio.least:.2f}",
            f"{ratio.most:.2f}",
            "" if ratio.goal is None else f">= {ratio.goal:g} {'met' if ratio.value >= ratio.goal else 'MISSED'}",
            f"{'actions' if first.saw.actions else 'no actions'}, {'same' if first.saw.same else 'other'} person",
        )
    console.print(table)
    console.print(
        f"CPU of a check, all its processes, one thread, one core; {len(pairs) // len(ratios)} pairs each, run in turns; "
        "median, and the least and most of the pairs' own ratios."
    )


def show_quality(console: Console, verdicts: Sequence[Verdict]) -> None:
    """One row a side; then which attacks each accepted."""
    table = Table("side", "actions seen", "same person right", "genuine accepted", "attacks accepted", "unreadable")
    for side in dict.fromkeys(each.side for each in verdicts):
        score = score_of([each for each in verdicts if each.side == side])
        pairs = (score.actions, score.same, score.accepted, score.attacks, score.unreadable)
        table.add_row(side, *(f"{some}/{n}" for some, n in pairs))
    console.print(table)
    for side in dict.fromkeys(each.side for each in verdicts):
        own = [each for each in verdicts if each.side == side]
        fooled = [each.presentation.id for each in own if each.presentation.is_attack and each.saw.accepted]
        missed = [each.presentation.id for each in own if not each.presentation.is_attack and not each.saw.accepted]
        console.print(f"{side}: attacks accepted: {_listed(fooled)}; genuine not accepted: {_listed(missed)}", highlight=False)


def figures_of(scores: dict[str, Score]) -> dict[str, float]:
    """Counts by side, with what they are of."""
    figures: dict[str, float] = {}
    for side, score in scores.items():
        for what in ("actions", "same", "accepted", "attacks", "unreadable"):
            some, n = getattr(score, what)
            figures[f"{side}_{QUALITY_NAMES[what]}_count"] = some
            figures[f"{side}_{QUALITY_NAMES[what]}_of_count"] = n
    return figures


QUALITY_NAMES = {
    "actions": "actions_seen",
    "same": "same_person_right",
    "accepted": "genuine_accepted",
    "attacks": "attacks_accepted",
    "unreadable": "unreadable",
}


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return " ".join(ids[:SHOWN]) + more if ids else "none"
