"""The sides as processes, and how they are asked: one question, one answer, within a deadline. One thread each.

Whoever asks runs in our own virtual environment; two of the peers run in theirs, which `make peers` makes: they want another
numpy.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from bench.peers.serve import READY
from bench.peers.wire import Answered, Ask, PeerBroke, decode_answer, encode_ask

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(".cache/peers")  # their virtual environment, as the Makefile has it
STARTS_WITHIN_S = 120
ANSWERS_WITHIN_S = 120
ENDS_WITHIN_S = 10
SAID_LAST = 1500  # characters of what a broken side wrote
# None of these libraries may share one check out over threads; sessions of onnxruntime and OpenCV are told in the code.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1"),
    "GLOG_minloglevel": "2",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class PeersMissing(RuntimeError):
    """The peers' virtual environment is not there: run `make peers`."""


class Child:
    """One running side. Not for many threads at once."""

    def __init__(self, command: Sequence[str], errors: IO[bytes], *, within_s: float = ANSWERS_WITHIN_S) -> None:
        """Start it and wait until it is ready. errors: where it writes them. within_s: for each answer. Raises PeerBroke."""
        environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)}
        self._errors, self._within_s = errors, within_s
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, cwd=Path.cwd()
        )
        line = self._line(STARTS_WITHIN_S)
        if not line.startswith(READY):
            raise PeerBroke(f"did not come up: {line}")
        self.about = line.removeprefix(READY).strip()

    def ask(self, ask: Ask) -> Answered:
        """Raises PeerBroke, after which it is of no more use where it died or said nothing."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(encode_ask(ask).encode())
            self._process.stdin.flush()
        except OSError as error:
            raise PeerBroke(f"died: {self._said_last()}") from error
        return decode_answer(self._line(self._within_s))

    def close(self) -> None:
        """It ends with its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(ENDS_WITHIN_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _line(self, within_s: float) -> str:
        stdout = self._process.stdout
        assert stdout is not None
        readable, _, _ = select.select([stdout], [], [], within_s)
        line = stdout.readline().decode() if readable else ""
        if not line:
            self._process.kill()
            raise PeerBroke(f"{'died' if readable else f'said nothing for {within_s} s'}: {self._said_last()}")
        return line

    def _said_last(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-SAID_LAST:]


@contextmanager
def opened(sides: dict[str, Path]) -> Generator[dict[str, Child]]:
    """Each side by its name, started with its interpreter, ended with the block. Raises PeersMissing, PeerBroke."""
    for python in sides.values():
        if not python.exists():
            raise PeersMissing(f"{PeersMissing.__doc__} There is no {python}.")
    with ExitStack() as stack:
        children: dict[str, Child] = {}
        for name, python in sides.items():
            errors = stack.enter_context(tempfile.TemporaryFile())
            children[name] = Child([str(python), "-m", "bench.peers.serve", name], errors)
            stack.callback(children[name].close)
        yield children


def interpreters(peers: Path) -> dict[str, Path]:
    """Which Python runs which side. peers: the folder of their virtual environment."""
    own, theirs = Path(sys.executable), peers / "bin" / "python"
    return {"ours": own, "mediapipe_face_recognition": theirs, "scrfd_arcface": theirs, "opencv_same_models": own}
