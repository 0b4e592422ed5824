"""Issuing a challenge."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from realname.clock import Clock, monotonic
from realname.metrics import Metrics
from services.intake import challenge
from services.intake.admission import Admission
from services.intake.auth import Callers
from services.intake.cues import CueBounds
from services.intake.problem_names import Name
from services.intake.problems import Problem, insist
from services.intake.requests import ChallengeIssued, ChallengeRequest, check_store, cues_path, read_json
from services.intake.scratch import Scratch

REMEMBER_S = 600  # an id's issue is remembered this much longer than its challenge may be used


@dataclass(frozen=True, slots=True)
class Issuing:
    """lifetime_s: of a challenge, at most and by default. cues: what plans of cues are held to."""

    callers: Callers
    admission: Admission
    keys: challenge.Keys
    scratch: Scratch
    metrics: Metrics
    clock: Clock
    lifetime_s: int
    cues: CueBounds

    async def create_challenge(self, authorization: str | None, body: bytes) -> ChallengeIssued:
        """Issue one. Raises Refused."""
        now = self.clock()
        caller = insist(self.callers.authenticate(authorization, now))
        insist(self.admission.admit(caller.operator, monotonic()))
        request = insist(read_json(body, ChallengeRequest))
        insist(check_store(caller, request.store))
        lifetime_s = request.lifetime_s or self.lifetime_s
        insist(self._check_asked(request, lifetime_s))
        ticket, token = challenge.issue(
            challenge.Purpose(caller.operator, request.store, request.terminal, request.person_token, request.path),
            keys=self.keys,
            now=now,
            lifetime_s=lifetime_s,
            randomness=secrets.token_bytes(10),
            draw=secrets.SystemRandom(),
            cues=self.cues if request.cues else None,
        )
        await self.scratch.remember_issued(ticket.jti, lifetime_s + REMEMBER_S)
        self.metrics.count("realname_challenges_issued", caller.operator, "yes" if request.cues else "no")
        return ChallengeIssued(
            ticket.jti,
            token,
            ticket.path,
            ticket.actions,
            ticket.issued_at,
            ticket.expires_at,
            cues_path(ticket.jti) if request.cues else None,
        )

    def _check_asked(self, request: ChallengeRequest, lifetime_s: int) -> Problem | None:
        """Cues need a face, and a lifetime in which the latest of them can still be answered."""
        if request.cues and request.path == "referee":
            return Problem(Name.FIELD_INVALID, field="cues")
        least_s = self.cues.last_s_max + self.cues.digest_within_s if request.cues else 0.0
        if not least_s <= lifetime_s <= self.lifetime_s:
            return Problem(Name.FIELD_INVALID, field="lifetime_s")
        return None
