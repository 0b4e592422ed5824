"""Pure: whether a registration id is new, the same again, or taken by another request (invariant I4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Standing = Literal["new", "accepted", "unfinished", "other", "ask_ledger"]


class Seen(NamedTuple):
    """What Redis says of one id, read in the moment in which our claim was set if there was none.

    claimed_by:   fingerprint of the claim that stood there before; None where the claim is ours now.
    accepted:     there is a status: it was answered 202.
    accepted_as:  the status's fingerprint; None where only a later step is known.
    remembered:   the mark that issuing left is there, and this process has had Redis in sight since (`Sight`): then Redis
                  has lost nothing, and nobody here was accepted without leaving a claim and a status in it.
    """

    claimed_by: str | None
    accepted: bool
    accepted_as: str | None
    remembered: bool


def standing_of(seen: Seen | None, fingerprint: str) -> Standing:
    """seen: None while Redis is away. `ask_ledger`: only Kafka can tell.

    unfinished: the same request began before and was not answered 202 (it runs elsewhere, or its publish was doubtful):
    publishing it again is safe, the dispatcher drops further records of an id.
    A claim that is not remembered proves nothing: it may have been set by another body after Redis was lost or away.
    """
    if seen is None:
        return "ask_ledger"
    if seen.accepted and seen.accepted_as is not None:
        return "accepted" if seen.accepted_as == fingerprint else "other"
    if seen.accepted or not seen.remembered:
        return "ask_ledger"
    if seen.claimed_by is None:
        return "new"
    return "unfinished" if seen.claimed_by == fingerprint else "other"


def standing_unrecorded(seen: Seen | None, fingerprint: str) -> Standing:
    """The same where Kafka has no record of the id: who holds the claim may be publishing just now, or in doubt."""
    return "new" if seen is None or seen.claimed_by in {None, fingerprint} else "other"


@dataclass(slots=True)
class Sight:
    """How long one process has had Redis in sight without a gap. In Redis' own time, so no two clocks are compared.

    since_us: microseconds, where its sight began; None before the first answer and after a gap.
    gaps:     how often Redis did not answer.
    """

    since_us: int | None = None
    gaps: int = 0

    def lose(self) -> None:
        """Redis did not answer: whoever is accepted now leaves nothing there."""
        self.since_us = None
        self.gaps += 1

    def gain(self, now_us: int, *, gaps: int) -> None:
        """Redis answered at now_us. gaps: as they were when it was asked; with one since, the answer is from before it."""
        if self.since_us is None and gaps == self.gaps:
            self.since_us = now_us

    def covers(self, issued_us: int | None) -> bool:
        """Whether all that happened to a challenge since it was issued was in sight. None: no mark was left."""
        return issued_us is not None and self.since_us is not None and issued_us >= self.since_us
