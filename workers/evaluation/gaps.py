"""Pure: what a reader might take an evaluation for, and it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from realname.reasons import Reason
from workers.evaluation.rates import presentations_needed
from workers.evaluation.report import MatchRates, Row, SystemRates

CLAIM_IAPAR = 0.07  # of each species; source: NIST SP 800-63A-4, section 3.11
CLAIM_FMR = 1e-4  # as above


def not_measured(rows: Sequence[Row], system: SystemRates | None, matching: Sequence[MatchRates]) -> tuple[str, ...]:
    """In words, one a line."""
    return (*_of_presentations(rows, system), *_of_comparisons(matching), *_of_conditions(rows))


def _of_presentations(rows: Sequence[Row], system: SystemRates | None) -> Iterator[str]:
    kinds = {row.kind for row in rows}
    if "attack" not in kinds:
        yield "attacks: the dataset has none, so nothing is said of APCER and IAPAR"
    if "bona_fide" not in kinds:
        yield "honest customers: the dataset has no bona fide presentation, so nothing is said of BPCER and FRR"
    needed = presentations_needed(CLAIM_IAPAR)
    for one in system.species if system else ():
        if 0 < one.iapar.n < needed:
            wanted = f"that claim takes {needed} attacks without an error"
            yield f"IAPAR < {CLAIM_IAPAR:.0%} for {one.species}: {wanted}, here are {one.iapar.n}"


def _of_comparisons(matching: Sequence[MatchRates]) -> Iterator[str]:
    most, needed = max((found.random for found in matching), default=0), presentations_needed(CLAIM_FMR)
    if not most:
        yield "false matches: two different people are nowhere compared"
    elif most < needed:
        yield f"FMR < {CLAIM_FMR:g}: that claim takes {needed:,} impostor comparisons without an error, here are {most:,}"
    if not any(found.lookalike for found in matching):
        yield "look-alikes: no pair is marked as one, and random impostors flatter the FMR"


def _of_conditions(rows: Sequence[Row]) -> Iterator[str]:
    if not any(row.groups for row in rows):
        yield "differences between groups of people: no presentation has a group_* label"
    free = sum(not row.challenged for row in rows)
    if free:
        yield f"the challenge, in {free} of {len(rows)}: no actions are named, whatever the clip shows counts as asked"
    uncued = sum(Reason.NO_CUES in row.reasons for row in rows)
    if uncued:
        yield f"timed cues, in {uncued} of {len(rows)}: they have none, and by this policy such a clip is at most review"
    if rows:
        yield "clips handed in before: each presentation is judged by itself, without an operator's index of clips"
