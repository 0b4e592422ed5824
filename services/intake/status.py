"""Where a registration stands: read, waited for, streamed. Who waits is woken when it moves; a slow poll is the fallback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Generator

import msgspec

from realname import ids
from realname.clock import Clock, monotonic
from realname.errors import Transient
from realname.messages import RegistrationSubmitted
from realname.statuses import RANK, Status, status_of
from services.intake.auth import Caller
from services.intake.problem_names import Name
from services.intake.problems import Problem
from services.intake.requests import StatusAnswer
from services.intake.scratch import Away, Scratch
from services.intake.seats import TOO_MANY, Seats
from services.intake.status_log import StatusLog

POLL_S = 5.0  # between looks of one who waits, should its wake-up get lost
HEARTBEAT_S = 15.0  # a comment line, so that a proxy keeps the stream open
_SUBSCRIBE_AGAIN_S = 1.0
_RETENTION_S = 6 * 24 * 3600  # submissions younger than this are surely in their topic (7 days)
_AHEAD_S = 120  # an id from further ahead was never minted here
_LOOK_AGAIN_S = 2
UNKNOWN = Problem(Name.REGISTRATION_UNKNOWN)


class Statuses:
    """Belongs to one event loop. `run` must be running."""

    def __init__(
        self,
        scratch: Scratch,
        log: StatusLog,
        *,
        clock: Clock,
        seats: Seats,
        poll_s: float = POLL_S,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        """seats: of this process, for long polls and streams of every kind."""
        self._scratch = scratch
        self._log = log
        self._clock = clock
        self._seats = seats
        self._poll_s = poll_s
        self._heartbeat_s = heartbeat_s
        self._waiters: dict[str, set[asyncio.Event]] = {}

    async def current(self, caller: Caller, registration_id: str) -> Status | Problem:
        """As it is now. Another operator's, another store's and an unknown id are one answer."""
        if not self._can_be_ours(registration_id):
            return UNKNOWN
        status = await self._scratch.status(registration_id)
        if status is None or isinstance(status, Away):
            try:
                status = await self._from_log(registration_id)
            except Transient:
                return Problem(Name.LEDGER_UNAVAILABLE, retry_after_s=_LOOK_AGAIN_S)
        if status is None or status.operator != caller.operator or not caller.may_use(status.store):
            return UNKNOWN
        return status

    async def wait_decided(self, caller: Caller, registration_id: str, wait_s: float) -> Status | Problem:
        """As it is when it is decided, or after wait_s, whichever comes first."""
        deadline_s = monotonic() + wait_s
        status = await self.current(caller, registration_id)
        if isinstance(status, Problem) or status.step == "decided" or wait_s <= 0:
            return status
        if self._seats.are_full:
            return TOO_MANY
        with self._seat(registration_id) as moved:
            while True:
                status = await self.current(caller, registration_id)  # again: it may have moved before we sat down
                left_s = deadline_s - monotonic()
                if isinstance(status, Problem) or status.step == "decided" or left_s <= 0:
                    return status
                await _pause(moved, min(left_s, self._poll_s))

    async def events(self, caller: Caller, registration_id: str, seen_rank: int) -> AsyncIterator[bytes] | Problem:
        """A stream of server-sent events: each step above seen_rank as it comes; it ends with the decision."""
        status = await self.current(caller, registration_id)
        if isinstance(status, Problem):
            return status
        return TOO_MANY if self._seats.are_full else self._stream(caller, registration_id, seen_rank)

    async def _stream(self, caller: Caller, registration_id: str, seen_rank: int) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        sent_s = monotonic()
        with self._seat(registration_id) as moved:
            while True:
                status = await self.current(caller, registration_id)
                if not isinstance(status, Problem) and RANK[status.step] > seen_rank:
                    seen_rank, sent_s = RANK[status.step], monotonic()
                    yield event_of(status)
                if seen_rank >= RANK["decided"]:
                    return
                if monotonic() - sent_s >= self._heartbeat_s:
                    sent_s = monotonic()
                    yield b": still here\n\n"
                await _pause(moved, min(self._poll_s, self._heartbeat_s))

    async def run(self) -> None:
        """Wake those whose status moved, until cancelled."""
        while True:
            async for registration_id in self._scratch.moved():
                for waiter in self._waiters.get(registration_id, ()):
                    waiter.set()
            await asyncio.sleep(_SUBSCRIBE_AGAIN_S)

    def _can_be_ours(self, registration_id: str) -> bool:
        if not ids.is_registration_id(registration_id):
            return False
        age_s = self._clock().timestamp() - ids.minted_at(registration_id).timestamp()
        return age_s >= -_AHEAD_S

    async def _from_log(self, registration_id: str) -> Status | None:
        """Out of Kafka, and back into Redis. Raises Transient: nobody knows.

        The submission first: it stands within minutes of its id's time, so an unknown id is known to be one after a
        short read; the decision is looked for to the end of its partition.
        """
        age_s = self._clock().timestamp() - ids.minted_at(registration_id).timestamp()
        submitted = await self._log.submitted(registration_id)
        if submitted is None and age_s < _RETENTION_S:
            return None
        decided = await self._log.decided(registration_id)
        if decided is not None:
            known_as = submitted.fingerprint if submitted is not None else None
            status = msgspec.structs.replace(status_of(decided), fingerprint=known_as)
        elif submitted is not None:
            status = status_of_submitted(submitted)
        else:
            return None
        await self._scratch.write(status)
        return status

    @contextlib.contextmanager
    def _seat(self, registration_id: str) -> Generator[asyncio.Event]:
        """An event that is set when the id may have moved, while one waits."""
        moved = asyncio.Event()
        waiters = self._waiters.setdefault(registration_id, set())
        waiters.add(moved)
        try:
            with self._seats.sit():
                self._scratch.follow(registration_id)
                yield moved
        finally:
            waiters.discard(moved)
            if not waiters:
                del self._waiters[registration_id]
                self._scratch.unfollow(registration_id)


def status_of_submitted(submitted: RegistrationSubmitted) -> Status:
    """The first status."""
    return Status(
        id=submitted.id,
        operator=submitted.operator,
        store=submitted.store,
        step="submitted",
        at=submitted.submitted_at,
        fingerprint=submitted.fingerprint,
    )


def answer_of(status: Status) -> StatusAnswer:
    """What a caller gets to see: no fingerprint, no operator."""
    return StatusAnswer(id=status.id, step=status.step, at=status.at, verdict=status.verdict, reasons=status.reasons)


def event_of(status: Status) -> bytes:
    """One server-sent event; its id is the step's rank, so a client that comes back misses none and sees none twice."""
    body = msgspec.json.encode(answer_of(status))
    return b"id: %d\nevent: status\ndata: %s\n\n" % (RANK[status.step], body)


async def _pause(moved: asyncio.Event, within_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await moved.wait()
    moved.clear()
