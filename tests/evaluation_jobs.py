"""What the processes of tests/contract/test_evaluation_processes.py do; a spawned process finds it by its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager

from realname.errors import SettingsWrong

KILLER = 13


@contextmanager
def doubling() -> Generator[Callable[[int], int]]:
    yield double


def double(number: int) -> int:
    if number == KILLER:
        os._exit(9)
    return 2 * number


@contextmanager
def closed() -> Generator[Callable[[int], int]]:
    raise SettingsWrong("no such model")
    yield double
