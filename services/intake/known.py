"""Pure: whether a registration id is new, the same again, or taken by another request (invariant I4)."""

from __future__ import annotations

from typing import Literal, NamedTuple

Standing = Literal["new", "accepted", "unfinished", "other", "ask_ledger"]


class Seen(NamedTuple):
    """What Redis says of one id, read in the moment in which our claim was set if there was none.

    claimed_by:   fingerprint of the claim that stood there before; None where the claim is ours now.
    accepted:     there is a status: it was answered 202.
    accepted_as:  the status's fingerprint; None where only a later step is known.
    remembered:   the mark that issuing left is there, so Redis has lost nothing since.
    """

    claimed_by: str | None
    accepted: bool
    accepted_as: str | None
    remembered: bool


def standing_of(seen: Seen | None, fingerprint: str) -> Standing:
    """seen: None while Redis is away. `ask_ledger`: only Kafka can tell.

    unfinished: the same request began before and was not answered 202 (it runs elsewhere, or its publish was doubtful):
    publishing it again is safe, the dispatcher drops further records of an id.
    A claim without the mark proves nothing: it may have been set by another body after Redis was lost.
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
