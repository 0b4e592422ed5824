"""A cued recording as a client makes it: follow the cues, record, announce the digest, get the receipt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from realname.clock import monotonic
from realname.errors import RealnameError
from services.cli.client import Event, IntakeClient
from services.intake.requests import ChallengeIssued, ChallengeRequest, Cue, CueClock, CuesEnd, DigestRequest, DigestTaken

_OPENED_MAX = 5  # a line that is cut more often within seconds is none


class Recorded(NamedTuple):
    """A finished clip. started_at_s: when its first frame was taken, by CueStream.now_s."""

    clip: bytes
    started_at_s: float


class Cued(NamedTuple):
    """A clip whose digest was taken. The receipt goes into the registration's digest_receipt, with this very clip."""

    issued: ChallengeIssued
    cues: tuple[Cue, ...]
    clip: bytes
    taken: DigestTaken


class CueStream:
    """The cues of one challenge, each when it is released. Iterate once; it is open from the start, so that now_s holds."""

    def __init__(self, client: IntakeClient, issued: ChallengeIssued) -> None:
        """Waits for the first event. Raises ProblemAnswered, and RealnameError where nothing comes."""
        self.issued = issued
        self.released: list[Cue] = []
        self.digest_until_s: float | None = None
        self._client = client
        self._events, self._began_at = self._opened()

    def now_s(self) -> float:
        """Seconds from issued_at by intake's clock, as far as this end can tell: behind by the way of the fastest message."""
        return monotonic() - self._began_at

    def __iter__(self) -> Iterator[Cue]:
        """Where the stream is cut it is opened again, and shows at once what was due meanwhile. Raises as the start does."""
        for _ in range(_OPENED_MAX):
            for event in self._events:
                if event.name == "end":
                    self.digest_until_s = msgspec.json.decode(event.body, type=CuesEnd).digest_until_s
                    return
                cue = msgspec.json.decode(event.body, type=Cue)
                if cue.index == len(self.released):
                    self.released.append(cue)
                    # A cue is never sent before its time: the message that came fastest tells the clock best.
                    self._began_at = min(self._began_at, monotonic() - cue.at_s)
                    yield cue
            self._events, _ = self._opened()
        raise _cut(self.issued)

    def _opened(self) -> tuple[Iterator[Event], float]:
        """A stream behind its first event, and the monotonic instant of issued_at by it."""
        events = self._client.cues(self.issued)
        first = next(events, None)
        if first is None or first.name != "clock":
            raise _cut(self.issued)
        return events, monotonic() - msgspec.json.decode(first.body, type=CueClock).now_s


Record = Callable[[CueStream], Recorded]


def record_cued(client: IntakeClient, request: ChallengeRequest, record: Record) -> Cued:
    """The whole cued flow up to the receipt: ask for a challenge, follow it, let `record` make the clip, announce it.

    record: begins its clip before the first cue (1 s after the issue at least), takes the cues as they come to the last,
    and returns within the seconds that intake allows after it. Whoever has no camera may also make the clip when all
    cues are known, as long as it is ready then.
    Raises ProblemAnswered, and RealnameError where intake is away or the stream stays cut.
    """
    return follow_cued(client, client.challenge(msgspec.structs.replace(request, cues=True)), record)


def follow_cued(client: IntakeClient, issued: ChallengeIssued, record: Record) -> Cued:
    """The same for a challenge that is there."""
    stream = CueStream(client, issued)
    recorded = record(stream)
    return Cued(issued, tuple(stream.released), recorded.clip, announce(client, issued, recorded))


def announce(client: IntakeClient, issued: ChallengeIssued, recorded: Recorded) -> DigestTaken:
    """The receipt for a clip. Raises ProblemAnswered: digest_early, digest_late and others."""
    digest = hashlib.sha256(recorded.clip).hexdigest()
    return client.announce(issued.id, DigestRequest(issued.challenge, digest, round(recorded.started_at_s, 3)))


def _cut(issued: ChallengeIssued) -> RealnameError:
    return RealnameError(f"the stream of cues of {issued.id} was cut: ask for a new challenge")
