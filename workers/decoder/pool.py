"""The decoder as the worker sees it: bytes in, a Clip or pixels out, or BadRecording. Usable from many threads.

A small pool of children. One that dies, or has served its number, is replaced by the nursery thread, which starts all
children: they die with the thread that started them, so it lives as long as the pool.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realname.errors import BadRecording, Transient
from realname.reasons import Reason
from workers.clip import Clip
from workers.decoder.held import Room
from workers.decoder.limits import DecoderLimits
from workers.decoder.process import Answered, Cause, Child, Died
from workers.decoder.wire import Because, Frames, Kind, Refused

_RESTART_AFTER_S = 1.0  # after a child that did not come up
_CLOSE_WITHIN_S = 10.0
_TOO_LONG = frozenset({Because.PACKETS, Because.SECONDS, Because.BYTES})

_log = logging.getLogger(__name__)


class Cost(NamedTuple):
    """What one recording took.

    cpu_s: in the child, 0 where it died. wall_s: with its transfer, without waiting.
    waited_s: until there was room for a clip, and a child.
    """

    kind: Kind
    cpu_s: float
    wall_s: float
    waited_s: float


def ignore(_: Cost) -> None:
    """For who does not ask what decoding costs."""


class Decoder:
    """Call `close` at the end; without it the children end with this process."""

    def __init__(
        self,
        limits: DecoderLimits,
        *,
        children: int,
        died: Callable[[Cause], None],
        decoded: Callable[[Cost], None] = ignore,
        clips_max: int | None = None,
    ) -> None:
        """Start the children in the background; who asks before the first is ready waits for it.

        clips_max: decoded clips that there may be at once, until the last view of each is gone; beyond it who asks waits.
        died: told of each child that died (planned replacements do not count), on any thread.
        decoded: told of each recording, decoded or refused, on the thread that asked, before it gets its answer.
        """
        self._limits = limits
        self._room = Room(clips_max)
        self._died = died
        self._decoded = decoded
        self._idle: queue.SimpleQueue[Child | None] = queue.SimpleQueue()  # None: closed
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()  # False: closed
        self._alive: set[Child] = set()  # started, not yet reaped
        self._changed = threading.Condition()  # guards _alive
        self._closed = threading.Event()
        for _ in range(children):
            self._wanted.put(True)
        self._nursery = threading.Thread(target=self._raise_children, name="decoder-nursery", daemon=True)
        self._nursery.start()

    @property
    def pids(self) -> list[int]:
        """Process ids of the children there are."""
        with self._changed:
            return sorted(child.pid for child in self._alive)

    @property
    def held(self) -> int:
        """Decoded clips that there are; 0 where their number is not bounded."""
        return self._room.held

    def check(self) -> str | None:
        """For readiness: None where a child is up, else `no_decoder`."""
        with self._changed:
            return None if any(child.is_ready for child in self._alive) else "no_decoder"

    def decode_clip(self, media: bytes, process_hz: float) -> Clip:
        """Frames of a clip: at least process_hz of them a second, where it has as many.

        Raises BadRecording (clip_unreadable, clip_too_long); Transient where no child comes free.
        """
        asked_s = time.monotonic()
        with self._room.taken(until_s=asked_s + self._limits.within_s) as place:
            answer, pixels = self._ask("clip", media, process_hz, asked_s=asked_s)
            if not isinstance(answer, Frames) or pixels is None:
                too_long = isinstance(answer, Refused) and answer.because in _TOO_LONG
                raise BadRecording(Reason.CLIP_TOO_LONG if too_long else Reason.CLIP_UNREADABLE)
            place.keep_for(pixels)
        return Clip(
            planes=pixels,
            at_s=np.asarray(answer.at_s, np.float64),
            duration_s=answer.duration_s,
            frames_decoded=answer.frames_decoded,
            decode_cpu_s=answer.cpu_s,
            recording=answer.recording,
        )

    def decode_portrait(self, media: bytes) -> NDArray[np.uint8]:
        """(H, W, 3) BGR, upright, its longer side at most limits.portrait_side_px_max; read-only.

        Raises BadRecording (portrait_unreadable); Transient where no child comes free.
        """
        _, pixels = self._ask("portrait", media, asked_s=time.monotonic())
        if pixels is None:
            raise BadRecording(Reason.PORTRAIT_UNREADABLE)
        return pixels

    def close(self) -> None:
        """End all children. Who waits for an answer gets Transient."""
        with self._changed:
            self._closed.set()
            for child in self._alive:
                child.kill()
        self._wanted.put(False)
        self._idle.put(None)
        self._nursery.join(_CLOSE_WITHIN_S)
        while (child := self._idle.get()) is not None:
            self._end(child)
        self._idle.put(None)
        with self._changed:
            self._changed.wait_for(lambda: not self._alive, _CLOSE_WITHIN_S)

    def _ask(self, kind: Kind, media: bytes, process_hz: float = 0.0, *, asked_s: float) -> Answered:
        """One recording through one child. A dead child's answer is a refusal. asked_s: since when its caller waits."""
        child = self._take(asked_s + self._limits.within_s)
        started_s = time.monotonic()
        try:
            answered = child.ask(kind, media, process_hz=process_hz)
        except Died as death:
            self._lose(child, death.cause)
            if self._closed.is_set():
                raise Transient("the decoder is closed") from None
            answered = Answered(Refused(because=Because.DIED), None)
        else:
            self._give_back(child)
        if isinstance(answered.answer, Refused):
            _log.info("not decoded", extra={"kind": kind, "because": answered.answer.because.value})
        self._decoded(Cost(kind, answered.answer.cpu_s, time.monotonic() - started_s, started_s - asked_s))
        return answered

    def _take(self, deadline_at: float) -> Child:
        # As long as one recording may take, so that waiting and decoding together stay below the stage's deadline:
        # past it the watchdog would end the process, and every job beside this one would lose its start.
        while True:
            try:
                child = self._idle.get(timeout=max(0.0, deadline_at - time.monotonic()))
            except queue.Empty:
                raise Transient("no decoder came free") from None
            if child is None:
                self._idle.put(None)
                raise Transient("the decoder is closed")
            cause = child.is_dead()
            if cause is None:
                return child
            self._lose(child, cause)

    def _give_back(self, child: Child) -> None:
        with self._changed:
            if child.served < self._limits.served_max and not self._closed.is_set():
                self._idle.put(child)
                return
        self._wanted.put(True)
        self._end(child)

    def _lose(self, child: Child, cause: Cause) -> None:
        """A child that died and is reaped: have it replaced, say so unless the pool ended it."""
        with self._changed:
            self._alive.discard(child)
            self._changed.notify_all()
        if self._closed.is_set():
            return
        self._wanted.put(True)
        self._died(cause)
        _log.warning("a decoder died", extra={"cause": cause.value, "served": child.served})

    def _end(self, child: Child) -> None:
        child.close()
        with self._changed:
            self._alive.discard(child)
            self._changed.notify_all()

    def _raise_children(self) -> None:
        while self._wanted.get() and not self._closed.is_set():
            try:
                child = Child(self._limits)
            except OSError:  # no memory or process left to start one with
                self._wanted.put(True)
                self._died(Cause.EXIT)
                self._closed.wait(_RESTART_AFTER_S)
                continue
            self._bring_up(child)

    def _bring_up(self, child: Child) -> None:
        started_s = time.monotonic()
        with self._changed:
            self._alive.add(child)
            if self._closed.is_set():
                child.kill()
        try:
            ready = child.wait_ready()
        except Died as death:
            self._lose(child, death.cause)
            self._closed.wait(_RESTART_AFTER_S)
            return
        start_s = round(time.monotonic() - started_s, 3)
        start_cpu_s = round(ready.start_cpu_s, 3)
        _log.info("a decoder started", extra={"start_s": start_s, "start_cpu_s": start_cpu_s, "sealed": ready.sealed})
        self._idle.put(child)
