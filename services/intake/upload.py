"""Pure: a multipart body, taken in chunk by chunk under limits. No I/O: `take` chunks, then `finish`.

Everything is checked as soon as it can be: a part's name at its header, its size while it grows, its magic bytes with
its first 32. The chunk boundaries never matter.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# `multipart` has partial types; they end in this file.

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from realname.media import HEAD_BYTES, sniff_clip, sniff_image
from realname.messages import Path
from services.intake.problem_names import Name
from services.intake.problems import Problem

PartName = Literal["request", "portrait", "clip"]
PARTS: tuple[PartName, ...] = ("request", "portrait", "clip")
_KNOWN: Mapping[str, PartName] = {part: part for part in PARTS}
# A part's headers, the boundaries and a preamble: generous, and small beside any medium.
FRAMING_BYTES_MAX = 16 * 1024
_HEADER_BYTES_MAX = 1024
_HEADER_COUNT_MAX = 4
_PIECE_BYTES_MIN = 4096  # below, a piece would cost more memory than it holds; above HEAD_BYTES


class Sniffer(NamedTuple):
    """What the head of a part must look like, and what to say if it does not."""

    sniff: Callable[[bytes], str | None]
    refusal: Name


_SNIFFERS: Mapping[str, Sniffer] = {
    "portrait": Sniffer(sniff_image, Name.PORTRAIT_NOT_AN_IMAGE),
    "clip": Sniffer(sniff_clip, Name.CLIP_NOT_A_VIDEO),
}


class Medium(NamedTuple):
    """One received medium. media_type: by its own first bytes; what the client declared is not looked at."""

    content: bytes
    media_type: str


class Received(NamedTuple):
    """A whole upload. Media are there or not as they were sent; what a path requires is asked later."""

    request: bytes
    portrait: Medium | None
    clip: Medium | None


class Limits(NamedTuple):
    """Bytes of each part, at most."""

    request: int
    portrait: int
    clip: int

    @property
    def body(self) -> int:
        """Bytes of a whole body, at most."""
        return self.request + self.portrait + self.clip + FRAMING_BYTES_MAX


@dataclass(slots=True)
class _Part:
    """One part while it comes in: as the pieces that came, since one buffer that grows costs more than all else here.

    pieces: each but the last at least _PIECE_BYTES_MIN long, however small the client sends.
    """

    name: PartName
    pieces: list[bytes | bytearray] = field(default_factory=list[bytes | bytearray])
    size_bytes: int = 0
    media_type: str | None = None

    def add(self, piece: bytes | bytearray) -> None:
        """The next bytes."""
        self.size_bytes += len(piece)
        if self.pieces and len(self.pieces[-1]) < _PIECE_BYTES_MIN:
            last = self.pieces[-1]
            self.pieces[-1] = last if isinstance(last, bytearray) else bytearray(last)
            self.pieces[-1] += piece
        else:
            self.pieces.append(piece)

    def head(self) -> bytes:
        """The first bytes, as far as they are here."""
        return bytes(self.pieces[0][:HEAD_BYTES]) if self.pieces else b""

    def content(self) -> bytes:
        """All bytes."""
        return b"".join(self.pieces)


class Upload:
    """One body while it comes in. After a problem it takes nothing more."""

    def __init__(self, boundary: str, limits: Limits) -> None:
        """boundary: see boundary_of."""
        self._parser = PushMultipartParser(
            boundary,
            max_header_size=_HEADER_BYTES_MAX,
            max_header_count=_HEADER_COUNT_MAX,
            max_segment_count=len(PARTS) + 1,  # one more than allowed, so that it gets its name in the problem
            # Not strict: there, a line break after the last boundary is refused where it comes in a chunk of its own.
        )
        self._limits = limits
        self._parts: dict[str, _Part] = {}
        self._open: _Part | None = None
        self._taken_bytes = 0

    def take(self, chunk: bytes) -> Problem | None:
        """The next bytes of the body; a problem ends it."""
        if not chunk:
            return None
        self._taken_bytes += len(chunk)
        try:
            for event in self._parser.parse(chunk):
                if problem := self._on(event):
                    return problem
        except ParserLimitReached:
            return Problem(Name.BODY_TOO_LARGE)
        except MultipartError:
            return Problem(Name.BODY_MALFORMED)
        return self._check_framing()

    def finish(self) -> Received | Problem:
        """After the last chunk."""
        try:
            self._parser.close()
        except MultipartError:
            return Problem(Name.BODY_INCOMPLETE if self._parts else Name.BODY_MALFORMED)
        request = self._parts.get("request")
        if request is None:
            return Problem(Name.PART_MISSING, field="request")
        return Received(request.content(), self._medium("portrait"), self._medium("clip"))

    def _on(self, event: MultipartSegment | bytes | bytearray | None) -> Problem | None:
        if isinstance(event, MultipartSegment):
            return self._begin(event.name or "")
        part = self._open
        assert part is not None, "the parser names a segment before its bytes"
        if event is None:
            self._open = None
            return self._sniff(part, ended=True)
        limit: int = getattr(self._limits, part.name)
        if part.size_bytes + len(event) > limit:
            return Problem(Name.BODY_TOO_LARGE, field=part.name)
        part.add(event)
        return self._sniff(part, ended=False)

    def _check_framing(self) -> Problem | None:
        """What stands before, between and after the parts has its limit, too."""
        if self._taken_bytes > self._limits.body:
            return Problem(Name.BODY_TOO_LARGE)
        if not self._parts and self._taken_bytes > FRAMING_BYTES_MAX:
            return Problem(Name.BODY_MALFORMED)
        return None

    def _begin(self, name: str) -> Problem | None:
        known = _KNOWN.get(name)
        if known is None:
            return Problem(Name.PART_UNKNOWN, field=name)
        if known in self._parts:
            return Problem(Name.PART_DUPLICATE, field=name)
        self._open = self._parts[known] = _Part(known)
        return None

    def _sniff(self, part: _Part, *, ended: bool) -> Problem | None:
        sniffer = _SNIFFERS.get(part.name)
        if sniffer is None or part.media_type is not None or (part.size_bytes < HEAD_BYTES and not ended):
            return None
        part.media_type = sniffer.sniff(part.head())
        return None if part.media_type is not None else Problem(sniffer.refusal, field=part.name)

    def _medium(self, name: PartName) -> Medium | None:
        part = self._parts.get(name)
        if part is None:
            return None
        assert part.media_type is not None, "sniffed when it ended"
        return Medium(part.content(), part.media_type)


def boundary_of(content_type: str | None) -> str | None:
    """The boundary in a Content-Type header; None where it is not multipart/form-data or has none that RFC 2046 allows."""
    kind, options = parse_options_header(content_type or "")
    boundary = options.get("boundary", "")
    fits = 1 <= len(boundary) <= 70 and boundary.isascii() and boundary.isprintable()  # noqa: PLR2004 - RFC 2046, 5.1.1
    return boundary if kind == "multipart/form-data" and fits else None


def media_of(received: Received, path: Path) -> dict[str, Medium] | Problem:
    """The media by their kind: both on the face path, none on the referee path."""
    sent = {"portrait": received.portrait, "clip": received.clip}
    for kind, medium in sent.items():
        if medium is None and path == "face":
            return Problem(Name.PART_MISSING, field=kind)
        if medium is not None and path == "referee":
            return Problem(Name.PART_UNKNOWN, field=kind)
    return {kind: medium for kind, medium in sent.items() if medium is not None}
