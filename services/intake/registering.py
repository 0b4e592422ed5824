"""The walk of a registration through intake. All side effects stand here, in the order in which they happen."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from typing import NamedTuple

from realname import ids
from realname.clock import Clock, monotonic
from realname.envelope import Record, seal_record
from realname.errors import Transient, VaultFull
from realname.keys import KeyProvider
from realname.messages import BlobRef, Challenge, RegistrationSubmitted
from realname.metrics import Metrics
from services.intake import challenge
from services.intake.admission import Admission
from services.intake.auth import Callers
from services.intake.challenge import Ticket
from services.intake.evidence import Evidence
from services.intake.fingerprint import fingerprint_of
from services.intake.known import Seen, Standing, standing_of, standing_unrecorded
from services.intake.problem_names import Name
from services.intake.problems import Problem, Refused, insist
from services.intake.publisher import Outcome, Publisher
from services.intake.receipt import challenge_met
from services.intake.requests import Accepted, RegistrationRequest, accepted, check_complete, check_store, read_json
from services.intake.scratch import Away, Scratch
from services.intake.status import status_of_submitted
from services.intake.status_log import StatusLog
from services.intake.upload import Limits, Medium, Received, Upload, boundary_of, media_of

KAFKA_RETRY_S = 5
VAULT_RETRY_S = 30  # staff have to make room
SOON_S = 1


class Call(NamedTuple):
    """An HTTP request as the walk needs it. body: chunks; nothing is read before somebody iterates.

    The iterator raises ConnectionError where the client goes away.
    """

    authorization: str | None
    content_type: str | None
    content_length: int | None
    traceparent: str | None
    body: AsyncIterator[bytes]


class Bounds(NamedTuple):
    """What the settings allow. upload_within_s: for reading a whole body."""

    parts: Limits
    uploads_max: int
    upload_within_s: float
    partitions: int


class _Attempt(NamedTuple):
    """One request that stands on its own feet: read, complete, with a challenge of ours."""

    operator: str
    request: RegistrationRequest
    ticket: Ticket
    met: Challenge
    media: dict[str, Medium]
    fingerprint: str
    traceparent: str | None


@dataclass(slots=True)
class Registering:
    """Takes registrations in. Belongs to one event loop.

    uploading: bodies in memory. under_way: ids that are being taken in by this process.
    """

    callers: Callers
    challenge_keys: challenge.Keys
    admission: Admission
    keys: KeyProvider
    evidence: Evidence
    publisher: Publisher
    scratch: Scratch
    log: StatusLog
    metrics: Metrics
    clock: Clock
    bounds: Bounds
    uploading: int = 0
    under_way: set[str] = field(default_factory=set[str])

    async def create_registration(self, call: Call) -> Accepted:
        """Take one in: 202 only once its media is durable and Kafka has acknowledged it (invariant I3). Raises Refused."""
        caller = insist(self.callers.authenticate(call.authorization, self.clock()))
        try:
            # Before the body: what cannot be taken in is not read.
            insist(self._check_open())
            insist(self.admission.admit(caller.operator, monotonic()))
            with self._body_in_memory():
                received = await self._receive(call)
                request = insist(read_json(received.request, RegistrationRequest))
                insist(check_store(caller, request.store) or check_complete(request))
                media = insist(media_of(received, request.path))
                purpose = challenge.Purpose(caller.operator, request.store, request.terminal, request.person_token, request.path)
                ticket = insist(challenge.verify(request.challenge, purpose, self.challenge_keys))
                met = insist(self._challenge_met(ticket, request, media.get("clip")))
                fingerprint = self._fingerprint(caller.operator, request, media)
                attempt = _Attempt(caller.operator, request, ticket, met, media, fingerprint, call.traceparent)
                return await self._take_in_once(attempt)
        except Refused as refused:
            self.metrics.count("realname_registrations_refused", caller.operator, refused.problem.name.value)
            raise

    async def _take_in_once(self, attempt: _Attempt) -> Accepted:
        """The id rule (invariant I4): the same again is answered as before, another body under a known id is refused."""
        identity, fingerprint = attempt.ticket.jti, attempt.fingerprint
        with self._alone(identity):
            seen = await self.scratch.claim(identity, fingerprint)
            try:
                return accepted(identity) if await self._was_accepted(seen, attempt) else await self._take_in(attempt)
            except Refused as refused:
                # After a doubtful publish the claim stays: it may have been taken in, and then only this body may repeat it.
                if isinstance(seen, Seen) and seen.claimed_by is None and refused.problem.name is not Name.PUBLISH_DOUBTFUL:
                    await self.scratch.release(identity, fingerprint)
                raise

    async def _was_accepted(self, seen: Seen | Away, attempt: _Attempt) -> bool:
        """Whether this very request was answered 202 before. Raises Refused where the id is another's, or too old to be new."""
        standing = await self._standing(seen, attempt)
        if standing == "other":
            raise Refused(Problem(Name.ID_ALREADY_USED, field="challenge"))
        if standing != "accepted" and attempt.ticket.has_expired(self.clock()):
            raise Refused(Problem(Name.CHALLENGE_EXPIRED, field="challenge"))
        return standing == "accepted"

    async def _take_in(self, attempt: _Attempt) -> Accepted:
        identity = attempt.ticket.jti
        blobs = await self._store(attempt)
        submitted = self._submitted(attempt, blobs)
        record = seal_record(submitted, key=identity, traceparent=attempt.traceparent)
        outcome = await self._publish(record, identity)
        if outcome == "not_sent":
            await self.evidence.discard(blobs.values())
            raise Refused(Problem(Name.LEDGER_UNAVAILABLE, retry_after_s=KAFKA_RETRY_S))
        if outcome == "doubtful":  # the media stays: the record may be there, or come
            self.metrics.count("realname_publishes_doubtful")
            raise Refused(Problem(Name.PUBLISH_DOUBTFUL, retry_after_s=KAFKA_RETRY_S))
        await self.scratch.write(status_of_submitted(submitted))
        self.metrics.count("realname_registrations_accepted", attempt.operator, attempt.request.path)
        return accepted(identity)

    def _check_open(self) -> Problem | None:
        if not self.publisher.is_ready:
            return Problem(Name.LEDGER_UNAVAILABLE, retry_after_s=KAFKA_RETRY_S)
        if self.uploading >= self.bounds.uploads_max:
            return Problem(Name.TOO_MANY_UPLOADS, retry_after_s=SOON_S)
        return None

    async def _receive(self, call: Call) -> Received:
        """The body's parts. A problem ends the reading where it shows."""
        boundary = boundary_of(call.content_type)
        if boundary is None:
            raise Refused(Problem(Name.MEDIA_TYPE_UNSUPPORTED))
        if call.content_length is not None and call.content_length > self.bounds.parts.body:
            raise Refused(Problem(Name.BODY_TOO_LARGE))
        upload = Upload(boundary, self.bounds.parts)
        try:
            async with asyncio.timeout(self.bounds.upload_within_s):
                async for chunk in call.body:
                    insist(upload.take(chunk))
        except TimeoutError:
            raise Refused(Problem(Name.BODY_TOO_SLOW)) from None
        except ConnectionError:
            raise Refused(Problem(Name.BODY_INCOMPLETE)) from None
        return insist(upload.finish())

    def _challenge_met(self, ticket: Ticket, request: RegistrationRequest, clip: Medium | None) -> Challenge | Problem:
        """The challenge as the record will have it; with cues, for the announced clip alone."""
        token = request.digest_receipt if isinstance(request.digest_receipt, str) else None
        plan = challenge.plan_of(ticket, self.challenge_keys)
        # Only then is it asked for, and it goes nowhere else: without cues nobody pays for a pass over the clip.
        digest = hashlib.sha256(clip.content).hexdigest() if clip and plan else None
        return challenge_met(ticket, plan, token=token, clip_sha256=digest, keys=self.challenge_keys)

    def _fingerprint(self, operator: str, request: RegistrationRequest, media: dict[str, Medium]) -> str:
        contents = {kind: medium.content for kind, medium in media.items()}
        for kind, content in contents.items():
            self.metrics.count("realname_upload_bytes", kind, by=len(content))
        secret = self.keys.fingerprint_secret(operator)
        return fingerprint_of(request, portrait=contents.get("portrait"), clip=contents.get("clip"), secret=secret)

    async def _standing(self, seen: Seen | Away, attempt: _Attempt) -> Standing:
        """What is known of the id: by Redis, and where that does not suffice by Kafka."""
        in_redis = seen if isinstance(seen, Seen) else None
        standing = standing_of(in_redis, attempt.fingerprint)
        expired = attempt.ticket.has_expired(self.clock())
        if standing != "ask_ledger" and not (standing == "unfinished" and expired):
            return standing
        try:
            known = await self.log.submitted(attempt.ticket.jti)
        except Transient:
            raise Refused(Problem(Name.LEDGER_UNAVAILABLE, retry_after_s=KAFKA_RETRY_S)) from None
        if known is None:
            return standing_unrecorded(in_redis, attempt.fingerprint)
        await self.scratch.write(status_of_submitted(known))
        return "accepted" if known.fingerprint == attempt.fingerprint else "other"

    async def _store(self, attempt: _Attempt) -> dict[str, BlobRef]:
        try:
            return await self.evidence.put(attempt.media, operator=attempt.operator, registration_id=attempt.ticket.jti)
        except VaultFull:
            raise Refused(Problem(Name.VAULT_FULL, retry_after_s=VAULT_RETRY_S)) from None
        except Transient:
            raise Refused(Problem(Name.VAULT_UNAVAILABLE, retry_after_s=KAFKA_RETRY_S)) from None

    async def _publish(self, record: Record, identity: str) -> Outcome:
        began_s = monotonic()
        outcome = await self.publisher.publish(record, ids.partition_of(identity, self.bounds.partitions))
        self.metrics.observe("realname_publish_seconds", monotonic() - began_s)
        return outcome

    def _submitted(self, attempt: _Attempt, blobs: dict[str, BlobRef]) -> RegistrationSubmitted:
        request, ticket = attempt.request, attempt.ticket
        return RegistrationSubmitted(
            id=ticket.jti,
            operator=attempt.operator,
            store=request.store,
            terminal=request.terminal,
            purpose=request.purpose,
            path=request.path,
            consent=request.consent,
            lines_held=request.lines_held,
            challenge=attempt.met,
            submitted_at=self.clock(),
            fingerprint=attempt.fingerprint,
            portrait_source=request.portrait_source,
            portrait=blobs.get("portrait"),
            clip=blobs.get("clip"),
            previous=request.previous,
        )

    @contextlib.contextmanager
    def _body_in_memory(self) -> Generator[None]:
        """One of uploads_max, from the first byte to the answer."""
        self.uploading += 1
        self.metrics.shift("realname_uploads_in_progress", 1)
        try:
            yield
        finally:
            self.uploading -= 1
            self.metrics.shift("realname_uploads_in_progress", -1)

    @contextlib.contextmanager
    def _alone(self, identity: str) -> Generator[None]:
        """Of two requests for one id in this process the second is told to repeat. Between processes the claim decides."""
        if identity in self.under_way:
            raise Refused(Problem(Name.REGISTRATION_IN_PROGRESS, retry_after_s=SOON_S))
        self.under_way.add(identity)
        try:
            yield
        finally:
            self.under_way.discard(identity)
