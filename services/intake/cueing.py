"""Timed cues over HTTP: the stream that releases them, and the digest that must follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import msgspec

from realname.clock import Clock
from realname.metrics import Metrics
from services.intake import challenge
from services.intake.auth import Caller, Callers
from services.intake.challenge import Ticket
from services.intake.cues import CueBounds, Plan
from services.intake.problem_names import Name
from services.intake.problems import Problem, Refused, insist
from services.intake.receipt import check_announced, issue_receipt
from services.intake.requests import Cue, CueClock, CuesEnd, DigestRequest, DigestTaken, check_store, read_json
from services.intake.seats import TOO_MANY, Seats

HEARTBEAT_S = 1.0  # a plan lasts seconds: a page that hears nothing for two knows that its line is cut
Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Cueing:
    """pause: asyncio.sleep, but in tests."""

    callers: Callers
    keys: challenge.Keys
    bounds: CueBounds
    seats: Seats
    metrics: Metrics
    clock: Clock
    pause: Pause = asyncio.sleep

    async def follow_cues(self, authorization: str | None, challenge_id: str, token: str | None) -> AsyncIterator[bytes]:
        """The cues of a challenge as server-sent events, each at its time; those whose time has passed at once. Raises Refused.

        No rate limit: whoever was let in at the challenge must not be turned away in the seconds that it lasts.
        """
        caller = insist(self.callers.authenticate(authorization, self.clock()))
        ticket = self._ticket(caller, challenge_id, token or "")
        plan = challenge.plan_of(ticket, self.keys)
        if plan is None:
            raise Refused(Problem(Name.CHALLENGE_WITHOUT_CUES, field="challenge"))
        if ticket.has_expired(self.clock()):
            raise Refused(Problem(Name.CHALLENGE_EXPIRED, field="challenge"))
        if self.seats.are_full:
            raise Refused(TOO_MANY)
        return self._stream(ticket, plan)

    async def take_digest(self, authorization: str | None, challenge_id: str, body: bytes) -> DigestTaken:
        """The receipt for a clip's digest. Raises Refused.

        It has come when its whole body is here: a request that is opened in time and finished later is late.
        """
        now = self.clock()
        caller = insist(self.callers.authenticate(authorization, now))
        try:
            request = insist(read_json(body, DigestRequest))
            ticket = self._ticket(caller, challenge_id, request.challenge)
            drawn = challenge.plan_of(ticket, self.keys)
            plan = insist(check_announced(ticket, drawn, request.clip_started_at_s, now=now, bounds=self.bounds))
        except Refused as refused:
            self.metrics.count("realname_digests", caller.operator, refused.problem.name.value)
            raise
        receipt, signed = issue_receipt(ticket, request.clip_sha256, request.clip_started_at_s, now=now, keys=self.keys)
        self.metrics.count("realname_digests", caller.operator, "ok")
        self.metrics.observe("realname_digest_wait_seconds", receipt.digest_at_s - plan.last_s)
        return DigestTaken(signed, receipt.digest_at_s)

    def _ticket(self, caller: Caller, challenge_id: str, token: str) -> Ticket:
        """The challenge behind a token, where it is the one in the address, of a store of the caller's. Raises Refused."""
        ticket = insist(challenge.read(token, caller.operator, self.keys))
        if ticket.jti != challenge_id:
            raise Refused(Problem(Name.CHALLENGE_MISMATCH, field="challenge_id"))
        insist(check_store(caller, ticket.store))
        return ticket

    async def _stream(self, ticket: Ticket, plan: Plan) -> AsyncIterator[bytes]:
        with self.seats.sit():
            now = self.clock()
            yield _event("clock", CueClock(ticket.issued_at, now, ticket.age_s(now)))
            opened_s = ticket.age_s(now)
            for index, (action, at_s) in enumerate(zip(plan.actions, plan.at_s, strict=True)):
                while (left_s := at_s - ticket.age_s(self.clock())) > 0:
                    await self.pause(min(left_s, HEARTBEAT_S))
                    if left_s > HEARTBEAT_S:
                        yield b": still here\n\n"
                if at_s >= opened_s:  # else it was due before anybody looked
                    self.metrics.observe("realname_cue_late_seconds", ticket.age_s(self.clock()) - at_s)
                yield _event("cue", Cue(index, action, at_s))
            yield _event("end", CuesEnd(round(plan.last_s + self.bounds.digest_within_s, 3)))


def _event(name: str, value: msgspec.Struct) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(value))
