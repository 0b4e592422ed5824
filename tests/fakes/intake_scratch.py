"""Intake's Redis in memory: it can be away, wiped, and new to a process that has just started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from realname.statuses import RANK, Status
from services.intake.known import Seen, Sight
from services.intake.scratch import AWAY, Away


@dataclass
class FakeScratch:
    """Redis in dicts. `away`: it does not answer. sight: this process's; a new one is a process that has just started."""

    away: bool = False
    claims: dict[str, str] = field(default_factory=dict)
    issued: dict[str, int] = field(default_factory=dict)
    sight: Sight = field(default_factory=Sight)
    now_us: int = 0
    statuses: dict[str, Status] = field(default_factory=dict)
    prints: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)
    listeners: list[asyncio.Queue[str]] = field(default_factory=list)

    async def remember_issued(self, registration_id: str, ttl_s: int) -> None:  # noqa: ARG002
        if not self._answers():
            return
        self.issued[registration_id] = self.now_us

    async def claim(self, registration_id: str, fingerprint: str) -> Seen | Away:
        if not self._answers():
            return AWAY
        held = self.claims.get(registration_id)
        self.claims.setdefault(registration_id, fingerprint)
        accepted_as = self.prints.get(registration_id)
        return Seen(held, registration_id in self.statuses, accepted_as, self.sight.covers(self.issued.get(registration_id)))

    async def release(self, registration_id: str, fingerprint: str) -> None:
        if not self.away and self.claims.get(registration_id) == fingerprint:
            del self.claims[registration_id]

    async def write(self, status: Status) -> None:
        held = self.statuses.get(status.id)
        if self.away or (held is not None and RANK[held.step] >= RANK[status.step]):
            return
        self.statuses[status.id] = status
        if status.fingerprint:
            self.prints.setdefault(status.id, status.fingerprint)
        if status.id in self.followed:
            self._tell(status.id)

    async def status(self, registration_id: str) -> Status | Away | None:
        return AWAY if self.away else self.statuses.get(registration_id)

    async def undecided(self, partitions: int) -> Mapping[str, int] | Away:  # noqa: ARG002
        return AWAY if self.away else dict(self.counts)

    def follow(self, registration_id: str) -> None:
        self.followed.add(registration_id)
        self._tell(registration_id)

    def unfollow(self, registration_id: str) -> None:
        self.followed.discard(registration_id)

    async def moved(self) -> AsyncIterator[str]:
        listener: asyncio.Queue[str] = asyncio.Queue()
        self.listeners.append(listener)
        for registration_id in self.followed:
            listener.put_nowait(registration_id)
        try:
            while True:
                yield await listener.get()
        finally:
            self.listeners.remove(listener)

    def _tell(self, registration_id: str) -> None:
        for listener in self.listeners:
            listener.put_nowait(registration_id)

    def _answers(self) -> bool:
        """Redis' time goes on with each question; an answer and a silence are both seen."""
        self.now_us += 1
        if self.away:
            self.sight.lose()
        else:
            self.sight.gain(self.now_us, gaps=self.sight.gaps)
        return not self.away

    def wipe(self) -> None:
        """As after a restart of Redis."""
        self.claims.clear()
        self.issued.clear()
        self.statuses.clear()
        self.prints.clear()
