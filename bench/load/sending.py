"""The open loop: each registration is sent when it is due, whatever became of those before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bench.load.accounting import ACCEPTED, Answer, Sent
from bench.load.http import Client, Reply
from bench.load.samples import Material, Sample
from bench.load.schedule import Arrival
from bench.visit import CHALLENGE_BODY
from services.cli.client import development_token
from services.intake.problems import ProblemDocument
from services.intake.requests import ChallengeIssued

LEAD_S = 3.0  # a challenge is asked for so long before its registration is due: somebody records meanwhile
CHALLENGES_MAX = 200  # one in four fits a cut: this many never run out by chance
TOKEN_S = 1800.0  # half of a development token's life
_CREATED = 201
_JSON = (b"content-type", b"application/json")


class Sender:
    """Sends for every operator. Belongs to one event loop.

    fitting: whether a challenge must be met by the clip, as real workers want it; a simulated one is content with any.
    on_sent: told of each as it ends.
    """

    def __init__(
        self,
        client: Client,
        keys: Path,
        material: Material,
        *,
        fitting: bool,
        on_sent: Callable[[Sent], None],
    ) -> None:
        self._client = client
        self._keys = keys
        self._bodies, self._samples = material
        self._fitting = fitting
        self._on_sent = on_sent
        self._tokens: dict[str, tuple[float, bytes]] = {}

    async def play(self, arrivals: Sequence[Arrival], began_at: float) -> list[Sent]:
        """All of them, in the order in which they were due. began_at: monotonic."""
        tasks: list[asyncio.Task[Sent]] = []
        for arrival in arrivals:
            # Whoever is due already is begun at once: a turn of the loop for each would hold arrivals to the loop's own rate.
            if began_at + arrival.at_s - LEAD_S > time.monotonic():
                await _until(began_at + arrival.at_s - LEAD_S)
            tasks.append(asyncio.create_task(self._send(arrival, began_at)))
        return list(await asyncio.gather(*tasks))

    async def _send(self, arrival: Arrival, began_at: float) -> Sent:
        begun_late_s = time.monotonic() - (began_at + arrival.at_s - LEAD_S)
        sample = self._samples[arrival.draw % len(self._samples)]
        issued = await self._challenge(arrival.operator, sample)
        due_at = max(began_at + arrival.at_s, time.monotonic())  # a challenge that came late is the system's lateness, not ours
        await _until(due_at)
        slip_s = max(begun_late_s, time.monotonic() - due_at)
        if isinstance(issued, Answer):
            sent = Sent(arrival, None, issued, slip_s, time.monotonic() - began_at)
        else:
            answer = await self._register(arrival.operator, issued, sample)
            sent = Sent(arrival, issued.id, answer, slip_s, time.monotonic() - began_at)
        self._on_sent(sent)
        return sent

    async def _challenge(self, operator: str, sample: Sample) -> ChallengeIssued | Answer:
        for _ in range(CHALLENGES_MAX):
            reply = await self._post(operator, b"/v1/challenges", _JSON, (CHALLENGE_BODY,))
            if reply.status != _CREATED:
                return _answer(reply)
            issued = msgspec.json.decode(reply.body, type=ChallengeIssued)
            if not self._fitting or issued.actions in sample.shows:
                return issued
        return Answer(_CREATED, "no challenge fits the clip")

    async def _register(self, operator: str, issued: ChallengeIssued, sample: Sample) -> Answer:
        kind = (b"content-type", self._bodies.content_type)
        reply = await self._post(operator, b"/v1/registrations", kind, self._bodies.parts_of(issued.challenge, sample))
        return _answer(reply)

    async def _post(self, operator: str, path: bytes, kind: tuple[bytes, bytes], parts: Sequence[bytes]) -> Reply:
        """Status 0 where no answer came."""
        try:
            return await self._client.post(path, ((b"authorization", self._token(operator)), kind), parts)
        except (OSError, TimeoutError):
            return Reply()

    def _token(self, operator: str) -> bytes:
        made_at, token = self._tokens.get(operator, (0.0, b""))
        if not token or time.monotonic() - made_at > TOKEN_S:
            token = b"Bearer " + development_token(self._keys, operator).encode()
            self._tokens[operator] = (time.monotonic(), token)
        return token


async def _until(at: float) -> None:
    """at: monotonic. Yields in any case."""
    await asyncio.sleep(max(0.0, at - time.monotonic()))


def _answer(reply: Reply) -> Answer:
    if reply.status in {0, ACCEPTED}:
        return Answer(reply.status)
    try:
        document = msgspec.json.decode(reply.body, type=ProblemDocument)
    except msgspec.MsgspecError:
        return Answer(reply.status)
    retry = reply.headers.get(b"retry-after", b"")
    return Answer(reply.status, document.type.rpartition(":")[2], int(retry) if retry.isdigit() else None)
