"""Gathers items of many callers into batches for one model: up to N items, or what came within T.

One thread runs the model, so a session needs no lock, and a GPU sees full batches while every
caller keeps its simple "one item in, one answer out". Nothing is lost by a bad item: when a batch
fails, its items are run one by one, and only those that fail by themselves get the error.
Models that share a device take turns (models/device.py): while a batcher waits for its turn, its batch fills.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from realname.errors import Transient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.device import Turns

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Item_contra = TypeVar("Item_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)


class BatcherClosed(Transient):
    """The model is being shut down: the same message may be tried again by another process."""


class ModelStuck(Transient):
    """The model did not answer within its limit: its device hangs, or far too much is asked of it."""


class Runs(Protocol[Item_contra, Answer_co]):
    """What a batcher drives: answers as many items as it is given, in order, or raises."""

    def __call__(self, items: Sequence[Item_contra], /) -> Sequence[Answer_co]:
        """One answer for each item."""
        ...


class Observes(Protocol):
    """Told of each batch that ran; the caller's metrics, whose names are not known here."""

    def __call__(self, model: str, size: int, *, waited_s: float, ran_s: float) -> None:
        """waited_s: of the batch's oldest item, from submit to start. ran_s: of the whole batch."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchLimits:
    """A limit on everything.

    items_max:       of a batch.
    wait_s:          a lone item's wait for company.
    queued_max:      items not yet started; who submits beyond it waits.
    answer_within_s: how long `run` waits for its answers, and a full queue for room.
    """

    items_max: int
    wait_s: float
    queued_max: int = 1024
    answer_within_s: float = 30.0

    def __post_init__(self) -> None:
        """Limits that could never run a batch are a mistake of the caller."""
        assert self.items_max >= 1, self.items_max
        assert self.queued_max >= self.items_max, (self.queued_max, self.items_max)
        assert self.wait_s >= 0, self.wait_s


def observe_nothing(model: str, size: int, *, waited_s: float, ran_s: float) -> None:
    """The observer of those who count nothing."""


@dataclass(slots=True)
class _Job(Generic[Item, Answer]):
    item: Item
    at_s: float
    answer: Future[Answer] = field(default_factory=Future[Answer])


class Batcher(Generic[Item, Answer]):
    """A model's queue and the one thread that runs it. Safe for many threads."""

    def __init__(
        self,
        name: str,
        runs: Runs[Item, Answer],
        *,
        limits: BatchLimits,
        observe: Observes = observe_nothing,
        turns: Turns | None = None,
    ) -> None:
        """Start the thread. name: the model's, for the observer and the thread's name. turns: None where no other model waits."""
        self._name = name
        self._turns = turns
        self._runs = runs
        self._limits = limits
        self._observe = observe
        self._jobs: deque[_Job[Item, Answer]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=f"batch-{name}", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Future[Answer]:
        """Queue one item. Waits while the queue is full. Raises BatcherClosed, ModelStuck."""
        return self._enqueue([item])[0]

    def run(self, items: Sequence[Item]) -> list[Answer]:
        """The answers, in order; the first failed item's error is raised.

        Raises what the model raised, BatcherClosed, ModelStuck.
        """
        until_s = time.monotonic() + self._limits.answer_within_s
        futures = self._enqueue(items)
        try:
            return [future.result(timeout=max(0.0, until_s - time.monotonic())) for future in futures]
        except TimeoutError:
            raise ModelStuck(f"{self._name}: no answer within {self._limits.answer_within_s:g} s") from None
        finally:
            for future in futures:
                future.cancel()  # what has not started need not: nobody waits for it any more

    @property
    def is_open(self) -> bool:
        """Whether items are taken: false after `close`, and after a bug ended the thread."""
        return not self._closed

    def close(self) -> None:
        """Take no more, finish what is queued, end the thread. Twice is as good as once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=self._limits.answer_within_s)

    def _enqueue(self, items: Sequence[Item]) -> list[Future[Answer]]:
        """All at once where there is room, so that one caller's items share a batch."""
        futures: list[Future[Answer]] = []
        with self._changed:
            for item in items:
                has_room = self._changed.wait_for(self._has_room, timeout=self._limits.answer_within_s)
                if self._closed or not has_room:
                    for future in futures:
                        future.cancel()
                    raise BatcherClosed(self._name) if self._closed else ModelStuck(f"{self._name}: full for too long")
                job = _Job[Item, Answer](item, at_s=time.monotonic())
                self._jobs.append(job)
                futures.append(job.answer)
                if len(self._jobs) >= self._limits.queued_max:
                    self._changed.notify_all()
            self._changed.notify_all()
        return futures

    def _has_room(self) -> bool:
        return self._closed or len(self._jobs) < self._limits.queued_max

    def _serve(self) -> None:
        """The thread. However it ends, no caller is left waiting."""
        try:
            while self._has_batch():
                with self._turn():
                    batch = self._run_batch(self._take_batch())
                self._hand_out(batch)
        finally:
            with self._changed:
                self._closed = True
                left, self._jobs = self._jobs, deque()
                self._changed.notify_all()
            for job in left:
                if job.answer.set_running_or_notify_cancel():
                    job.answer.set_exception(BatcherClosed(self._name))

    def _has_batch(self) -> bool:
        """Wait for an item, then for others until full or T is over. False: closed, and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            if self._jobs and self._limits.wait_s > 0:
                left_s = self._jobs[0].at_s + self._limits.wait_s - time.monotonic()
                self._changed.wait_for(self._is_full, timeout=max(0.0, left_s))
            return bool(self._jobs)

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._turns is None else self._turns.turn()

    def _take_batch(self) -> list[_Job[Item, Answer]]:
        """What is queued by now, up to a full batch."""
        with self._changed:
            size = min(len(self._jobs), self._limits.items_max)
            jobs = [self._jobs.popleft() for _ in range(size)]
            self._changed.notify_all()  # there is room again
        return jobs

    def _is_full(self) -> bool:
        return self._closed or len(self._jobs) >= self._limits.items_max

    def _run_batch(self, jobs: list[_Job[Item, Answer]]) -> _Ran[Item, Answer]:
        """Run what somebody still waits for."""
        wanted = [job for job in jobs if job.answer.set_running_or_notify_cancel()]
        started_s = time.monotonic()
        try:
            outcomes = self._outcomes([job.item for job in wanted]) if wanted else []
        except BaseException:  # the process is ending, or worse: nobody waits for what never comes
            for job in wanted:
                job.answer.set_exception(BatcherClosed(self._name))
            raise
        return _Ran(wanted, outcomes, started_s, time.monotonic())

    def _hand_out(self, ran: _Ran[Item, Answer]) -> None:
        """Each caller its own answer or error. The device is another model's meanwhile."""
        for job, outcome in zip(ran.jobs, ran.outcomes, strict=True):
            if isinstance(outcome, _Failed):
                job.answer.set_exception(outcome.error)
            else:
                job.answer.set_result(outcome)
        if ran.jobs:
            waited_s = ran.started_s - ran.jobs[0].at_s
            self._observe(self._name, len(ran.jobs), waited_s=waited_s, ran_s=ran.ended_s - ran.started_s)

    def _outcomes(self, items: list[Item]) -> list[Answer | _Failed]:
        """An answer or an error for each item. A failed batch is run again item by item."""
        try:
            answers = list(self._runs(items))
            assert len(answers) == len(items), (len(answers), len(items))
        except Exception as error:  # noqa: BLE001 - not swallowed: the caller's thread raises it
            if len(items) == 1:
                return [_Failed(error)]
            return [outcome for item in items for outcome in self._outcomes([item])]
        return list(answers)


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


@dataclass(frozen=True, slots=True)
class _Ran(Generic[Item, Answer]):
    jobs: list[_Job[Item, Answer]]
    outcomes: list[Answer | _Failed]
    started_s: float
    ended_s: float
