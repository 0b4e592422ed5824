"""The child: `python -m workers.decoder.child DESCRIPTOR`. One recording at a time, until its socket closes.

It holds no rights (sandbox.py) and no state between recordings. What goes wrong in it is an answer or its death.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import time

import msgspec

from workers.decoder.clips import decode_clip
from workers.decoder.limits import DecoderLimits
from workers.decoder.portraits import decode_portrait
from workers.decoder.sandbox import confine, seal
from workers.decoder.warm_up import warm_up
from workers.decoder.wire import (
    EXIT_MEMORY,
    Because,
    Closed,
    DecodeClip,
    Frames,
    Message,
    Picture,
    Ready,
    Refused,
    Request,
    Undecodable,
    receive,
    send,
)

_BODY_BYTES_MAX = 64 * 1024 * 1024  # far above what intake lets in
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL

_requests = msgspec.msgpack.Decoder(Request)


def main() -> None:
    """Confine, warm up, seal, then answer requests."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    limits = msgspec.msgpack.decode(receive(sock, body_bytes_max=0).head, type=DecoderLimits)
    confine(limits)
    warm_up(limits)
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what native code prints may quote what it reads
        os.dup2(silent, stream)
    sealed = seal()
    send(sock, Ready(start_cpu_s=time.process_time(), sealed=sealed))
    while True:
        try:
            message = receive(sock, body_bytes_max=_BODY_BYTES_MAX)
        except Closed:
            return
        signal.setitimer(signal.ITIMER_REAL, limits.within_s + 1)  # for a child whose parent cannot end it
        _serve(sock, message, limits)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _serve(sock: socket.socket, message: Message, limits: DecoderLimits) -> None:
    started_s = time.process_time()
    descriptor: int | None = None
    try:
        request = _requests.decode(message.head)
        if isinstance(request, DecodeClip):
            descriptor, answer = _clip(request, message.body, limits)
        else:
            descriptor, answer = _portrait(message.body, limits)
    except Undecodable as refusal:
        answer = Refused(because=refusal.because, cpu_s=0.0)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    except Exception:  # noqa: BLE001 - the decoder's door: broken bytes raise what no library documents
        answer = Refused(because=Because.UNEXPECTED, cpu_s=0.0)
    answer = msgspec.structs.replace(answer, cpu_s=time.process_time() - started_s)
    send(sock, answer, descriptor=descriptor)
    if descriptor is not None:
        os.close(descriptor)


def _clip(request: DecodeClip, body: bytearray, limits: DecoderLimits) -> tuple[int, Frames]:
    clip = decode_clip(body, request.process_hz, limits)
    fcntl.fcntl(clip.descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return clip.descriptor, Frames(
        height=clip.height,
        width=clip.width,
        at_s=clip.at_s,
        duration_s=clip.duration_s,
        frames_decoded=clip.frames_decoded,
        cpu_s=0.0,
    )


def _portrait(body: bytearray, limits: DecoderLimits) -> tuple[int, Picture]:
    portrait = decode_portrait(body, limits)
    fcntl.fcntl(portrait.descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return portrait.descriptor, Picture(height=portrait.height, width=portrait.width, cpu_s=0.0)


if __name__ == "__main__":
    main()
