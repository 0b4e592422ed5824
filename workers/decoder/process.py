"""The parent's end of one child: start it, ask it, end it. Nothing that it says is believed unchecked."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from workers.decoder.answers import fault_of
from workers.decoder.buffers import Lender
from workers.decoder.limits import DecoderLimits
from workers.decoder.wire import EXIT_MEMORY, Answer, Closed, Decode, Excessive, Kind, Message, Ready, Refused, receive, send

START_WITHIN_S = 60.0  # imports on a busy machine; usually below one second
_EXIT_WITHIN_S = 2.0  # a child whose socket closed ends at once; after this it is killed
_ROOT = Path(__file__).parents[2]  # where the packages are, installed or not
# Nothing of the worker's environment goes in. The last two keep numpy's and OpenCV's own appetite small.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
_ready = msgspec.msgpack.Decoder(Ready)


class Cause(StrEnum):
    """Why a child died: the label of realname_decoder_deaths."""

    WALL = "wall"  # too slow, killed by its parent
    SIGNAL = "signal"  # a crash, or killed from outside
    MEMORY = "memory"  # its address space was spent
    EXIT = "exit"  # it ended by itself
    PROTOCOL = "protocol"  # it said what it may not say, and was killed


class Died(Exception):
    """The child is gone, and reaped. Whoever asked gets no answer."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class Answered(NamedTuple):
    """pixels: of the answer's shape, read-only; None for a refusal."""

    answer: Answer
    pixels: NDArray[np.uint8] | None


class Child:
    """One decoder process. Used by one thread at a time; `kill` by any."""

    def __init__(self, limits: DecoderLimits) -> None:
        """Start it, and return before it is ready.

        It dies with the *thread* that started it (PR_SET_PDEATHSIG counts threads): start it in one that stays.
        """
        self.served = 0
        self.is_ready = False
        self._limits = limits
        self._lender = Lender(limits.frames_bytes_max)
        self._sock, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - this very interpreter and module
                    [sys.executable, "-s", "-m", "workers.decoder.child", str(theirs.fileno())],
                    cwd=_ROOT,
                    env=_ENVIRONMENT | _image_limits(limits),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # Ctrl-C is the parent's to answer
                )
            self._lender.hand_over(self._sock)
        except OSError:
            self._lender.forget_descriptors()
            self._sock.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_ready(self) -> Ready:
        """Hand it its limits and wait until it is confined. Raises Died."""
        message = self._exchange(self._limits, b"", within_s=START_WITHIN_S)
        try:
            ready = _ready.decode(message.head)
        except msgspec.DecodeError:
            raise self._convicted() from None
        self.is_ready = True
        return ready

    def ask(self, kind: Kind, media: bytes, *, process_hz: float = 0.0) -> Answered:
        """Send one recording and wait for its answer. Raises Died, after limits.within_s at the latest."""
        self.served += 1
        request = Decode(kind=kind, process_hz=process_hz, buffer=self._lender.take())
        message = self._exchange(request, media, within_s=self._limits.within_s)
        try:
            answer = _answers.decode(message.head)
        except msgspec.DecodeError:
            raise self._convicted() from None
        if fault_of(answer, request, self._limits) is not None:
            raise self._convicted()
        if isinstance(answer, Refused):
            self._lender.release(request.buffer)
            return Answered(answer, None)
        return Answered(answer, self._lender.lend(request.buffer, answer.shape))

    def is_dead(self) -> Cause | None:
        """Why it died while nobody asked it; None where it lives."""
        return None if self._process.poll() is None else self._reap()

    def kill(self) -> None:
        """End it now, whatever it does. Whoever waits for its answer gets Died."""
        self._process.kill()

    def close(self) -> None:
        """End and reap it. Not while another thread asks it."""
        self.kill()
        self._reap()

    def _exchange(self, head: Struct, body: bytes, *, within_s: float) -> Message:
        deadline_at = time.monotonic() + within_s
        self._sock.settimeout(within_s)
        try:
            send(self._sock, head, body)
            return receive(self._sock, body_bytes_max=0, deadline_at=deadline_at)
        except TimeoutError:
            self.close()
            raise Died(Cause.WALL) from None
        except Excessive:
            raise self._convicted() from None
        except (OSError, Closed):
            raise Died(self._reap()) from None

    def _convicted(self) -> Died:
        """Kill a child whose answer does not hold. Returns what to raise."""
        self.close()
        return Died(Cause.PROTOCOL)

    def _reap(self) -> Cause:
        self._sock.close()
        try:
            code = self._process.wait(_EXIT_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        if code == EXIT_MEMORY:
            return Cause.MEMORY
        return Cause.SIGNAL if code < 0 else Cause.EXIT


def _image_limits(limits: DecoderLimits) -> dict[str, str]:
    """OpenCV's own bound, for headers that say something else than image_header reads."""
    return {"OPENCV_IO_MAX_IMAGE_PIXELS": str(limits.portrait_pixels_max)}
