"""Pure: the status of a registration as a page or an integrator sees it. Lives 24 h in Redis, written only forwards."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from realname.messages import Digest, Id, Instant, Name, RegistrationDecided, Verdict
from realname.reasons import Reason

Step = Literal["submitted", "liveness", "matching", "decided"]
RANK: dict[Step, int] = {"submitted": 1, "liveness": 2, "matching": 3, "decided": 4}
TTL_S = 24 * 3600


class Status(Struct, frozen=True, tag="realname.status.v1", tag_field="type"):
    """Where a registration stands. fingerprint: see RegistrationSubmitted; None where only a later step is known."""

    id: Id
    operator: Name
    store: Name
    step: Step
    at: Instant
    fingerprint: Digest | None = None
    verdict: Verdict | None = None
    reasons: tuple[Reason, ...] = ()


def status_key(registration_id: str) -> str:
    """A hash: rank, status (JSON), fingerprint."""
    return f"rn:status:{registration_id}"


def moved_channel(registration_id: str) -> str:
    """Redis Pub/Sub: told each time the status moves; a hint, never the record.

    One for each registration: with one for all, every intake process would hear of every registration of the country.
    """
    return f"rn:moved:{registration_id}"


# KEYS[1] status hash; ARGV: rank, status JSON, fingerprint or '', TTL s, channel. Returns 1 where it moved forwards.
WRITE_FORWARDS_LUA = """
local held = tonumber(redis.call('HGET', KEYS[1], 'rank') or '0')
if tonumber(ARGV[1]) <= held then return 0 end
redis.call('HSET', KEYS[1], 'rank', ARGV[1], 'status', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSETNX', KEYS[1], 'fingerprint', ARGV[3]) end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[1])
return 1
"""


def write_arguments(status: Status) -> tuple[str, list[str]]:
    """KEYS[1] and ARGV for WRITE_FORWARDS_LUA."""
    body = msgspec.json.encode(status).decode()
    argv = [str(RANK[status.step]), body, status.fingerprint or "", str(TTL_S), moved_channel(status.id)]
    return status_key(status.id), argv


def decode_status(body: bytes) -> Status:
    """Raises msgspec.ValidationError where it is no status."""
    return msgspec.json.decode(body, type=Status)


def status_of(decided: RegistrationDecided) -> Status:
    """The last status: what was decided."""
    return Status(
        id=decided.id,
        operator=decided.operator,
        store=decided.store,
        step="decided",
        at=decided.decided_at,
        verdict=decided.verdict,
        reasons=decided.reasons,
    )
