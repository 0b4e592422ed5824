"""Pure: a clip's digest, announced within seconds of the last cue, and the signed receipt for it. The clock is an argument.

The digest fixes the clip before the body has to be there. Whoever wants to make a clip to fit the cues has the seconds
from the last cue to the digest for it, not the minutes of an upload. Several receipts may be fetched for one challenge:
each fixes a whole clip within the same seconds, and one registration at most comes of the challenge.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Literal

from msgspec import Struct

from realname.messages import Challenge, Digest, Id
from services.intake.challenge import Keys, Ticket
from services.intake.cues import CueBounds, Plan
from services.intake.problem_names import Name
from services.intake.problems import Problem
from services.intake.signed import read_signed, sign

_ISSUER = "realname-digest"


class Receipt(Struct, frozen=True):
    """A receipt's claims. jti: the challenge's id; digest: the clip's, keyed, so that nobody can test a clip against it.

    clip_started_at_s: the client's word, within what check_announced allows. digest_at_s: when it came. Seconds from issued_at.
    """

    jti: Id
    iss: Literal["realname-digest"]
    digest: Digest
    clip_started_at_s: float
    digest_at_s: float


def check_announced(
    ticket: Ticket, plan: Plan | None, started_at_s: float, *, now: datetime, bounds: CueBounds
) -> Plan | Problem:
    """The plan, where an announcement that came at `now` holds what is asked of it; else what is wrong.

    Before the last cue there is one answer whatever else is asked, without a time to wait: else the answer to a start
    that lies after the first cue, or the wait itself, would tell a cue's time before it is released.
    """
    if ticket.has_expired(now):
        return Problem(Name.CHALLENGE_EXPIRED, field="challenge")
    if plan is None:
        return Problem(Name.CHALLENGE_WITHOUT_CUES, field="challenge")
    age_s = ticket.age_s(now)
    if age_s < plan.last_s:
        return Problem(Name.DIGEST_EARLY)
    if age_s > plan.last_s + bounds.digest_within_s:
        return Problem(Name.DIGEST_LATE)
    if not -bounds.start_slack_s <= started_at_s <= plan.first_s:
        return Problem(Name.CLIP_START_WRONG, field="clip_started_at_s")
    return plan


def issue_receipt(ticket: Ticket, clip_sha256: str, started_at_s: float, *, now: datetime, keys: Keys) -> tuple[Receipt, str]:
    """The receipt and its signed form, for what check_announced let pass. clip_sha256: hex."""
    receipt = Receipt(
        jti=ticket.jti,
        iss=_ISSUER,
        digest=_keyed(ticket.jti, clip_sha256, keys),
        clip_started_at_s=started_at_s,
        digest_at_s=ticket.age_s(now),
    )
    return receipt, sign(receipt, keys.receipts)


def challenge_met(
    ticket: Ticket, plan: Plan | None, *, token: str | None, clip_sha256: str | None, keys: Keys
) -> Challenge | Problem:
    """The challenge as it is published: with its cues, where the receipt is for this challenge and this very clip.

    token: the receipt as the request has it. clip_sha256: hex, of the clip as it came in; None without a clip.
    """
    if plan is None:
        wrong = Problem(Name.CHALLENGE_WITHOUT_CUES, field="digest_receipt")
        return Challenge(actions=ticket.actions, issued_at=ticket.issued_at) if token is None else wrong
    if token is None:
        return Problem(Name.RECEIPT_MISSING, field="digest_receipt")
    receipt = read_signed(token, keys.receipts, Receipt)
    if receipt is None or receipt.jti != ticket.jti:
        return Problem(Name.RECEIPT_INVALID, field="digest_receipt")
    if not hmac.compare_digest(receipt.digest, _keyed(ticket.jti, clip_sha256 or "", keys)):
        return Problem(Name.CLIP_NOT_AS_ANNOUNCED, field="clip")
    return Challenge(
        actions=plan.actions,
        issued_at=ticket.issued_at,
        cues_at_s=plan.at_s,
        clip_started_at_s=receipt.clip_started_at_s,
        digest_at_s=receipt.digest_at_s,
    )


def _keyed(identity: str, clip_sha256: str, keys: Keys) -> str:
    return hmac.digest(keys.digests, f"{identity}\0{clip_sha256}".encode(), hashlib.sha256).hex()
