"""A store system that costs little: requests over kept connections, each worked by a thread of its own."""

from __future__ import annotations

import http.client
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from bench.visit import CHALLENGE_BODY, request_body
from deploy.local.ports import LOOPBACK
from services.intake.requests import Accepted, ChallengeIssued

OPERATORS = ("north",)
_BOUNDARY = "bench-4f1c"
_JPEG_HEAD = b"\xff\xd8\xff\xe0"
_MP4_HEAD = b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42"
_TIMEOUT_S = 60.0


class Media(NamedTuple):
    """What is sent: noise under the right first bytes. Intake never decodes it."""

    portrait: bytes
    clip: bytes


class Refusal(Exception):
    """An answer that a benchmark does not expect."""


def media_of(portrait_bytes: int, clip_bytes: int) -> Media:
    """Of these sizes."""
    return Media(_JPEG_HEAD + os.urandom(portrait_bytes - len(_JPEG_HEAD)), _MP4_HEAD + os.urandom(clip_bytes - len(_MP4_HEAD)))


class Calls:
    """One process's caller."""

    def __init__(self, port: int, token: str, media: Media, connections: int) -> None:
        """Does not connect yet. token: of the operator; connections: kept, and worked at once."""
        self._headers = {"authorization": f"Bearer {token}"}
        self._media = media
        self._kept = [http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_S) for _ in range(connections)]
        self._pool = ThreadPoolExecutor(connections)

    def is_ready(self) -> bool:
        """Whether it would take a registration in."""
        line = self._kept[0]
        try:
            line.request("GET", "/readyz")
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            line.close()
            return False
        return answer.status == http.client.OK

    def challenges(self, count: int) -> list[ChallengeIssued]:
        """So many fresh ones."""
        found = self._all("POST", ["/v1/challenges"] * count, [CHALLENGE_BODY] * count, {"content-type": "application/json"})
        return [msgspec.json.decode(each, type=ChallengeIssued) for each in found]

    def bodies_of(self, issued: Sequence[ChallengeIssued]) -> list[bytes]:
        """A registration's body for each challenge."""
        return [self._body(each.challenge) for each in issued]

    def bodies_of_nothing(self, count: int) -> list[bytes]:
        """Bodies of the same length, under challenges that nobody signed."""
        return [self._body(secrets.token_hex(220)) for _ in range(count)]

    def post(self, bodies: Sequence[bytes]) -> list[bytes]:
        """Hand each in; the answers."""
        kind = {"content-type": f"multipart/form-data; boundary={_BOUNDARY}"}
        return self._all("POST", ["/v1/registrations"] * len(bodies), bodies, kind)

    def polls(self, accepted: Sequence[bytes]) -> None:
        """Ask where each stands."""
        self.get([msgspec.json.decode(each, type=Accepted).status for each in accepted])

    def get(self, paths: Sequence[str]) -> None:
        """Ask for each."""
        self._all("GET", paths, [b""] * len(paths), {})

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.shutdown()
        for line in self._kept:
            line.close()

    def _all(self, method: str, paths: Sequence[str], bodies: Sequence[bytes], headers: dict[str, str]) -> list[bytes]:
        found: list[bytes] = [b""] * len(paths)
        sent = self._headers | headers

        def work(lane: int) -> None:
            line = self._kept[lane]
            line.close()  # opened anew for these calls: between two rounds a server may have let go of it
            for place in range(lane, len(paths), len(self._kept)):
                line.request(method, paths[place], bodies[place] or None, sent)
                answer = line.getresponse()
                found[place] = answer.read()
                if answer.status >= http.client.BAD_REQUEST:
                    raise Refusal(f"{answer.status}: {found[place].decode('utf-8', 'replace')}")

        for done in [self._pool.submit(work, lane) for lane in range(len(self._kept))]:
            done.result()
        return found

    def _body(self, challenge: str) -> bytes:
        parts = (("request", request_body(challenge)), ("portrait", self._media.portrait), ("clip", self._media.clip))
        pieces = [
            b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="f"\r\n\r\n%b\r\n'
            % (_BOUNDARY.encode(), name.encode(), content)
            for name, content in parts
        ]
        return b"".join((*pieces, b"--%b--\r\n" % _BOUNDARY.encode()))
