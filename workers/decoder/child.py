"""The child: `python -m workers.decoder.child DESCRIPTOR`. One recording at a time, until its socket closes.

It holds no rights (sandbox.py) and no state between recordings. What goes wrong in it is an answer or its death.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from math import prod

import msgspec
from av.error import FFmpegError

from workers.decoder.buffers import Canvas, receive_canvases
from workers.decoder.clips import decode_clip
from workers.decoder.limits import DecoderLimits
from workers.decoder.portraits import decode_portrait
from workers.decoder.sandbox import confine, seal
from workers.decoder.warm_up import warm_up
from workers.decoder.wire import (
    EXIT_MEMORY,
    Answer,
    Because,
    Closed,
    Decode,
    Frames,
    Message,
    Picture,
    Ready,
    Refused,
    Undecodable,
    receive,
    send,
)

_BODY_BYTES_MAX = 64 * 1024 * 1024  # far above what intake lets in

_requests = msgspec.msgpack.Decoder(Decode)


def main() -> None:
    """Confine, warm up, seal, then answer requests."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    canvases = receive_canvases(sock)
    limits = msgspec.msgpack.decode(receive(sock, body_bytes_max=0).head, type=DecoderLimits)
    confine(limits)
    warm_up(limits, canvases[0].fresh())
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
        send(sock, _answer(message, limits, canvases))
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(message: Message, limits: DecoderLimits, canvases: list[Canvas]) -> Answer:
    started_s = time.thread_time()  # under RLIMIT_CPU the process's clock moves by ticks; there is one thread
    try:
        request = _requests.decode(message.head)
        answer: Answer = _decoded(request, message.body, limits, canvases[request.buffer])
    except Undecodable as refusal:
        answer = Refused(because=refusal.because)
    except FFmpegError:  # its MemoryError, too: broken lengths ask for gigabytes, and it cleans up after itself
        answer = Refused(because=Because.CORRUPT)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    except Exception:  # noqa: BLE001 - the decoder's door: broken bytes raise what no library documents
        answer = Refused(because=Because.UNEXPECTED)
    return msgspec.structs.replace(answer, cpu_s=time.thread_time() - started_s)


def _decoded(request: Decode, body: bytearray, limits: DecoderLimits, canvas: Canvas) -> Frames | Picture:
    pixels = canvas.fresh()
    if request.kind == "clip":
        answer = decode_clip(body, request.process_hz, limits, pixels)
    else:
        answer = decode_portrait(body, limits, pixels)
    canvas.used(prod(answer.shape))
    return answer


if __name__ == "__main__":
    main()
