"""A cued visit made of a registry clip: challenges are followed side by side until the cues of one fit what was filmed.

Nobody knows the actions before they are released, and a person in a registry clip does what they did. So several visits
begin at once, and the first whose cues a natural piece answers goes on; in the others no clip comes, and they expire.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from bench.media import Piece, as_is, mirror
from bench.presentations.recorder import record
from bench.presentations.shots import changed, shot_of
from demo.footage import Fitted, Footage, fitted, may_fit
from services.cli.client import IntakeClient
from services.cli.cued import Cued, CueStream, Recorded, record_cued
from services.intake.requests import ChallengeRequest

# Of 3,000 drawn plans 18 % fit A in time and 12 % A too late: a round misses in 0.2 and 1.7 %, all rounds once in 10^7.
AT_ONCE = 32
ROUNDS_MAX = 4
_STEP_S = 0.05


class NothingFits(Exception):
    """No challenge of all rounds asked for what was filmed."""


class _NoClip(Exception):
    """This visit ends without a clip."""


def film(footage: Footage, client: IntakeClient, request: ChallengeRequest, media: Path, moved: Callable[[str], None]) -> Cued:
    """The first visit that the footage answers, up to its receipt. Raises NothingFits, and as record_cued does."""
    person = footage.person
    shot_of(media, Piece(person.file, footage.first, footage.first))  # decoded before any clock runs
    for turn in range(1, ROUNDS_MAX + 1):
        moved(f"following {AT_ONCE} cued challenges" + (f", round {turn}" if turn > 1 else ""))
        filming = _Filming(footage, media, moved)

        def visit(_: int, record_visit: Callable[[CueStream], Recorded] = filming.record) -> Cued | None:
            try:
                return record_cued(client, request, record_visit)
            except _NoClip:
                return None

        with ThreadPoolExecutor(AT_ONCE) as visits:
            came = [cued for cued in visits.map(visit, range(AT_ONCE)) if cued is not None]
        if came:
            return came[0]
    raise NothingFits(f"no plan of {ROUNDS_MAX * AT_ONCE} fits what {person.name} does in {person.file}")


class _Filming:
    """One round: at most one visit gets its clip."""

    def __init__(self, footage: Footage, media: Path, moved: Callable[[str], None]) -> None:
        self._footage, self._media, self._moved = footage, media, moved
        self._free = Lock()

    def record(self, stream: CueStream) -> Recorded:
        """As record_cued wants it. Raises _NoClip where the cues do not fit, or another visit's did."""
        for _ in stream:
            if self._free.locked() or not may_fit(self._footage, [cue.action for cue in stream.released]):
                raise _NoClip
        found = fitted(self._footage, [cue.action for cue in stream.released], [cue.at_s for cue in stream.released])
        if found is None or not self._free.acquire(blocking=False):
            raise _NoClip
        self._moved("recording")
        clip = clip_of(found, self._media)
        while stream.now_s() < found.ended_at_s:  # no clip is there before its last frame was taken
            time.sleep(_STEP_S)
        return Recorded(clip, found.started_at_s)


def clip_of(found: Fitted, media: Path) -> bytes:
    """As a browser's recorder makes it."""
    return record(changed(shot_of(media, found.piece), mirror if found.is_mirrored else as_is))
