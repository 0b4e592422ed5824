"""Jobs over several processes, each with its own models and decoder. A process that dies costs its job, not the run.

Each process has one job at a time, so it is known which one killed it. Ctrl-C is the parent's to answer.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from realname.errors import RealnameError

DEATHS_MAX = 20  # in a run: past it something else is wrong than a recording
_END_WITHIN_S = 5.0
_SPAWN = get_context("spawn")  # a fork would copy the threads' locks of whoever calls

Job = TypeVar("Job")
Answer = TypeVar("Answer")
Serves = Callable[[Any], Any]  # one job -> its answer, in the process
Opens = Callable[..., AbstractContextManager[Serves]]  # what a process opens once; a module's function, arguments picklable


class ProcessesDie(RealnameError):
    """Process after process died: is there enough memory? What is done is kept; run it again with fewer --workers."""


@dataclass(slots=True, eq=False)
class _Worker(Generic[Job]):
    process: BaseProcess
    pipe: Connection
    place: int | None = None  # of its job


def run_jobs(
    jobs: Sequence[Job], opens: Opens, arguments: tuple[Any, ...], *, workers: int, done: Callable[[int, Any], None]
) -> None:
    """Each job once. done: told of each, in no order: the job's place and its answer; None: its process died.

    Raises what `opens` raised where it is a RealnameError, ProcessesDie, and KeyboardInterrupt after all have ended.
    """
    waiting = deque(range(len(jobs)))
    with _crew(opens, arguments, min(workers, len(jobs))) as (crew, start):
        for worker in crew:
            _give(worker, jobs, waiting)
        deaths = 0
        while any(worker.place is not None for worker in crew):
            ready = wait([worker.pipe for worker in crew if worker.place is not None])
            for worker in [worker for worker in crew if worker.pipe in ready]:
                place, answer, alive = worker.place, None, True
                assert place is not None
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    alive, deaths = False, deaths + 1
                if isinstance(answer, RealnameError):
                    raise answer
                done(place, answer)
                if not alive:
                    crew.remove(worker)
                    if deaths > DEATHS_MAX:
                        raise ProcessesDie(str(ProcessesDie.__doc__))
                    crew.append(worker := start())
                _give(worker, jobs, waiting)


def _give(worker: _Worker[Job], jobs: Sequence[Job], waiting: deque[int]) -> None:
    worker.place = waiting.popleft() if waiting else None
    if worker.place is not None:
        try:
            worker.pipe.send(jobs[worker.place])
        except OSError:
            return  # it died while it was idle: reading says so


@contextmanager
def _crew(
    opens: Opens, arguments: tuple[Any, ...], count: int
) -> Generator[tuple[list[_Worker[Any]], Callable[[], _Worker[Any]]]]:
    """The processes, ended with the block, and how to start another."""
    started: list[_Worker[Any]] = []

    def start() -> _Worker[Any]:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs, opens, arguments), name="evaluation")
        process.start()
        theirs.close()
        started.append(_Worker(process, ours))
        return started[-1]

    try:
        yield [start() for _ in range(count)], start
    finally:
        for worker in started:
            worker.pipe.close()  # ends it, after its job
        for worker in started:
            worker.process.join(_END_WITHIN_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _serve(pipe: Connection, opens: Opens, arguments: tuple[Any, ...]) -> None:
    """A process's life: jobs until the parent closes, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with opens(*arguments) as serves:
            while True:
                pipe.send(serves(pipe.recv()))
    except (EOFError, OSError):
        return
    except RealnameError as error:
        pipe.recv()  # the answer to a job, whichever it is
        pipe.send(error)
