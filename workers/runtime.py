"""What one worker process works with, as ports. The real one is built in workers/assemble.py.

The seam for stubs: build_app(settings, runtime) takes any Runtime. A stub worker gives judges that sleep, a vault
that holds nothing or a decoder that returns its input, and keeps the tasks, the wire and the recovery of the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from realname.clock import Clock, Monotonic, monotonic, wall_clock
from realname.keys import KeyProvider
from realname.messages import BlobRef, Challenge, LivenessReport, MatchReport, Seen
from realname.stages import Job, MatchingJob, StageResult
from realname.statuses import Status
from workers.observing import Observing
from workers.starts import Begun
from workers.timing import Timing
from workers.vitals import Vitals
from workers.watchdog import Watchdog

if TYPE_CHECKING:  # at run time a stub worker does without OpenCV
    from workers.clip import Clip


class ReadsEvidence(Protocol):
    """The vault, as far as a worker uses it."""

    def get(self, blob: BlobRef, *, operator: str, registration_id: str, kind: str) -> bytes:
        """The plaintext. Raises EvidenceMissing, Transient."""
        ...


class Decodes(Protocol):
    """The sandboxed decoder."""

    def decode_clip(self, media: bytes, process_hz: float) -> Clip:
        """Raises BadRecording, Transient."""
        ...

    def decode_portrait(self, media: bytes) -> Any:
        """(H, W, 3) uint8, BGR. Raises BadRecording, Transient."""
        ...


class Judged(Protocol):
    """What liveness hands on. chips: lossless images of the aligned face, encoded, best first."""

    @property
    def report(self) -> LivenessReport: ...

    @property
    def chips(self) -> Sequence[bytes]: ...


class Judges(Protocol):
    """Both stages, bound to their models and policy. Raises BadRecording, Transient; anything else is a bug.

    process_hz: frames a second that the decoder keeps at least; the policy's.
    """

    @property
    def process_hz(self) -> float: ...

    def liveness(self, clip: Clip, challenge: Challenge) -> Judged:
        """What the clip shows."""
        ...

    def match(self, portrait: Any, chips: Sequence[bytes]) -> MatchReport:
        """portrait: as decode_portrait gives it; chips: as liveness gave them."""
        ...


class Scratch(Protocol):
    """Redis, see workers/scratch.py. Every call raises Transient."""

    def begin(self, job: Job, token: str, *, status: Status) -> Begun: ...

    def end(self, job: Job, token: str) -> None: ...

    def finish(self, entry: StageResult) -> None: ...

    def add_again(self, partition: int, entry: bytes) -> None: ...

    def keep_next(self, job: Job, token: str, following: MatchingJob) -> None: ...

    def drop_next(self, registration_id: str) -> None: ...

    def count_try(self, registration_id: str, what: str) -> int: ...

    def refresh_process(self) -> None: ...


class Duplicates(Protocol):
    """The index of clips that were handed in, see workers/duplicates/index.py."""

    def look(self, operator: str, registration_id: str, media: bytes, clip: Clip) -> Seen:
        """Look for the clip, and note it. An index that does not answer is an answer: `unavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Everything the tasks use but the sending of the next task, which the Celery app gives.

    judges:      by this process's own policy and weights.
    judges_with: by a job's plan (activation.encode_plan). Raises Transient where its weights are not loaded here.
    pause:       waits so many seconds, or less when the process is asked to end.
    joins:       matching follows in liveness's own task; build_app sets it, by the queues that are served.
    """

    vault: ReadsEvidence
    keys: KeyProvider
    decoder: Decodes
    judges: Judges
    duplicates: Duplicates
    scratch: Scratch
    observing: Observing
    watchdog: Watchdog
    vitals: Vitals
    judges_with: Callable[[bytes], Judges]
    pause: Callable[[float], None]
    timing: Timing = field(default_factory=Timing)
    clock: Clock = wall_clock
    monotonic: Monotonic = monotonic
    joins: bool = False
