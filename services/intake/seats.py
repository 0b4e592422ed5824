"""Pure: how many may wait at once, in long polls and in streams of every kind. Beyond it 503, so that memory has its limit."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass

from services.intake.problem_names import Name
from services.intake.problems import Problem

TOO_MANY = Problem(Name.TOO_MANY_WAITING, retry_after_s=2)


@dataclass(slots=True)
class Seats:
    """One count for a whole process."""

    seats_max: int
    taken: int = 0

    @property
    def are_full(self) -> bool:
        """Whether nobody more may sit down."""
        return self.taken >= self.seats_max

    @contextlib.contextmanager
    def sit(self) -> Generator[None]:
        """One seat, while one waits. Who comes asks `are_full` before: a stream that has begun cannot be refused."""
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
