"""Pure: what became of each registration that was sent, and invariant I1 over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from bench.load.schedule import Arrival

# accepted: 202. shed: 429 or 503 that says so before anything was kept. refused: another answer that says no.
# doubtful: it may have been taken in: 503 publish_doubtful, or no answer at all.
Outcome = Literal["accepted", "shed", "refused", "doubtful"]
TOO_MANY, UNAVAILABLE, ACCEPTED = 429, 503, 202
DOUBTFUL = "publish_doubtful"


class Answer(NamedTuple):
    """What intake said. status 0: nothing, the connection broke. retry_after_s: None where it did not say."""

    status: int
    problem: str = ""
    retry_after_s: int | None = None


class Sent(NamedTuple):
    """One arrival and what came of it.

    id:      its registration's; None where no challenge was to be had.
    slip_s:  how late the loader itself was with it: with asking for its challenge, or with sending it.
    answered_s: when the last answer came, seconds from the run's start.
    """

    arrival: Arrival
    id: str | None
    answer: Answer
    slip_s: float
    answered_s: float

    @property
    def outcome(self) -> Outcome:
        """See Outcome."""
        if self.id is None:
            return "shed" if self.answer.status in {TOO_MANY, UNAVAILABLE, 0} else "refused"
        if self.answer.status == ACCEPTED:
            return "accepted"
        if self.answer.status == 0 or self.answer.problem == DOUBTFUL:
            return "doubtful"
        return "shed" if self.answer.status in {TOO_MANY, UNAVAILABLE} else "refused"


@dataclass(slots=True)
class Decisions:
    """What a read_committed reader saw, in the order in which it saw it.

    internal: id -> how many on registrations.decided. own: operator -> id -> how many on its topic.
    read_s:   id -> when the first was read, seconds from the run's start.
    """

    internal: Counter[str] = field(default_factory=Counter[str])
    own: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    read_s: dict[str, float] = field(default_factory=dict[str, float])

    def read_internal(self, registration_id: str, at_s: float) -> None:
        """One record of registrations.decided."""
        self.internal[registration_id] += 1
        self.read_s.setdefault(registration_id, at_s)

    def read_own(self, operator: str, registration_id: str) -> None:
        """One record of decisions.<operator>."""
        self.own.setdefault(operator, Counter())[registration_id] += 1


def broken_promises(sent: Sequence[Sent], seen: Decisions, *, before: Mapping[str, str], alone: bool = True) -> list[str]:
    """Each way in which invariant I1 does not hold, in words; empty where it does.

    before: id -> operator of registrations that were accepted before the run (the warm-up's).
    alone:  nobody else uses the stack, so that a decision of an unknown id is wrong, too.
    """
    accepted = dict(before) | {each.id: each.arrival.operator for each in sent if each.id and each.outcome == "accepted"}
    doubtful = {each.id: each.arrival.operator for each in sent if each.id and each.outcome == "doubtful"}
    refused = {each.id for each in sent if each.id and each.outcome in {"shed", "refused"}}
    found = _told("accepted and not decided", (each for each in accepted if not seen.internal[each]))
    found += _told("decided more than once", (each for each, count in seen.internal.items() if count > 1))
    found += _told("refused and yet decided", (each for each in refused if seen.internal[each]))
    known = accepted | doubtful
    if alone:
        found += _told("decided and never sent", (each for each in seen.internal if each not in known and each not in refused))
    due = {each: operator for each, operator in known.items() if seen.internal[each]}
    for operator, counts in sorted(seen.own.items()):
        found += _told(f"more than once on the topic of {operator}", (each for each, count in counts.items() if count > 1))
        others = (each for each in counts if due.get(each) != operator)
        unsaid = (each for each in others if each in known or not seen.internal[each])  # the rest is told above
        strange = (each for each in unsaid if alone or each in known or each in refused)
        found += _told(f"on the topic of {operator}, of which it is not", strange)
    missing = (each for each, operator in due.items() if not seen.own.get(operator, Counter())[each])
    return found + _told("decided and not on its operator's topic", missing)


def shed_of(sent: Iterable[Sent]) -> Counter[str]:
    """How many were turned away, by problem (or the status where there was none), and with which Retry-After."""
    return Counter(_named(each.answer) for each in sent if each.outcome != "accepted")


def _named(answer: Answer) -> str:
    name = answer.problem or (str(answer.status) if answer.status else "no answer")
    return name if answer.retry_after_s is None else f"{name}, Retry-After {answer.retry_after_s} s"


def _told(what: str, ids: Iterable[str | None]) -> list[str]:
    some = [each for each in ids if each]
    return [f"{len(some)} {what}, e.g. {some[0]}"] if some else []
