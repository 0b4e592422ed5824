"""Intake's ports in memory, and an intake that stands on them: no broker, no Redis, no socket."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from obstore.store import MemoryStore

from realname.envelope import Record, open_record
from realname.errors import Transient, VaultFull
from realname.keys import WrappedKey
from realname.messages import RegistrationDecided, RegistrationSubmitted
from realname.metrics import Metrics
from realname.vault import Vault
from services.intake import challenge
from services.intake.admission import Admission
from services.intake.app import build_app
from services.intake.auth import Callers, issue_token, new_caller_key
from services.intake.cueing import Cueing
from services.intake.cues import CueBounds
from services.intake.evidence import Evidence
from services.intake.issuing import Issuing
from services.intake.openapi import build_document
from services.intake.pages import pages_of
from services.intake.publisher import Outcome
from services.intake.registering import Bounds, Registering
from services.intake.routes import Desk
from services.intake.seats import Seats
from services.intake.status import Statuses
from services.intake.upload import Limits
from tests.fakes.intake_scratch import FakeScratch

PARTITIONS = 12
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4
CLIP = b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42" + bytes(range(256)) * 40
LIMITS = Limits(request=4096, portrait=64 * 1024, clip=256 * 1024)
CUE_BOUNDS = CueBounds(last_s_max=7.5, start_slack_s=0.5, digest_within_s=5.0)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass
class FakePublisher:
    """Takes what it is given and says `outcome`. With `doubtful`, `arrives` tells whether it is there all the same."""

    is_ready: bool = True
    outcome: Outcome = "acknowledged"
    arrives: bool = False
    records: list[tuple[int, Record]] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def publish(self, record: Record, partition: int) -> Outcome:
        if self.gate is not None:
            await self.gate.wait()
        if self.outcome == "acknowledged" or (self.outcome == "doubtful" and self.arrives):
            self.records.append((partition, record))
        return self.outcome


@dataclass
class FakeStatusLog:
    """Reads what the fake publisher holds. `silent`: nobody knows."""

    publisher: FakePublisher
    decisions: dict[str, RegistrationDecided] = field(default_factory=dict)
    silent: bool = False
    looks: int = 0

    async def submitted(self, registration_id: str) -> RegistrationSubmitted | None:
        self.looks += 1
        if self.silent:
            raise Transient("kafka_silent")
        for _, record in self.publisher.records:
            if record.key.decode() == registration_id:
                found = open_record(record.value, record.headers)
                assert isinstance(found, RegistrationSubmitted)
                return found
        return None

    async def decided(self, registration_id: str) -> RegistrationDecided | None:
        if self.silent:
            raise Transient("kafka_silent")
        return self.decisions.get(registration_id)


class FakeKeys:
    """Real randomness, no files; data keys are wrapped by nothing."""

    def wrap(self, operator: str, data_key: bytes) -> WrappedKey:
        return WrappedKey(f"{operator}-1", b"0" * 12 + data_key + b"0" * 16)

    def unwrap(self, operator: str, wrapped: WrappedKey) -> bytes:  # noqa: ARG002
        return wrapped.wrapped[12:-16]

    def fingerprint_secret(self, operator: str) -> bytes:
        return operator.encode().ljust(32, b"-")


class SmallVault(Vault):
    """A real vault in memory that takes `objects_max` objects."""

    objects_max: int = 1000
    silent: bool = False

    def _write(self, objects: Mapping[str, bytes]) -> None:
        if self.silent:
            raise Transient("the vault did not take the object")
        room = self.objects_max - len(list(self.objects()))
        super()._write(dict(list(objects.items())[:room]))
        if room < len(objects):
            raise VaultFull("no space left")


class Intake:
    """A whole intake on fakes, and a store that calls it. `now` can be moved."""

    def __init__(self, **bounds: Any) -> None:
        self.now = NOW
        self.publisher = FakePublisher()
        self.scratch = FakeScratch()
        self.log = FakeStatusLog(self.publisher)
        self.vault = SmallVault(MemoryStore(), FakeKeys())
        self.metrics = Metrics("intake")
        self.admission = Admission({"north": 100, "harbor": 100}, rate_per_s=1000.0, burst=1000.0)
        private = {name: new_caller_key(name) for name in ("north", "harbor")}
        self.private = {name: pair[0] for name, pair in private.items()}
        callers = Callers([pair[1] for pair in private.values()], ("north", "harbor"))
        keys = challenge.derive_keys(b"k" * 32)
        values = {"parts": LIMITS, "uploads_max": 4, "upload_within_s": 5.0, "partitions": PARTITIONS} | bounds
        self.seats = Seats(3)
        self.statuses = Statuses(self.scratch, self.log, clock=self.clock, seats=self.seats, poll_s=0.05, heartbeat_s=0.05)
        self.registering = Registering(
            callers,
            keys,
            self.admission,
            FakeKeys(),
            Evidence(self.vault),
            self.publisher,
            self.scratch,
            self.log,
            self.metrics,
            self.clock,
            Bounds(**values),
        )
        issuing = Issuing(callers, self.admission, keys, self.scratch, self.metrics, self.clock, lifetime_s=600, cues=CUE_BOUNDS)
        self.cueing = Cueing(callers, keys, CUE_BOUNDS, self.seats, self.metrics, self.clock, self.pause)
        pages = pages_of(build_document("test", LIMITS, 30))
        ready = lambda: None if self.publisher.is_ready else "kafka_silent"  # noqa: E731
        self.app = build_app(Desk(issuing, self.cueing, self.registering, self.statuses, callers, self.metrics, ready, 30, pages))
        self.headers = {"authorization": f"Bearer {self.token()}"}

    def clock(self) -> datetime:
        return self.now

    async def pause(self, seconds: float) -> None:
        """The time of streams of cues is this intake's own: it passes at once."""
        self.pass_time(seconds)
        await asyncio.sleep(0)

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def token(self, operator: str = "north", **changes: Any) -> str:
        return issue_token(self.private[operator], now=self.now, lifetime_s=100_000, **changes)

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One call, from a loop of its own."""
        return asyncio.run(self.acall(method, path, **request))

    async def acall(self, method: str, path: str, **request: Any) -> httpx.Response:
        request["headers"] = self.headers | request.get("headers", {})
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            return await client.request(method, path, **request)

    def challenge(self, **changes: Any) -> dict[str, Any]:
        """An issued challenge."""
        answer = self.call("POST", "/v1/challenges", json=a_challenge_request(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def register(self, issued: dict[str, Any], *, parts: dict[str, Any] | None = None, **changes: Any) -> httpx.Response:
        """A registration with that challenge. parts: instead of the usual ones; None leaves one out."""
        return self.call("POST", "/v1/registrations", files=multipart(issued, parts=parts, **changes))

    def cues(self, issued: dict[str, Any], **request: Any) -> httpx.Response:
        """The stream of its cues, to its end."""
        headers = {"realname-challenge": issued["challenge"]} | request.pop("headers", {})
        return self.call("GET", f"/v1/challenges/{issued['id']}/cues", headers=headers, **request)

    def announce(self, issued: dict[str, Any], *, clip: bytes = CLIP, **changes: Any) -> httpx.Response:
        """The digest of that clip."""
        body = {"challenge": issued["challenge"], "clip_sha256": hashlib.sha256(clip).hexdigest(), "clip_started_at_s": 0.25}
        return self.call("POST", f"/v1/challenges/{issued['id']}/digest", json=body | changes)

    @property
    def stored(self) -> list[str]:
        """Keys of all objects in the vault."""
        return [found.key for found in self.vault.objects()]

    @property
    def published(self) -> list[RegistrationSubmitted]:
        """Every submission that Kafka holds."""
        return [open_record(record.value, record.headers) for _, record in self.publisher.records]  # type: ignore[misc]

    def counter(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"{name}_total", labels) or 0.0


def a_challenge_request(**changes: Any) -> dict[str, Any]:
    return {"store": "store-1", "terminal": "till-1", "person_token": "person-4711"} | changes


def a_request(issued: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The JSON part; a field that is `...` is left out."""
    values = {
        "challenge": issued["challenge"],
        "store": "store-1",
        "terminal": "till-1",
        "person_token": "person-4711",
        "purpose": "mobile",
        "lines_held": 1,
        "path": issued["path"],
        "consent": {"reference": "c-1", "given_at": "2026-11-24T11:59:00Z", "text_version": "2026-01", "language": "zh"},
        "portrait_source": "chip_read",
    }
    return {name: value for name, value in (values | changes).items() if value is not ...}


def multipart(issued: Mapping[str, Any], *, parts: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    media = {} if issued["path"] == "referee" else {"portrait": ("p.jpg", JPEG), "clip": ("c.mp4", CLIP)}
    sent = {"request": (None, json.dumps(a_request(issued, **changes)), "application/json"), **media, **(parts or {})}
    return {name: part for name, part in sent.items() if part is not None}


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Server-sent events: name and data of each."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if "data: " in block]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


def in_chunks(body: bytes, cuts: Iterator[int]) -> Iterator[bytes]:
    """The body, cut at these positions."""
    start = 0
    for cut in sorted(cuts):
        yield body[start:cut]
        start = cut
    yield body[start:]


def a_clip(size_bytes: int) -> bytes:
    return (CLIP[:32] + os.urandom(max(0, size_bytes - 32)))[:size_bytes]


async def until(check: Callable[[], object]) -> None:
    """Let the loop turn until the check holds; the test's own timeout ends it."""
    while not check():  # noqa: ASYNC110 - what is waited for is plain state, with no event
        await asyncio.sleep(0)
