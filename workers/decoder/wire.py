"""What parent and child say to each other: msgpack heads over a socket pair, frames in a sealed memfd. Never a pickle.

A message is two lengths (4 bytes each, big-endian), a head of msgpack, a body of raw bytes, and at most one descriptor.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

HEAD_BYTES_MAX = 64 * 1024  # 400 times of 9 bytes are 3.6 kB
EXIT_MEMORY = 86  # a child's exit code when its address space is spent

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
    CORRUPT = "corrupt"
    EMPTY = "empty"  # not one frame
    UNEXPECTED = "unexpected"  # an error that the libraries do not document
    DIED = "died"  # said by the parent


class Undecodable(Exception):
    """Nothing to decode: an ordinary answer, not a fault of the child."""

    def __init__(self, because: Because) -> None:
        super().__init__(because.value)
        self.because = because


class DecodeClip(Struct, frozen=True, tag=True):
    """Body: the clip's bytes."""

    process_hz: float


class DecodePortrait(Struct, frozen=True, tag=True):
    """Body: the picture's bytes."""


class Ready(Struct, frozen=True, tag=True):
    """A child's first words. start_cpu_s: what its start took. sealed: system calls are filtered on this machine."""

    start_cpu_s: _SECONDS
    sealed: bool


class Frames(Struct, frozen=True, tag=True):
    """Descriptor: len(at_s) frames of I420, height * 3 // 2 rows of width bytes each, without gaps."""

    height: _SIDE
    width: _SIDE
    at_s: Annotated[list[_SECONDS], Meta(min_length=1, max_length=4096)]
    duration_s: _SECONDS
    frames_decoded: _COUNT
    cpu_s: _SECONDS


class Picture(Struct, frozen=True, tag=True):
    """Descriptor: height rows of width BGR pixels."""

    height: _SIDE
    width: _SIDE
    cpu_s: _SECONDS


class Refused(Struct, frozen=True, tag=True):
    """Nothing was decoded."""

    because: Because
    cpu_s: _SECONDS


Request = DecodeClip | DecodePortrait
Answer = Frames | Picture | Refused


class Message(NamedTuple):
    """One message as it came. The receiver closes the descriptor."""

    head: bytes
    body: bytearray
    descriptor: int | None


class Closed(Exception):
    """The other side is gone, or says what it may not say."""


def send(sock: socket.socket, head: Struct, body: bytes = b"", *, descriptor: int | None = None) -> None:
    """Write one message. Raises OSError or TimeoutError (the socket's timeout bounds each of its two writes)."""
    encoded = msgspec.msgpack.encode(head)
    first = _LENGTHS.pack(len(encoded), len(body)) + encoded
    if descriptor is None:
        sock.sendall(first)
    else:  # the descriptor rides with the first byte; the head is far below the socket's buffer
        sent = socket.send_fds(sock, [first], [descriptor])
        sock.sendall(first[sent:])
    if body:
        sock.sendall(body)


def receive(sock: socket.socket, *, body_bytes_max: int, deadline_at: float | None = None) -> Message:
    """Read one message. deadline_at: in time.monotonic(), for the whole of it; without one it waits for ever.

    Raises Closed at the end of the stream or beyond a limit, TimeoutError, OSError.
    """
    _set_timeout(sock, deadline_at)
    first, descriptors, _, _ = socket.recv_fds(sock, _LENGTHS.size, 1, socket.MSG_CMSG_CLOEXEC)
    try:
        head, body = _parts(sock, first, body_bytes_max, deadline_at)
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    descriptor, *further = descriptors or (None,)
    for surplus in further:  # one is asked for, but two fit where one does
        os.close(surplus)
    return Message(head, body, descriptor)


def _parts(sock: socket.socket, first: bytes, body_bytes_max: int, deadline_at: float | None) -> tuple[bytes, bytearray]:
    if not first:
        raise Closed
    head_bytes, body_bytes = _LENGTHS.unpack(first + _exactly(sock, _LENGTHS.size - len(first), deadline_at))
    if head_bytes > HEAD_BYTES_MAX or body_bytes > body_bytes_max:
        raise Closed
    return bytes(_exactly(sock, head_bytes, deadline_at)), _exactly(sock, body_bytes, deadline_at)


def _exactly(sock: socket.socket, size: int, deadline_at: float | None) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        _set_timeout(sock, deadline_at)
        count = sock.recv_into(view)
        if count == 0:
            raise Closed
        view = view[count:]
    return buffer


def _set_timeout(sock: socket.socket, deadline_at: float | None) -> None:
    if deadline_at is None:
        return
    left_s = deadline_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    sock.settimeout(left_s)
