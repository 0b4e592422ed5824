"""The real decoder with its real children, and what it told of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from realname.errors import BadRecording
from realname.reasons import Reason
from realname.settings import Worker
from workers.decoder.limits import DecoderLimits, limits_of
from workers.decoder.pool import Cost, Decoder
from workers.decoder.process import Cause

LIMITS = limits_of(Worker())


class Watched:
    """A decoder with lists of its deaths and costs."""

    def __init__(self, limits: DecoderLimits, children: int, clips_max: int | None = None) -> None:
        self.deaths: list[Cause] = []
        self.costs: list[Cost] = []
        self.decoder = Decoder(limits, children=children, clips_max=clips_max, died=self.deaths.append, decoded=self.costs.append)
        self.decode_clip = self.decoder.decode_clip
        self.decode_portrait = self.decoder.decode_portrait

    def pid(self) -> int:
        """Of its only child."""
        (pid,) = self.decoder.pids
        return pid

    def outcome(self, clip: bytes) -> Reason | None:
        """Why a clip was refused; None where it was decoded."""
        try:
            self.decode_clip(clip, 12.0)
        except BadRecording as refusal:
            return refusal.reason
        return None


@contextmanager
def watched(limits: DecoderLimits = LIMITS, *, children: int = 1, clips_max: int | None = None) -> Iterator[Watched]:
    """A decoder that is closed at the end."""
    decoder = Watched(limits, children, clips_max)
    try:
        yield decoder
    finally:
        decoder.decoder.close()
