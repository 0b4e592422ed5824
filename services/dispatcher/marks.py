"""The dispatch markers: whether a job may already lie in Celery. One round trip for each of their two steps, for many jobs.

A death between the steps leaves `dispatching`: the next owner of the partition sends those jobs again.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# redis-py's answers are typed as anything; they end in this file.

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from realname.redis_lines import Command, Lines, Script
from realname.stages import MARK_TTL_S, Stage, marker_key
from services.dispatcher.overtaken import Mark

# KEYS: markers. ARGV: TTL s, stage, '1' to begin whatever the marker says. Answers Redis TIME, and for each key when it
# was dispatched before, or nil where it is begun now.
_BEGIN = Script("""
local now = redis.call('TIME')
local at, sent = now[1] .. '.' .. string.sub('000000' .. now[2], -6), {}
for i = 1, #KEYS do
  local held = redis.call('HMGET', KEYS[i], 'state', 'at')
  sent[i] = held[1] == 'dispatched' and ARGV[3] ~= '1' and (held[2] or '0')
  if not sent[i] then
    redis.call('HSET', KEYS[i], 'state', 'dispatching', 'at', at, 'stage', ARGV[2])
    redis.call('HDEL', KEYS[i], 'started_at')
    redis.call('EXPIRE', KEYS[i], ARGV[1])
  end
end
return {at, sent}
""")

# KEYS: markers. ARGV: TTL s, Redis TIME of the first step. `stage` stays as it is: a worker may have begun already.
_SENT = Script("""
for i = 1, #KEYS do
  redis.call('HSET', KEYS[i], 'state', 'dispatched', 'at', ARGV[2])
  redis.call('EXPIRE', KEYS[i], ARGV[1])
end
""")


class Begun(NamedTuple):
    """The first step. at: Redis TIME, as the marker has it; sent_at_s: when each was sent before, None where it was not."""

    at: str
    sent_at_s: list[float | None]

    @property
    def now(self) -> datetime:
        """Redis TIME."""
        return datetime.fromtimestamp(float(self.at), tz=UTC)


class DispatchMarks:
    """All methods raise what redis-py raises."""

    def __init__(self, lines: Lines) -> None:
        """Does not connect yet."""
        self._lines = lines

    def begin(self, registration_ids: Sequence[str], *, again: bool) -> Begun:
        """Mark as `dispatching` what nobody is known to have sent. again: whatever the marker says."""
        keys = [marker_key(each) for each in registration_ids]
        at, sent = self._lines.run(_BEGIN, keys, [MARK_TTL_S, Stage.LIVENESS.value, int(again)])
        return Begun(at.decode(), [None if each is None else float(each) for each in sent])

    def sent(self, registration_ids: Sequence[str], at: str) -> None:
        """They are `dispatched`. at: the first step's."""
        self._lines.run(_SENT, [marker_key(each) for each in registration_ids], [MARK_TTL_S, at])

    def read(self, registration_ids: Sequence[str]) -> list[Mark]:
        """What workers have noted since."""
        asked = [Command(("HMGET", marker_key(each), "stage", "started_at")) for each in registration_ids]
        return [
            Mark(stage.decode() if stage else None, float(started) if started else None)
            for stage, started in self._lines.ask_all(*asked)
        ]
