# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# redis-py's commands answer `Awaitable | value` unions of half-known types; here they become values of ours.
"""Clips of the last 24 hours in Redis, by keyed tokens, for each new one to be looked for: as a file, and as motion.

Exact key reads only: nothing is compared with anything, and nothing of a face is there to be compared.
Redis is scratch. Where it was lost, or is silent, or too full to note a clip, the answer is `unavailable`, until the index
is 24 hours old again: so it is in the first 24 hours of an installation, too.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import redis

from realname.clock import Monotonic, monotonic
from realname.keys import KeyProvider, duplicates_secret
from realname.messages import Seen
from workers.clip import Clip
from workers.duplicates.signature import moments_of
from workers.duplicates.tokens import Entry, Mark, birth_of, decode_mark, entry_of, same_motion

KEPT_S = 24 * 3600
SETTLED_A_LOOK = 8  # of the owed
OWED_MAX = 500  # clips that Redis did not take yet, noted by this process when it answers again; 4 kB each
FULL_SHARE = 0.7  # of maxmemory: above it nothing is noted, since the queues live there, too
LOOK_AT_MEMORY_EVERY_S = 10.0

# KEYS: the index's birth, the file, then n own motion tokens, then all tokens to ask for.
# ARGV: owner, TTL s, n, whether it is to be noted, whether the index lacks something, then n marks.
# What is held stays its first owner's, so that a repeat of the first finds nothing, and of two at once the second finds
# the first; each further hand-in keeps it for another 24 hours.
_LOOK_LUA = """
local now = tonumber(redis.call('TIME')[1])
local born = redis.call('GET', KEYS[1])
if not born or ARGV[5] == '1' then
  redis.call('SET', KEYS[1], now)
  born = now
end
local count = tonumber(ARGV[3])
local file = redis.call('GET', KEYS[2])
local held = {}
if count > 0 then
  for i, mark in ipairs(redis.call('MGET', unpack(KEYS, 3 + count))) do
    if mark then held[#held + 1] = {i - 1, mark} end
  end
end
if ARGV[4] == '1' then
  if file and file ~= ARGV[1] then
    redis.call('EXPIRE', KEYS[2], ARGV[2])
  else
    redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2], 'NX')
  end
  for i = 1, count do
    if not redis.call('SET', KEYS[2 + i], ARGV[5 + i], 'EX', ARGV[2], 'NX') then
      redis.call('EXPIRE', KEYS[2 + i], ARGV[2])
    end
  end
end
return {now - tonumber(born), file, held}
"""

_LOG = logging.getLogger(__name__)


class _Answer(NamedTuple):
    """age_s: of the index. file: its owner. held: number of a spelling, in the order asked, and the mark under it."""

    age_s: float
    file: bytes | None
    held: dict[int, bytes]


class _Noted(NamedTuple):
    """One clip for one operator's index."""

    birth: bytes
    entry: Entry


@dataclass(slots=True)
class RedisDuplicates:
    """The Duplicates port over a real Redis. Safe for many threads.

    client: answers bytes. It should give up soon: a check that waits holds up a stage.
    """

    client: redis.Redis
    keys: KeyProvider
    monotonic: Monotonic = monotonic
    _owed: deque[_Noted] = field(default_factory=lambda: deque[_Noted](maxlen=OWED_MAX))
    _lacking: set[bytes] = field(default_factory=set[bytes])  # births of indexes that miss a clip for good
    _full: bool = False
    _looked_at_memory_s: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, operator: str, registration_id: str, media: bytes, clip: Clip) -> Seen:
        """Look for the clip and note it, in one step. Never raises for Redis: then it is `unavailable`."""
        secret = duplicates_secret(self.keys, operator)
        entry = entry_of(secret, registration_id, media, moments_of(clip.small, clip.at_s))
        noted = _Noted(birth_of(secret), entry)
        try:
            full = self._is_full()
            self._settle(full=full)
            answer = self._ask(noted, full=full)
        except redis.RedisError as error:
            _LOG.warning("duplicates_unavailable", extra={"cause": type(error).__name__})
            self._owe(noted)
            return "unavailable"
        return _seen(entry, answer)

    def _ask(self, noted: _Noted, *, full: bool) -> _Answer:
        entry = noted.entry
        own = [_motion_key(spellings[0]) for spellings in entry.spellings]
        asked = [_motion_key(token) for spellings in entry.spellings for token in spellings]
        keys = [b"rn:clips:" + noted.birth.hex().encode(), b"rn:clip:" + entry.file, *own, *asked]
        lacks = full or noted.birth in self._lacking
        argv = [entry.owner, KEPT_S, len(own), int(not full), int(lacks), *(mark.encode() for mark in entry.marks)]
        commands: Any = self.client
        age_s, file, held = commands.eval(_LOOK_LUA, len(keys), *keys, *argv)
        self._lacking.discard(noted.birth)
        return _Answer(float(age_s), file, {int(number): mark for number, mark in held})

    def _is_full(self) -> bool:
        """Whether the server is too full for more; asked now and then."""
        now_s = self.monotonic()
        if self._looked_at_memory_s is None or now_s - self._looked_at_memory_s >= LOOK_AT_MEMORY_EVERY_S:
            self._looked_at_memory_s = now_s
            commands: Any = self.client
            memory = commands.info("memory")
            limit = int(memory.get("maxmemory", 0))
            self._full = limit > 0 and int(memory["used_memory"]) > FULL_SHARE * limit
        return self._full

    def _owe(self, noted: _Noted) -> None:
        with self._lock:
            if len(self._owed) == OWED_MAX:
                self._lacking.add(self._owed[0].birth)
            self._owed.append(noted)

    def _settle(self, *, full: bool) -> None:
        """Note some of what Redis did not take before. Raises RedisError, with the rest still owed.

        A few at each look: a stage has its deadline, and a Redis that just came back answers slowly.
        """
        for _ in range(SETTLED_A_LOOK):
            with self._lock:
                if not self._owed:
                    return
                noted = self._owed.popleft()
            try:
                self._ask(noted, full=full)
            except redis.RedisError:
                with self._lock:
                    self._owed.appendleft(noted)
                raise


def _seen(entry: Entry, answer: _Answer) -> Seen:
    if answer.file is not None and answer.file != entry.owner:
        return "file_seen"
    if same_motion(entry, _by_moment(entry, answer.held)):
        return "motion_seen"
    return "new" if answer.age_s >= KEPT_S else "unavailable"


def _by_moment(entry: Entry, held: dict[int, bytes]) -> list[list[Mark]]:
    found, start = list[list[Mark]](), 0
    for spellings in entry.spellings:
        stop = start + len(spellings)
        found.append([decode_mark(held[number]) for number in range(start, stop) if number in held])
        start = stop
    return found


def _motion_key(token: bytes) -> bytes:
    return b"rn:move:" + token
