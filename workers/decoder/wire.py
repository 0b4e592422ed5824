"""What parent and child say to each other: msgpack heads over a socket pair, never a pickle. Frames: see buffers.py.

A message is two lengths (4 bytes each, big-endian), a head of msgpack and a body of raw bytes.
"""

from __future__ import annotations

import socket
import struct
import time
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from workers.recording import Recording

HEAD_BYTES_MAX = 64 * 1024  # 400 times of 9 bytes are 3.6 kB
EXIT_MEMORY = 86  # a child's exit code when its address space is spent

Kind = Literal["clip", "portrait"]

_LENGTHS = struct.Struct(">II")
_COUNT = Annotated[int, Meta(ge=1, le=1 << 24)]
_SIDE = Annotated[int, Meta(ge=1, le=1 << 16)]
_SECONDS = Annotated[float, Meta(ge=0, le=1e6)]


class Because(StrEnum):
    """Why a recording was not decoded: for the log, closed and without a word of the media."""

    MAGIC = "magic"  # no clip, no picture
    STREAMS = "streams"  # not exactly one video stream
    CODEC = "codec"
    PIXELS = "pixels"
    PACKETS = "packets"
    SECONDS = "seconds"
    BYTES = "bytes"  # decoded frames of more than frames_bytes_max
    SIZE_CHANGED = "size_changed"
    ANIMATED = "animated"  # a portrait of several frames
    TRANSPARENT = "transparent"  # a portrait that shows what lies behind it
    CORRUPT = "corrupt"
    EMPTY = "empty"  # not one frame
    UNEXPECTED = "unexpected"  # an error that the libraries do not document
    DIED = "died"  # said by the parent


class Undecodable(Exception):
    """Nothing to decode: an ordinary answer, not a fault of the child."""

    def __init__(self, because: Because) -> None:
        super().__init__(because.value)
        self.because = because


class Decode(Struct, frozen=True):
    """Body: the recording's bytes. process_hz: of a clip. buffer: the number of the file that its frames go to."""

    kind: Kind
    process_hz: float
    buffer: int


class Ready(Struct, frozen=True):
    """A child's first words. start_cpu_s: what its start took. sealed: system calls are filtered on this machine."""

    start_cpu_s: _SECONDS
    sealed: bool


class Frames(Struct, frozen=True, tag=True):
    """In the buffer: len(at_s) frames of I420, height * 3 // 2 rows of width bytes each, without gaps."""

    height: _SIDE
    width: _SIDE
    at_s: Annotated[list[_SECONDS], Meta(min_length=1, max_length=4096)]
    duration_s: _SECONDS
    frames_decoded: _COUNT
    cpu_s: _SECONDS = 0.0
    recording: Recording | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the frames as an array."""
        return len(self.at_s), self.height * 3 // 2, self.width


class Picture(Struct, frozen=True, tag=True):
    """In the buffer: height rows of width BGR pixels."""

    height: _SIDE
    width: _SIDE
    cpu_s: _SECONDS = 0.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the picture as an array."""
        return self.height, self.width, 3


class Refused(Struct, frozen=True, tag=True):
    """Nothing was decoded."""

    because: Because
    cpu_s: _SECONDS = 0.0


Answer = Frames | Picture | Refused


class Message(NamedTuple):
    """One message as it came."""

    head: bytes
    body: bytearray


class Closed(Exception):
    """The other side is gone."""


class Excessive(Exception):
    """The other side says more than it may."""


def send(sock: socket.socket, head: Struct, body: bytes = b"") -> None:
    """Write one message. Raises OSError or TimeoutError (the socket's timeout bounds each of its two writes)."""
    encoded = msgspec.msgpack.encode(head)
    sock.sendall(_LENGTHS.pack(len(encoded), len(body)) + encoded)
    if body:
        sock.sendall(body)


def receive(sock: socket.socket, *, body_bytes_max: int, deadline_at: float | None = None) -> Message:
    """Read one message. deadline_at: in time.monotonic(), for the whole of it; without one it waits for ever.

    A descriptor that rides along is dropped by the kernel. Raises Closed, Excessive, TimeoutError, OSError.
    """
    head_bytes, body_bytes = _LENGTHS.unpack(_exactly(sock, _LENGTHS.size, deadline_at))
    if head_bytes > HEAD_BYTES_MAX or body_bytes > body_bytes_max:
        raise Excessive
    return Message(bytes(_exactly(sock, head_bytes, deadline_at)), _exactly(sock, body_bytes, deadline_at))


def _exactly(sock: socket.socket, size: int, deadline_at: float | None) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        if deadline_at is not None:
            left_s = deadline_at - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            sock.settimeout(left_s)
        count = sock.recv_into(view)
        if count == 0:
            raise Closed
        view = view[count:]
    return buffer
