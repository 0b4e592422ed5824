"""What a run has done so far, so that it can be broken off and go on: one line of JSON a presentation, appended.

A line holds a key (judging.key_of) and what was measured: numbers and words, no embedding, no pixel. A line that does
not read, as the last one of a killed run, is as if it were not there. Failures are not kept: they are tried again.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
from msgspec import Struct

from realname.errors import RealnameError
from workers.evaluation.judging import PROCESS_DIED
from workers.evaluation.outcomes import Measured

DEATHS_MAX = 2  # of one presentation: the first may have been another's fault


class _Line(Struct, frozen=True):
    id: str
    key: str
    measured: Measured


class State:
    """An open state file. Use as a context manager."""

    def __init__(self, file: Path) -> None:
        """Read what is there. Raises RealnameError where the file cannot be written."""
        self._known: dict[str, tuple[str, Measured]] = {}
        self._deaths: Counter[tuple[str, str]] = Counter()  # by id and key
        lines = file.read_bytes().split(b"\n") if file.is_file() else []
        for line in lines:
            try:
                found = msgspec.json.decode(line, type=_Line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            self._known[found.id] = (found.key, found.measured)
            self._deaths[found.id, found.key] += found.measured.failure == PROCESS_DIED
        try:
            self._stream: BinaryIO = file.open("ab")
        except OSError as error:
            raise RealnameError(f"{file} cannot be written: {error.strerror}") from None
        if lines and lines[-1]:
            self._stream.write(b"\n")  # after half a line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()

    def has(self, identity: str) -> bool:
        """Whether anything was kept of this presentation: only then its key is worth making."""
        return identity in self._known

    def find(self, identity: str, key: str | None) -> Measured | None:
        """What was measured of the same recordings by the same judge; None of one whose process died just once."""
        known, measured = self._known.get(identity, ("", None))
        if measured is None or key is None or known != key:
            return None
        return measured if measured.failure is None or self._deaths[identity, key] >= DEATHS_MAX else None

    def keep(self, identity: str, key: str, measured: Measured) -> None:
        """Write it, at once."""
        if measured.failure in {None, PROCESS_DIED}:
            self._stream.write(msgspec.json.encode(_Line(identity, key, measured)) + b"\n")
            self._stream.flush()
